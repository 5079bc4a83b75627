"""Boxes of the ISO base media file format (ISO/IEC 14496-12), which MP4 shares with Apple's QuickTime.

│ size, 4 bytes │ kind, 4 bytes │ size again, 8 bytes: only if the first size is 1 │ content … │
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ice_result.probe.model import MalformedError, PartialFile
from ice_result.probe.zeros import ENOUGH, ZerosError, is_zeros

_HEADER = struct.Struct(">I4s")
HEADER_SIZE = _HEADER.size
"""Bytes of the shortest header."""
_LARGE = struct.Struct(">Q")
_SIZE_FOLLOWS = 1
_TO_THE_END = 0
LONGEST_HEADER = _HEADER.size + _LARGE.size
"""Bytes of a header with a large size."""
_LISTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
MOST_BOXES = 5000
"""Boxes that are read one after the other: more than a file has in its known parts, unless most of them are empty."""
ZEROS = b"\x00\x00\x00\x00"
"""Kind of a box whose header is zeros."""
TOP_LEVEL = frozenset(
    b"ftyp styp moov moof mdat free skip wide sidx ssix mfra meta meco uuid udta pdin prft emsg pnot PICT".split()
)
"""Kinds of the boxes that make up a file."""


class Box(NamedTuple):
    """A box. `end` is declared in its header, and may be beyond the end of the file."""

    kind: bytes
    start: int
    body: int
    end: int

    @property
    def name(self) -> str:
        """Kind as a text that can be shown."""
        return self.kind.decode("latin-1") if self.kind.isalnum() else self.kind.hex()


def box_at(file: PartialFile, start: int, end: int) -> Box | None:
    """Return the box that begins at `start`; None when its header is not known or passes `end`."""
    header = file.get(start, _HEADER.size) if start + _HEADER.size <= end else None
    if header is None:
        return None
    size, kind = _HEADER.unpack(header)
    body = start + _HEADER.size
    if size == _SIZE_FOLLOWS:
        large = file.get(body, _LARGE.size)
        if large is None:
            return None
        (size,) = _LARGE.unpack(large)
        body += _LARGE.size
    box = Box(kind, start, body, end if size == _TO_THE_END else start + size)
    if box.end < body:
        raise MalformedError(f"the box {box.name} at byte {start} declares {size} bytes, less than its header")
    return box


def ends_in_padding(file: PartialFile) -> bool:
    """Return whether zeros at the end are the content of a box for padding, as far as they are known."""
    found = file.known(file.known_end, file.size)
    for kind in (b"free", b"skip"):
        start = file.known_end + found.rfind(kind) - 4
        if found[-1:] == b"\0" and kind in found and number(file, start, 4) == file.size - start:
            return True
    return False


def boxes(file: PartialFile, parent: Box) -> Iterator[Box]:
    """Yield the boxes in a box, whose headers are known. None of them ends after it.

    Zeros may end the boxes of QuickTime that describe a codec.
    """
    position = parent.body
    for _ in range(MOST_BOXES):
        box = box_at(file, position, parent.end)
        if box is None:
            return
        if box.kind == ZEROS:
            if parent.kind in _LISTS and is_zeros(file.known(position, min(parent.end - position, ENOUGH))):
                raise ZerosError(f"the file has zeros instead of data from byte {position}")
            return
        yield box._replace(end=min(box.end, parent.end))
        position = box.end


def child(file: PartialFile, parent: Box | None, *path: bytes) -> Box | None:
    """Return the first box of this path in a box, if its header is known."""
    for kind in path:
        parent = next((box for box in boxes(file, parent) if box.kind == kind), None) if parent else None
    return parent


def number(file: PartialFile, start: int, length: int) -> int | None:
    """Return the unsigned number in these bytes, if they are known."""
    data = file.get(start, length)
    return None if data is None else int.from_bytes(data, "big")


def versioned(file: PartialFile, box: Box | None, short: int, long: int) -> tuple[int, int] | None:
    """Return a time scale and the duration after it; None when either is not known, or the scale is zero.

    They are at `short` in version 0 of the box, and with a duration of 8 bytes at `long` in version 1.
    """
    version = number(file, box.body, 1) if box else None
    if box is None or version is None:
        return None
    at, length = (box.body + long, 8) if version else (box.body + short, 4)
    if at + 4 + length > box.end:
        return None
    scale, duration = number(file, at, 4), number(file, at + 4, length)
    if not scale or duration is None:
        return None
    return scale, 0 if duration == (1 << 8 * length) - 1 else duration
