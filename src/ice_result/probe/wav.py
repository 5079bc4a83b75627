"""WAV: RIFF, RIFX, RF64 and BW64, with PCM or another codec (Microsoft, Multiple Channel Audio Data; EBU Tech 3306).

RIFX is big-endian. Zeros in PCM are silence, no defect. A stream of unknown length has a size of zero, or of all ones.
"""

from __future__ import annotations

import math
import struct
from typing import Literal, NamedTuple, TypeAlias

from ice_result.probe.model import SECOND_BYTES, MalformedError, PartialFile, Probed
from ice_result.records.model import Defect, Media

_ByteOrder: TypeAlias = Literal["little", "big"]
_SIGNS = {"little": "<", "big": ">"}
_CHUNK_HEAD = 8
_FIRST_CHUNK = 12
_FORMAT, _FORMAT_SIZE = "HHIIHH", 16
_DS64 = struct.Struct("<QQQ")
_EXTENSIBLE = 0xFFFE
_SUB_FORMAT = 24
_OF_STREAMS, _OF_OLD_STREAMS = range(0xFFFFF000, 0x100000000), range(0x7FFFF000, 0x80000001)
"""Sizes near the largest possible one, which programs write that cannot go back to the header."""
_MOST_CHUNKS = 1000
_PCM, _FLOAT = 1, 3
_CODECS = {
    0x02: "adpcm_ms", 0x06: "pcm_alaw", 0x07: "pcm_mulaw", 0x11: "adpcm_ima_wav", 0x31: "gsm_ms", 0x50: "mp2",
    0x55: "mp3", 0xFF: "aac", 0x2000: "ac3", 0xF1AC: "flac", 0x704F: "opus",
}  # fmt: skip
_INTEGERS = {16: "pcm_s16", 24: "pcm_s24", 32: "pcm_s32", 64: "pcm_s64"}
_FLOATS = {32: "pcm_f32", 64: "pcm_f64"}
_ENDINGS = {"little": "le", "big": "be"}
_LARGEST_FRAME = 4096  # bytes
_WRITERS_MISTAKE = 8  # bytes: the head of the file, which some programs count


class _Format(NamedTuple):
    codec: str | None
    channels: int
    rate: int
    bytes_per_second: int
    block: int
    bits: int
    order: _ByteOrder


class _Chunks(NamedTuple):
    """Chunks that were found: the format, the samples that `fact` counts, and the data with the declared size."""

    format: _Format | None
    samples: int
    data: int | None
    size: int
    """Declared bytes of the data; -1 for a stream."""


def read(file: PartialFile) -> Probed:
    """Read codec, rate, channels, bits and duration, and whether the middle is silent."""
    chunks = _chunks(file, _byte_order(file))
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
    cut = _cut_after_audio(file, audio.order, chunks.data + declared + declared % 2) if chunks.size >= 0 else None
    return Probed(media, cut, _is_silent(file, audio, chunks.data, declared))


def _byte_order(file: PartialFile) -> _ByteOrder:
    return "big" if file.known(0, 4) == b"RIFX" else "little"


def _declared_size(file: PartialFile) -> int:
    """Return the size of the file that its first header declares; 0 for a stream, and for files beyond 4 GiB."""
    size = int.from_bytes(file.known(4, 4), _byte_order(file))
    is_known = file.known(0, 3) == b"RIF" and size and size not in _OF_STREAMS and size not in _OF_OLD_STREAMS
    return size + _CHUNK_HEAD if is_known else 0


def _cut_after_audio(file: PartialFile, order: _ByteOrder, offset: int) -> Defect | None:
    """Follow the chunks after the audio in a file that should be larger, up to one that does not fit.

    The size in the first header alone proves nothing: programs that edit a file may leave the old one.
    """
    declared = _declared_size(file)
    if declared <= file.size or offset >= file.size:
        return None
    file.reach(offset)
    for _ in range(_MOST_CHUNKS):
        head = file.get(offset, _CHUNK_HEAD)
        if head is None:
            return None
        offset += _CHUNK_HEAD + int.from_bytes(head[4:], order)
        if file.size < offset <= declared + _WRITERS_MISTAKE:
            return Defect("truncated", f"the header declares {declared} bytes; the file has {file.size}")
        offset += offset % 2
    return None


