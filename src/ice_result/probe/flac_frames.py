"""Frames of FLAC, found in the last bytes of a file by their sync code and checksum (RFC 9639, section 9)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_SECOND_BYTES = {b"\xf8", b"\xf9"}
_LONGEST_HEADER = 16
_MOST_FRAMES = 4
_MOST_TRIES = 5000
_VARIABLE = 1
_CHANNEL_MODES = 11
_CONTINUED = 0x80


class FlacFrame(NamedTuple):
    """A frame at `offset`, whose samples are those from `start` up to `end` of the audio."""

    offset: int
    start: int
    end: int


def last_frames(data: bytes, block_size: int, total: int) -> list[FlacFrame]:
    """Return the last frames in these bytes, up to four. A match may be false, because the checksum has only 8 bits.

    `block_size` is that of a stream with blocks of one size, whose frames are numbered; 0 for a stream with several
    sizes, in which a frame has the number of its first sample. A frame that ends after `total` samples is no match.
    """
    found: list[FlacFrame] = []
    sync, tries = len(data), 0
    while len(found) < _MOST_FRAMES and tries < _MOST_TRIES and (sync := data.rfind(b"\xff", 0, sync)) >= 0:
        head = data[sync : sync + _LONGEST_HEADER]
        if head[1:2] not in _SECOND_BYTES:
            continue
        tries += 1
        frame = _parse(head, sync, block_size)
        if frame and (not total or frame.end <= total):
            found.append(frame)
    return found


def last_in_a_row(frames: list[FlacFrame]) -> FlacFrame | None:
    """Return the last frame whose samples go on where those of one before it end: no other bytes look so by chance."""
    rows = (
        frame
        for frame in sorted(frames, reverse=True)
        if any(before.offset < frame.offset and before.end == frame.start for before in frames)
    )
    return next(rows, None)


def crc_16_fits(data: bytes) -> bool:
    """Return whether a frame with its checksum begins these bytes; others may follow it."""
    return any(not crc for crc in _crcs_16(data))


def is_frame_before_zeros(data: bytes) -> bool:
    """Return whether these bytes are a frame with its checksum and nothing else but zeros."""
    *_, crc = _crcs_16(data.rstrip(b"\0") + b"\0\0")  # zeros after a checksum do not change its remainder, which is 0
    return crc == 0


def _crcs_16(data: bytes) -> Iterator[int]:
    table, crc = _table_16(), 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
        yield crc


def _parse(head: bytes, offset: int, block_size: int) -> FlacFrame | None:
    if len(head) < 6 or head[3] >> 4 >= _CHANNEL_MODES or head[3] & 1 or head[3] >> 1 & 7 == 3:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    number, used = _coded_number(head[4:])
    if not used or not size_code or rate_code == 15:
        return None
    place = 4 + used
    extra = {6: 1, 7: 2}.get(size_code, 0)
    size = int.from_bytes(head[place : place + extra], "big") + 1 if extra else _block_size(size_code)
    place += extra + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if place >= len(head) or _crc_8(head[:place]) != head[place]:
        return None
    is_variable = bool(head[1] & _VARIABLE)
    if not is_variable and not block_size:
        return None
    start = number if is_variable else number * block_size
    return FlacFrame(offset, start, start + size)


def _block_size(code: int) -> int:
    if code == 1:
        return 192
    return 576 << (code - 2) if code < 6 else 256 << (code - 8)


def _coded_number(data: bytes) -> tuple[int, int]:
    """Return a number in the extended UTF-8 of FLAC, and the bytes it takes; 0 bytes for none."""
    first = data[0]
    if first < _CONTINUED:
        return first, 1
    length = next((ones for ones in range(2, 8) if not first & 0x80 >> ones), 0)
    rest = data[1:length]
    if not length or len(rest) != length - 1 or any(byte & 0xC0 != _CONTINUED for byte in rest):
        return 0, 0
    number = first & (0x7F >> length)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, length


def _crc_8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


@cache
def _table_16() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
        table.append(crc)
    return tuple(table)
