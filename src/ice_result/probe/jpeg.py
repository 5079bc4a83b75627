"""JPEG (ITU-T T.81): the frame header, and the end marker as the sign of a whole file.

Width and height are as stored: the orientation in EXIF is not applied, as in FFmpeg. Thumbnails are in segments, which
are skipped.
"""

from __future__ import annotations

import re
import struct

from ice_result.probe.model import SECOND_BYTES, PartialFile, Probed
from ice_result.records.model import Defect, Media

_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_SIZE = {0x01, *range(0xD0, 0xD9)}
_SCAN, _END = 0xDA, 0xD9
_FRAME = struct.Struct(">xHHB")
_MOST_SEGMENTS = 2000
_END_MARKER = b"\xff\xd9"
_FOREIGN = re.compile(rb"\xff[^\x00\xff\xc4\xd0-\xd7\xda-\xdf\xe0-\xef\xfe]")
"""A pair of bytes that is neither in a scan nor between two scans: other content follows the picture."""
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_BLOCK = 64  # pixels
_FEWEST = 64
_SEARCHED = 4096  # bytes in which the next marker is looked for


def read(file: PartialFile) -> Probed:
    """Read the width and height of the picture."""
    media = Media(container="jpeg", has_alpha=False)
    offset, end = _segments(file)
    frame = file.get(offset, _FRAME.size) if offset else None
    if frame:
        height, width, _ = _FRAME.unpack(frame)
        media = media.model_copy(update={"width": width or None, "height": height or None})
    if end is not None and end >= file.size:
        return Probed(media, Defect("truncated", "the file ends within the JPEG headers"))
    if end is None or not file.known(end, 1):
        return Probed(media)
    defect = _defect(file, end, (media.width or 0) * (media.height or 0))
    return Probed(media, defect, is_ended=_END_MARKER in file.known(max(end, file.known_end), file.size))


def _segments(file: PartialFile) -> tuple[int | None, int | None]:
    """Return the offsets of the frame header's body and of the scan; None for what was not reached."""
    offset, frame = 2, None
    for _ in range(_MOST_SEGMENTS):
        if not file.known(offset, 1):
            file.reach(offset)
        marker = _marker(file, offset)
        if marker is None:
            return frame, file.size if offset + 4 > file.size else None
        offset, kind, size = marker
        if kind == _END:
            return frame, file.size
        if kind in _FRAME_HEADERS and frame is None:
            frame = offset + 4
        offset += 2 + size
        if kind == _SCAN:
            return frame, offset
    return frame, None


def _marker(file: PartialFile, offset: int) -> tuple[int, int, int] | None:
    """Return offset, kind and size of the next segment, as decoders do: bytes that are not a marker are skipped."""
    found = _MARKER.search(file.known(offset, _SEARCHED))
    if found is None:
        return None
    offset += found.start()
    kind = found[0][1]
    if kind in _WITHOUT_SIZE:
        return offset, kind, 0
    size = file.get(offset + 2, 2)
    return (offset, kind, int.from_bytes(size, "big")) if size else None


def _defect(file: PartialFile, scan: int, pixels: int) -> Defect | None:
    """Check the end of the file. A picture of one colour may be zeros: two bits for each block in up to four planes."""
    file.reach_end()
    start = max(scan, file.known_end)
    end, beginning = file.known(start, file.size), file.known(scan, SECOND_BYTES)
    stripped = end.removesuffix(_END_MARKER)
    if stripped.count(0) == len(stripped) and beginning.removesuffix(_END_MARKER).strip(b"\0") == b"":
        size = file.size - scan
        if size > _FEWEST + pixels // _BLOCK:
            return Defect("empty", f"the file has zeros instead of data from byte {scan}")
    if end and _END_MARKER not in end and not _FOREIGN.search(end):
        return Defect("truncated", "the file does not end with the JPEG end marker")
    return None