def _without_audio(file: PartialFile, audio: _Format | None) -> Probed:
    """Return the facts of a file whose data were not found: it may be truncated, or begin with large chunks."""
    media = _media(audio, None) if audio else Media(container="wav")
    declared = _declared_size(file)
    if declared > file.size:
        return Probed(media, Defect("truncated", f"the header declares {declared} bytes; the file has {file.size}"))
    if file.is_whole:
        return Probed(media, Defect("empty", "the file has no audio chunk"))
    return Probed(media)


def _chunks(file: PartialFile, order: _ByteOrder) -> _Chunks:
    """Walk the chunks up to the data; the second read skips a chunk that is not known."""
    offset, audio, samples, large = _FIRST_CHUNK, None, 0, 0
    for _ in range(_MOST_CHUNKS):
        if file.get(offset, _CHUNK_HEAD) is None:
            file.reach(offset)
        head = file.get(offset, _CHUNK_HEAD)
        if head is None:
            break
        name, size = head[:4], int.from_bytes(head[4:], order)
        offset += _CHUNK_HEAD
        if name == b"data":
            is_stream = not large and (not size or size in _OF_STREAMS or size in _OF_OLD_STREAMS)
            return _Chunks(audio, samples, offset, -1 if is_stream else large or size)
        if name == b"ds64":
            large = _DS64.unpack(body)[1] if (body := file.get(offset, _DS64.size)) else 0
        elif name == b"fmt ":
            audio = _format(file.known(offset, size), order)
        elif name == b"fact":
            samples = int.from_bytes(file.known(offset, 4), order)
        offset += size + size % 2
    return _Chunks(audio, samples, None, 0)


def _format(data: bytes, order: _ByteOrder) -> _Format | None:
    if len(data) < _FORMAT_SIZE:
        return None
    tag, channels, rate, bytes_per_second, block, bits = struct.unpack_from(_SIGNS[order] + _FORMAT, data)
    if not rate or not channels:
        raise MalformedError("the WAV header has a sample rate or a number of channels of zero")
    if tag == _EXTENSIBLE and len(data) >= _SUB_FORMAT + 2:
        tag = int.from_bytes(data[_SUB_FORMAT : _SUB_FORMAT + 2], order)
    size = (bits or 8 * block // channels) + 7 & ~7 if tag in {_PCM, _FLOAT} else bits
    codec = _codec(tag, size, order)
    return _Format(codec, channels, rate, bytes_per_second, block, size, order)


def _codec(tag: int, bits: int, order: _ByteOrder) -> str | None:
    if tag not in {_PCM, _FLOAT}:
        return _CODECS.get(tag)
    if tag == _PCM and bits == 8:
        return "pcm_u8"
    name = (_INTEGERS if tag == _PCM else _FLOATS).get(bits)
    return name and name + _ENDINGS[order]


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
    """Return whether the known samples, at the start and in the middle, are silent: of one value in each channel."""
    if not audio.codec or not audio.codec.startswith("pcm_") or size <= 0:
        return None
    frame = audio.block if 0 < audio.block <= _LARGEST_FRAME else 1
    middle = start + max(size - SECOND_BYTES, 0) // 2 // frame * frame
    file.reach(middle)
    parts = [part for part in (file.known(start, size), file.known(middle, size - (middle - start))) if part]
    if not parts:
        return None
    if parts[0][:frame] == parts[-1][:frame] and all(_repeats(part, frame) for part in parts):
        return True
    if not audio.codec.startswith("pcm_f"):
        return False
    form = _SIGNS[audio.order] + ("f" if audio.bits == 32 else "d")
    return all(_has_no_sound(form, part) for part in parts)


def _repeats(samples: bytes, frame: int) -> bool:
    """Return whether all frames are equal to the first one. A single frame is silent if its samples are zero."""
    if len(samples) < 2 * frame:
        return samples.count(0) == len(samples)
    view = memoryview(samples)
    return view[frame:] == view[:-frame]


def _has_no_sound(form: str, samples: bytes) -> bool:
    """Return whether all samples are zero, of either sign, or no number."""
    whole = len(samples) // struct.calcsize(form) * struct.calcsize(form)
    values = (value for (value,) in struct.iter_unpack(form, memoryview(samples)[:whole]))
    return all(value == 0 or math.isnan(value) for value in values)
