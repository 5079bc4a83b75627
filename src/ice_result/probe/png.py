"""PNG and APNG (W3C, Portable Network Graphics): the header, and the end chunk as the sign of a whole file."""

from __future__ import annotations

import struct

from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.zeros import zeros_from
from ice_result.records.model import Defect, Media

_SIGNATURE = 8
_HEADER = struct.Struct(">IIBB")
_CHUNK = struct.Struct(">I4s")
_CHECKSUM = 4
_WITH_ALPHA = {4, 6}
_END = b"IEND\xaeB`\x82"
_MOST_CHUNKS = 1000


def read(file: PartialFile) -> Probed:
    """Read the width and height of the picture, and whether it has alpha."""
    first = _SIGNATURE + _CHUNK.size
    if file.size < first + _HEADER.size:
        return Probed(Media(container="png"), Defect("truncated", "the file ends within the PNG header"))
    head = file.known(_SIGNATURE, _CHUNK.size + _HEADER.size)
    if not head.startswith(b"\0\0\0\rIHDR"):
        raise MalformedError("the content has no PNG header")
    if len(head) < _CHUNK.size + _HEADER.size:
        return Probed(Media(container="png"))
    width, height, _, colours = _HEADER.unpack_from(head, _CHUNK.size)
    has_transparency, data = _chunks(file)
    has_alpha = colours in _WITH_ALPHA or has_transparency or (None if data is None else False)
    media = Media(container="png", width=width, height=height, has_alpha=has_alpha)
    return _judged(file, media, data)


def _chunks(file: PartialFile) -> tuple[bool, int | None]:
    """Return whether a transparent colour is declared before the picture's data, and the offset of the data."""
    offset, has_transparency = _SIGNATURE, False
    for _ in range(_MOST_CHUNKS):
        head = file.get(offset, _CHUNK.size)
        if head is None:
            break
        size, kind = _CHUNK.unpack(head)
        if kind == b"IDAT":
            return has_transparency, offset + _CHUNK.size
        has_transparency = has_transparency or kind == b"tRNS"
        offset += _CHUNK.size + size + _CHECKSUM
    return has_transparency, None


def _judged(file: PartialFile, media: Media, data: int | None) -> Probed:
    file.reach_end()
    if data and zeros_from(file, data):
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {data}"))
    end = file.known(file.known_end, file.size)
    if end and _END not in end:
        return Probed(media, Defect("truncated", "the file does not end with the PNG end chunk"))
    return Probed(media, is_ended=_END in end)
