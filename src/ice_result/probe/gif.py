"""GIF (CompuServe, GIF89a): width, height and transparency; duration and frame rate if the whole file is known.

Times are read as FFmpeg reads them: a delay below two hundredths of a second is ten hundredths.
"""

from __future__ import annotations

from typing import NamedTuple

from ice_result.probe.model import PartialFile, Probed
from ice_result.probe.zeros import zeros_from
from ice_result.records.model import Defect, Media

_HEADER = 13
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_CONTROL = 0xF9
_IMAGE_HEAD, _CONTROL_HEAD = 10, 8
_SHORTEST, _INSTEAD = 2, 10
_LAST_BYTES = b"\0;"  # the empty block after a frame, and the trailer
_TOLERATED = 1024  # bytes after the end


class _Frames(NamedTuple):
    """Frames that are known. The offset of the `trailer` is None if it was not read; `end` is the last offset.

    `hundredths` is the duration of the frames, `last` that of the last one.
    """

    frames: int
    hundredths: int
    last: int
    transparent: bool | None
    trailer: int | None
    end: int


def read(file: PartialFile) -> Probed:
    """Read width, height, transparency of the first frame, and duration and rate if the whole file is known."""
    media = Media(container="gif")
    head = file.get(0, _HEADER)
    if head is None:
        return Probed(media, Defect("truncated", "the file ends within the GIF header"))
    width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    media = media.model_copy(update={"width": width, "height": height})
    file.reach_end()
    found = _frames(file, _HEADER + _colours(head[10]))
    media = media.model_copy(update={"has_alpha": found.transparent})
    if zeros_from(file, found.end):
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {found.end}"))
    if found.trailer is not None:
        return Probed(_animated(media, found), is_ended=True) if found.frames else Probed(media, _NO_FRAME)
    defect = _truncated(file, found)
    end = file.known(file.known_end, file.size).rstrip(b"\0")
    return Probed(media, defect, is_ended=end.endswith(_LAST_BYTES))


_NO_FRAME = Defect("empty", "the file has no GIF frame")


def _truncated(file: PartialFile, found: _Frames) -> Defect | None:
    if file.is_whole:
        return Defect("truncated", f"the GIF frames end at byte {found.end} without a trailer")
    end = file.known(file.known_end, file.size)
    if end and _LAST_BYTES not in end.rstrip(b"\0")[-_TOLERATED:]:
        return Defect("truncated", "the file does not end with the GIF trailer")
    return None


def _animated(media: Media, found: _Frames) -> Media:
    if found.frames < 2:
        return media
    fps = (found.frames - 1) * 100 / (found.hundredths - found.last)  # many wait at the end before they begin anew
    return media.model_copy(update={"duration_seconds": round(found.hundredths / 100, 3), "fps": round(fps, 3)})


def _colours(flags: int) -> int:
    """Return the bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _frames(file: PartialFile, offset: int) -> _Frames:
    """Walk the known blocks."""
    count, hundredths, last, delay, transparent, first = 0, 0, 0, 0, False, None
    while True:
        head = file.known(offset, _IMAGE_HEAD)
        kind = head[0] if head else None
        if kind == _TRAILER:
            return _Frames(count, hundredths, last, first, offset, offset)
        if kind == _EXTENSION:
            if len(head) >= _CONTROL_HEAD and head[1] == _CONTROL and head[2] == 4:
                delay, transparent = int.from_bytes(head[4:6], "little"), bool(head[3] & 1)
            following = _after_blocks(file, offset + 2)
        elif kind == _IMAGE and len(head) == _IMAGE_HEAD:
            following = _after_blocks(file, offset + _IMAGE_HEAD + _colours(head[9]) + 1)
            first = transparent if first is None else first
            last = delay if delay >= _SHORTEST else _INSTEAD
            count, hundredths = count + 1, hundredths + last
            delay, transparent = 0, False
        else:
            following = None
        if following is None:
            return _Frames(count, hundredths, last, first, None, offset)
        offset = following


def _after_blocks(file: PartialFile, offset: int) -> int | None:
    """Return the offset after blocks of data, which end with an empty one; None if that is not known."""
    while size := file.known(offset, 1):
        offset += 1 + size[0]
        if not size[0]:
            return offset
    return None
