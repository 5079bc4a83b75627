"""WAV: RIFF, RF64 and BW64, with PCM or another codec (Microsoft, Multiple Channel Audio Data; EBU Tech 3306).

Zeros in PCM are silence, and no defect. A stream of unknown length has a size of zero, or of all ones.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ice_result.probe.model import SECOND_BYTES, MalformedError, PartialFile, Probed
from ice_result.records.model import Defect, Media

_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK = 12
_FORMAT = struct.Struct("<HHIIHH")
_DS64 = struct.Struct("<QQQ")
_EXTENSIBLE = 0xFFFE
_SUB_FORMAT = 24
_UNKNOWN = 0xFFFFFFFF
_OF_STREAMS, _OF_OLD_STREAMS = range(0xFFFFF000, 0x100000000), range(0x7FFFF000, 0x80000001)
"""Sizes near the largest possible one, which programs write that cannot go back to the header."""
_MOST_CHUNKS = 1000
_PCM, _FLOAT = 1, 3
_CODECS = {
    0x02: "adpcm_ms", 0x06: "pcm_alaw", 0x07: "pcm_mulaw", 0x11: "adpcm_ima_wav", 0x31: "gsm_ms", 0x50: "mp2",
    0x55: "mp3", 0xFF: "aac", 0x2000: "ac3", 0xF1AC: "flac", 0x704F: "opus",
}  # fmt: skip
_INTEGERS = {8: "pcm_u8", 16: "pcm_s16le", 24: "pcm_s24le", 32: "pcm_s32le", 64: "pcm_s64le"}
_FLOATS = {32: "pcm_f32le", 64: "pcm_f64le"}
_ONE_BYTE = {"pcm_u8", "pcm_alaw", "pcm_mulaw"}  # silence is any one value here: these have no sample of zero bits


class _Format(NamedTuple):
    codec: str | None
    channels: int
    rate: int
    bytes_per_second: int
    block: int
    bits: int


class _Chunks(NamedTuple):
    """Chunks that were found: the format, the samples that `fact` counts, and the data with the declared size."""

    format: _Format | None
    samples: int
    data: int | None
    size: int
    """Declared bytes of the data; -1 for a stream."""


def read(file: PartialFile) -> Probed:
    """Read codec, rate, channels, bits and duration, and whether the middle is silent."""
    if file.known(0, 4) == b"RIFX":  # big-endian, which no program writes any more
        return Probed(Media(container="wav"))
    chunks = _chunks(file)
    audio = chunks.format
    if audio is None or chunks.data is None:
        return _without_audio(file, audio)
    there = max(file.size - chunks.data, 0)
    declared = there if chunks.size < 0 else chunks.size
    media = _media(audio, _seconds(audio, chunks.samples, declared))
    if not declared:
        return Probed(media, Defect("empty", "no audio follows the WAV header"))
    if declared > there:
        message = f"the header declares {declared} bytes of audio; the file has {there}"
        return Probed(media, Defect("truncated", message), _is_silent(file, audio, chunks.data, there))
    return Probed(media, is_silent=_is_silent(file, audio, chunks.data, declared))


def _without_audio(file: PartialFile, audio: _Format | None) -> Probed:
    """Return the facts of a file whose data were not found: it may be truncated, or begin with large chunks."""
    media = _media(audio, None) if audio else Media(container="wav")
    declared = int.from_bytes(file.known(4, 4), "little") + 8
    if not file.known(0, 4).startswith(b"RIFF") or declared - 8 in {0, _UNKNOWN}:
        declared = 0
    if declared > file.size:
        return Probed(media, Defect("truncated", f"the header declares {declared} bytes; the file has {file.size}"))
    if file.is_whole:
        return Probed(media, Defect("empty", "the file has no audio chunk"))
    return Probed(media)


def _chunks(file: PartialFile) -> _Chunks:
    """Walk the chunks up to the data; the second read skips a chunk that is not known."""
    offset, audio, samples, large = _FIRST_CHUNK, None, 0, 0
    for _ in range(_MOST_CHUNKS):
        if file.get(offset, _CHUNK.size) is None:
            file.reach(offset)
        head = file.get(offset, _CHUNK.size)
        if head is None:
            break
        name, size = _CHUNK.unpack(head)
        offset += _CHUNK.size
        if name == b"data":
            is_stream = not large and (not size or size in _OF_STREAMS or size in _OF_OLD_STREAMS)
            return _Chunks(audio, samples, offset, -1 if is_stream else large or size)
        if name == b"ds64":
            large = _DS64.unpack(body)[1] if (body := file.get(offset, _DS64.size)) else 0
        elif name == b"fmt ":
            audio = _format(file.known(offset, size))
        elif name == b"fact":
            samples = int.from_bytes(file.known(offset, 4), "little")
        offset += size + size % 2
    return _Chunks(audio, samples, None, 0)


def _format(data: bytes) -> _Format | None:
    if len(data) < _FORMAT.size:
        return None
    tag, channels, rate, bytes_per_second, block, bits = _FORMAT.unpack_from(data)
    if not rate or not channels:
        raise MalformedError("the WAV header has a sample rate or a number of channels of zero")
    if tag == _EXTENSIBLE and len(data) >= _SUB_FORMAT + 2:
        tag = int.from_bytes(data[_SUB_FORMAT : _SUB_FORMAT + 2], "little")
    size = (bits or 8 * block // channels) + 7 & ~7 if tag in {_PCM, _FLOAT} else bits
    codec = _INTEGERS.get(size) if tag == _PCM else _FLOATS.get(size) if tag == _FLOAT else _CODECS.get(tag)
    return _Format(codec, channels, rate, bytes_per_second, block, size)


def _seconds(audio: _Format, samples: int, size: int) -> float | None:
    if audio.codec and audio.codec.startswith("pcm_") and audio.block:
        return round(size / audio.block / audio.rate, 6)
    if samples:
        return round(samples / audio.rate, 6)
    return round(size / audio.bytes_per_second, 6) if audio.bytes_per_second else None


def _media(audio: _Format, seconds: float | None) -> Media:
    return Media(
        container="wav",
        duration_seconds=seconds,
        audio_codec=audio.codec,
        sample_rate_hz=audio.rate,
        channels=audio.channels,
        bits=audio.bits if audio.codec and audio.codec.startswith(("pcm_", "adpcm_")) else None,
    )


def _is_silent(file: PartialFile, audio: _Format, start: int, size: int) -> bool | None:
    """Return whether the known samples, at the start and in the middle, are silent."""
    if not audio.codec or not audio.codec.startswith("pcm_") or size <= 0:
        return None
    middle = start + max(size - SECOND_BYTES, 0) // 2
    file.reach(middle)
    parts = (file.known(start, size), file.known(middle, size - (middle - start)))
    values = (set(part) if audio.codec in _ONE_BYTE else {0} if part.count(0) == len(part) else {1} for part in parts)
    found = set().union(*values)
    return len(found) <= 1 if audio.codec in _ONE_BYTE else found <= {0}
