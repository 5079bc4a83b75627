"""FLAC (RFC 9639): the stream's header, and its last frame as the sign of a whole file."""

from __future__ import annotations

from typing import NamedTuple

from ice_result.probe.flac_frames import crc_16_fits, is_frame_before_zeros, last_frames, last_in_a_row
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.tags import end_of_audio, reach_audio, tags_before_audio
from ice_result.probe.zeros import zeros_from
from ice_result.records.model import Defect, Media

STREAM_HEADER = 34
"""Bytes of the block STREAMINFO, without its head."""
_BLOCK_HEAD = 4
_LAST_BLOCK = 0x80
_MOST_BLOCKS = 1000


class StreamHeader(NamedTuple):
    """Facts of STREAMINFO; `total` samples and the `largest` frame in bytes are 0 when an encoder did not know them.

    `block_size` is 0 in a stream of blocks of several sizes.
    """

    block_size: int
    largest: int
    rate: int
    channels: int
    bits: int
    total: int

    def media(self, duration: float | None) -> Media:
        """Return the facts of a file with this header."""
        return Media(
            container="flac",
            duration_seconds=duration,
            audio_codec="flac",
            sample_rate_hz=self.rate,
            channels=self.channels,
            bits=self.bits,
        )


def parse_stream_header(data: bytes) -> StreamHeader:
    """Parse STREAMINFO. Raises MalformedError for a rate of zero."""
    packed = int.from_bytes(data[10:18], "big")
    rate = packed >> 44
    if not rate:
        raise MalformedError("the FLAC header has a sample rate of zero")
    return StreamHeader(
        block_size=int.from_bytes(data[:2], "big") if data[:2] == data[2:4] else 0,
        largest=int.from_bytes(data[7:10], "big"),
        rate=rate,
        channels=(packed >> 41 & 7) + 1,
        bits=(packed >> 36 & 31) + 1,
        total=packed & 0xFFFFFFFFF,
    )


def begins(first: bytes) -> bool:
    """Return whether a file begins as FLAC, after its tags."""
    return first.startswith(b"fLaC", tags_before_audio(first))


def read(file: PartialFile) -> Probed:
    """Read rate, channels, bits and duration."""
    start = reach_audio(file) + _BLOCK_HEAD
    head = file.get(start, _BLOCK_HEAD + STREAM_HEADER)
    if head is None:
        cut = start + _BLOCK_HEAD + STREAM_HEADER > file.size
        defect = Defect("truncated", "the file ends within the FLAC header") if cut else None
        return Probed(Media(container="flac"), defect)
    if head[0] & ~_LAST_BLOCK or head[1:4] != STREAM_HEADER.to_bytes(3, "big"):
        raise MalformedError("the content has no FLAC header")
    header = parse_stream_header(head[_BLOCK_HEAD:])
    audio, is_known = _audio(file, start)
    file.reach_end()
    end = end_of_audio(file)
    media = header.media(round(header.total / header.rate, 6) if header.total else None)
    if audio >= end and (header.total or audio > file.size):
        message = f"the blocks before the audio need {audio} bytes; the file has {file.size}"
        return Probed(media, Defect("truncated" if audio > file.size else "empty", message))
    if is_known and zeros_from(file, audio):
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {audio}"))
    return _with_last_frame(file, header, media, max(audio, file.known_end), end)


def _with_last_frame(file: PartialFile, header: StreamHeader, media: Media, start: int, end: int) -> Probed:
    """Compare the samples that the header declares with the number of the last frame, if one is found."""
    data = file.known(start, end - start)
    frames = last_frames(data, header.block_size, header.total)
    if not frames:
        ends_in_first = file.is_whole and not last_frames(data, header.block_size, 0)
        is_missing = data and header.block_size and 0 < header.largest < len(data) // 2
        message = f"the last {len(data)} bytes of the audio contain no frame"
        defect = Defect("truncated", message) if header.total and (ends_in_first or is_missing) else None
        return Probed(media, defect)
    last = max(frames, key=lambda frame: frame.end)
    if header.total > last.end:
        message = f"the header declares {header.total} samples; the last frame ends at {last.end}"
        return Probed(media, Defect("truncated", message))
    if not header.total:
        in_a_row = last_in_a_row(frames)
        media = header.media(round((in_a_row or last).end / header.rate, 6))
        if in_a_row is None:
            return Probed(media)
        last = in_a_row
    if not crc_16_fits(data[last.offset :]):
        return Probed(media, Defect("truncated", "the checksum of the last frame is wrong"))
    return Probed(media, is_ended=data.endswith(b"\0") and is_frame_before_zeros(data[last.offset :]))


def _audio(file: PartialFile, offset: int) -> tuple[int, bool]:
    """Return the offset after the known blocks of metadata, and whether it is after all of them."""
    for _ in range(_MOST_BLOCKS):
        head = file.get(offset, _BLOCK_HEAD)
        if head is None:
            break
        offset += _BLOCK_HEAD + int.from_bytes(head[1:], "big")
        if head[0] & _LAST_BLOCK:
            return offset, True
    return offset, False
