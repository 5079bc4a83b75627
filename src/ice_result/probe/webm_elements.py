"""Elements of EBML (RFC 8794), of which WebM and Matroska (RFC 9559) are made.

│ identifier, 1 to 4 bytes │ size, 1 to 8 bytes │ content … │

The number of zero bits at the start of an identifier or a size gives its length. If all other bits of a size are ones,
the size is not known: the element ends before one that cannot be in it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

from ice_result.probe.model import MalformedError, PartialFile
from ice_result.probe.zeros import ENOUGH, ZerosError, is_zeros

_LONGEST_IDENTIFIER, _LONGEST_SIZE = 4, 8
LONGEST_HEADER = _LONGEST_IDENTIFIER + _LONGEST_SIZE
"""Bytes of the longest identifier and the longest size."""
_LONGEST_TEXT = 256
MOST_ELEMENTS = 20_000
"""Elements that are read one after the other: more than the parts of a file can have with a frame in each."""
_LONGEST_NUMBER = 8
_FLOATS = {4: struct.Struct(">f"), 8: struct.Struct(">d")}
EBML, SEGMENT, DOC_TYPE = 0x1A45DFA3, 0x18538067, 0x4282
SEEK_HEAD, SEEK, SEEK_IDENTIFIER, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
INFO, TIMESTAMP_SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
TRACKS, TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE = 0x1654AE6B, 0xAE, 0xD7, 0x83
CODEC, DEFAULT_DURATION = 0x86, 0x23E383
VIDEO, WIDTH, HEIGHT, ALPHA_MODE = 0xE0, 0xB0, 0xBA, 0x53C0
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
PROJECTION, PROJECTION_TYPE, ROLL = 0x7670, 0x7671, 0x7675
AUDIO, FREQUENCY, OUTPUT_FREQUENCY, CHANNELS, BIT_DEPTH = 0xE1, 0xB5, 0x78B5, 0x9F, 0x6264
CLUSTER, TIMESTAMP, BLOCK_GROUP, BLOCK, SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA0, 0xA1, 0xA3
BLOCK_ADDITIONS = 0x75A1
CUES = 0x1C53BB6B
VOID = 0xEC
_TAGS, _ATTACHMENTS, _CHAPTERS, _CRC = 0x1254C367, 0x1941A469, 0x1043A770, 0xBF
IN_SEGMENT = {SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES, _TAGS, _ATTACHMENTS, _CHAPTERS, VOID, _CRC}
"""Identifiers of the elements in a segment."""
IN_CLUSTER = {
    *(TIMESTAMP, BLOCK_GROUP, BLOCK, SIMPLE_BLOCK, 0xA7, 0xAB, 0xAF, 0x5854),
    *(0x9B, 0xA2, 0xA4, 0xFA, 0xFB, 0xFD, BLOCK_ADDITIONS, 0x75A2, 0x8E, 0xC8),
}
"""Identifiers of the elements in a cluster and in its groups of blocks."""


class Element(NamedTuple):
    """An element. `end` is declared in its header, and may be beyond the end of the file; None if it is not known."""

    identifier: int
    start: int
    body: int
    end: int | None


def element_at(file: PartialFile, start: int, end: int) -> Element | None:
    """Return the element that begins at `start`; None when its header is not known or passes `end`."""
    header = file.known(start, min(LONGEST_HEADER, end - start)) if start < end else b""
    if not header:
        return None
    length = 9 - header[0].bit_length()
    if length > _LONGEST_IDENTIFIER:
        raise _fault(file, start, f"the content has no element at byte {start}")
    if length >= len(header):
        return None
    width = 9 - header[length].bit_length()
    if width > _LONGEST_SIZE:
        raise _fault(file, start + length, f"the element at byte {start} has no size")
    body = length + width
    if body > len(header):
        return None
    size = int.from_bytes(header[length:body], "big") ^ (1 << 7 * width)
    is_known = size != (1 << 7 * width) - 1
    identifier = int.from_bytes(header[:length], "big")
    return Element(identifier, start, start + body, start + body + size if is_known else None)


def _fault(file: PartialFile, start: int, message: str) -> MalformedError:
    """Return the error for content that is no header: often zeros in place of data."""
    if is_zeros(file.known(start, ENOUGH)):
        return ZerosError(f"the file has zeros instead of data from byte {start}")
    return MalformedError(message)


def elements(file: PartialFile, parent: Element) -> Iterator[Element]:
    """Yield the elements in one whose end is known, whose headers are known. None of them ends after it."""
    position, end = parent.body, file.size if parent.end is None else parent.end
    for _ in range(MOST_ELEMENTS):
        element = element_at(file, position, end)
        if element is None:
            return
        position = end if element.end is None else min(element.end, end)
        yield element._replace(end=position)


def unsigned(file: PartialFile, element: Element) -> int | None:
    """Return the content of an element as a number, if it is known."""
    data = _content(file, element, _LONGEST_NUMBER)
    return None if data is None else int.from_bytes(data, "big")


def numbers(file: PartialFile, parent: Element, *identifiers: int) -> list[int | None]:
    """Return the numbers in the elements of these identifiers."""
    found = {part.identifier: unsigned(file, part) for part in elements(file, parent) if part.identifier in identifiers}
    return [found.get(identifier) for identifier in identifiers]


def floating(file: PartialFile, element: Element) -> float | None:
    """Return the content of an element as a finite number, if it is one."""
    data = _content(file, element, _LONGEST_NUMBER)
    if data is None or len(data) not in _FLOATS:
        return None
    (value,) = _FLOATS[len(data)].unpack(data)
    return float(value) if math.isfinite(value) else None


def positive(file: PartialFile, element: Element) -> float | None:
    """Return the content of an element as a positive number, if it is one."""
    value = floating(file, element)
    return value if value is not None and value > 0 else None


def text(file: PartialFile, element: Element) -> str:
    """Return the content of an element as a text; empty when it is not known."""
    return (_content(file, element, _LONGEST_TEXT) or b"").rstrip(b"\x00").decode("ascii", "replace")


def _content(file: PartialFile, element: Element, longest: int) -> bytes | None:
    if element.end is None or element.end - element.body > longest:
        return None
    return file.get(element.body, element.end - element.body)
