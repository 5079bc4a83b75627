"""PNG: the header chunk, and the end chunk as the sign of a whole file (W3C, Portable Network Graphics)."""

from __future__ import annotations

import struct

from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.records.model import Defect, Media

_HEADER = struct.Struct(">I4sIIBB")
_WITH_ALPHA = {4, 6}
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def read(file: PartialFile) -> Probed:
    """Read the size of the picture and whether it has alpha."""
    header = file.get(8, _HEADER.size)
    if header is None:
        return Probed(Media(container="png"), Defect("truncated", "the file ends within the header of a PNG picture"))
    length, kind, width, height, _, colours = _HEADER.unpack(header)
    if (length, kind) != (13, b"IHDR"):
        raise MalformedError("a PNG picture without its header")
    media = Media(container="png", width=width, height=height, has_alpha=colours in _WITH_ALPHA)
    file.reach_end(len(_END))
    end = file.get(file.size - len(_END), len(_END))
    if end is not None and end != _END:
        return Probed(media, Defect("truncated", "the file does not end with the end chunk of a PNG picture"))
    return Probed(media)
