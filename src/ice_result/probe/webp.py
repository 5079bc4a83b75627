"""WebP (RFC 9649): VP8, VP8L and VP8X, with alpha and animation. The header's length shows a truncated file."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.zeros import zeros_at_end, zeros_from
from ice_result.records.model import Defect, Media

_CHUNK = struct.Struct("<4sI")
_RIFF = 12
_BODY = _RIFF + _CHUNK.size
_LONGEST_HEAD, _LOSSLESS_HEAD = 10, 5
_ANIMATED, _ALPHA = 0x02, 0x10
_DURATION = 12  # in the head of a frame
_PADDING = 1  # byte after an odd chunk, which some programs count and do not write
_MOST_CHUNKS = 20_000
_FEWEST, _BLOCK = 64, 64  # zeros, and pixels for each zero more: a picture of one colour may end in zeros


class _Picture(NamedTuple):
    width: int
    height: int
    has_alpha: bool
    is_animated: bool = False


def read(file: PartialFile) -> Probed:
    """Read width, height and alpha, and the duration of an animation if the whole file is known."""
    media = Media(container="webp")
    declared = int.from_bytes(file.known(4, 4), "little") + _CHUNK.size
    truncated = Defect("truncated", f"the header declares {declared} bytes; the file has {file.size}")
    head = file.known(_RIFF, _CHUNK.size + _LONGEST_HEAD)
    picture = _picture(head[:4], head[_CHUNK.size :])
    if picture is None:
        if declared > file.size or len(head) < _CHUNK.size + _LONGEST_HEAD:
            empty = Defect("empty", "no picture follows the WebP header") if file.is_whole else None
            return Probed(media, truncated if declared > file.size else empty)
        if head.count(0) == len(head):
            return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {_RIFF}"))
        raise MalformedError("the content has no WebP header")
    media = Media(container="webp", width=picture.width, height=picture.height, has_alpha=picture.has_alpha)
    if declared > file.size + _PADDING:
        return Probed(media, truncated)
    if zeros_from(file, _BODY + _LONGEST_HEAD):
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {_BODY + _LONGEST_HEAD}"))
    file.reach_end()
    zeros = zeros_at_end(file, declared)
    if zeros > _FEWEST + picture.width * picture.height // _BLOCK and not picture.is_animated:
        return Probed(media, Defect("empty", f"the file has zeros instead of data from byte {declared - zeros}"))
    return Probed(_animated(file, media, declared) if picture.is_animated else media, is_ended=declared <= file.size)


def _picture(kind: bytes, body: bytes) -> _Picture | None:
    if kind == b"VP8X" and len(body) == _LONGEST_HEAD:
        width, height = (int.from_bytes(body[start : start + 3], "little") + 1 for start in (4, 7))
        return _Picture(width, height, bool(body[0] & _ALPHA), bool(body[0] & _ANIMATED))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) == _LONGEST_HEAD:
        width, height = (int.from_bytes(body[start : start + 2], "little") & 0x3FFF for start in (6, 8))
        return _Picture(width, height, has_alpha=False)
    if kind == b"VP8L" and body.startswith(b"/") and len(body) >= _LOSSLESS_HEAD:
        bits = int.from_bytes(body[1:5], "little")
        return _Picture((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1))
    return None


def _animated(file: PartialFile, media: Media, end: int) -> Media:
    """Add the duration and the rate of the frames, if all of them are known."""
    offset, milliseconds, count = _RIFF, 0, 0
    for _ in range(_MOST_CHUNKS):
        if offset >= end:
            break
        head = file.get(offset, _CHUNK.size)
        if head is None:
            return media
        kind, size = _CHUNK.unpack(head)
        if kind == b"ANMF":
            found = file.get(offset + _CHUNK.size + _DURATION, 3)
            if found is None:
                return media
            milliseconds, count = milliseconds + int.from_bytes(found, "little"), count + 1
        offset += _CHUNK.size + size + size % 2
    if count < 2 or not milliseconds:
        return media
    seconds = milliseconds / 1000
    return media.model_copy(update={"duration_seconds": seconds, "fps": round(count / seconds, 3)})
