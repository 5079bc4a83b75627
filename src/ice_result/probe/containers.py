"""The containers that are read: how each is recognised, the names that promise it, and the module that reads it.

A module has one public function, `read(file: PartialFile) -> Probed`. It is imported when the first file of its kind is
there. The order matters: a signature that is sure comes before one that others may share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ice_result.probe import aac_frames, mpeg_frames
from ice_result.probe.frames import begins_with_frames
from ice_result.probe.tags import tags_in_front
from ice_result.records.model import Container as ContainerName


class Container(NamedTuple):
    """A container: `begins` tells it by the first bytes of a file, `module` in this package reads it.

    `extensions` are the endings of names that promise this content. A reader may tell more closely what it is, such as
    `mov` for `mp4`. With `without_sign`, a file of a promising name that no container recognises is given to the
    reader, which raises MalformedError for what it is not: some files of this container have nothing at their start.
    With `may_end_in_zeros`, many zeros at the end are data or padding, or the reader tells; otherwise they are in place
    of data.
    """

    name: ContainerName
    module: str
    extensions: tuple[str, ...]
    begins: Callable[[bytes], bool]
    without_sign: bool = False
    may_end_in_zeros: bool = False


def _signature(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda first: compiled.match(first) is not None


def _is_flac(first: bytes) -> bool:
    return first.startswith(b"fLaC", tags_in_front(first))


def _is_aac(first: bytes) -> bool:
    return begins_with_frames(first, tags_in_front(first), aac_frames.parse)


def _is_mpeg_sound(first: bytes) -> bool:
    return first.startswith(b"ID3") or begins_with_frames(first, 0, mpeg_frames.parse)


_SPACE = rb"(?:\xef\xbb\xbf)?\s*"
_CUE = rb"\d+[ \t]*\r?\n[ \t]*\d+:\d\d:\d\d[,.]\d+[ \t]*-->"
_JSON = rb"(?:\{\s*[\"}]|\[\s*(?:[\"{\[\]]|(?:-?\d[\d.eE+-]*|null|true|false)\s*[,\]]))"

_STILL_PICTURES = rb"(?!hei[cfmsx]|hevc|mif1|msf1|avi[fs]|crx |jp2 |jpx )"
_BOX = rb"....(?:ftyp" + _STILL_PICTURES + rb"|mdat)|[\x00-\x0f]...(?:moov|wide|free|skip|pnot)"
_WEBM = rb"\x1aE\xdf\xa3.{1,200}?B\x82.{1,8}?webm"

CONTAINERS = (
    Container("png", "png", (".png", ".apng"), _signature(rb"\x89PNG\r\n\x1a\n")),
    Container("jpeg", "jpeg", (".jpg", ".jpeg"), _signature(rb"\xff\xd8\xff")),
    Container("gif", "gif", (".gif",), _signature(rb"GIF8[79]a")),
    Container("webp", "webp", (".webp",), _signature(rb"RIFF....WEBP")),
    Container("wav", "wav", (".wav",), _signature(rb"(?:RIFF|RF64|BW64)....WAVE"), may_end_in_zeros=True),
    Container("flac", "flac", (".flac",), _is_flac),
    Container("ogg", "ogg", (".ogg", ".oga", ".ogv", ".opus"), _signature(rb"OggS")),
    Container("mp4", "mp4", (".mp4", ".m4v", ".mov", ".m4a"), _signature(_BOX), may_end_in_zeros=True),
    Container("webm", "webm", (".webm", ".mkv", ".mka"), _signature(_WEBM), may_end_in_zeros=True),
    Container("matroska", "webm", (".mkv", ".mka"), _signature(rb"\x1aE\xdf\xa3"), may_end_in_zeros=True),
    Container("srt", "srt", (".srt",), _signature(_SPACE + _CUE), without_sign=True),
    Container("json", "json_text", (".json",), _signature(_SPACE + _JSON), without_sign=True),
    Container("aac", "aac", (".aac",), _is_aac, without_sign=True),
    Container("mp3", "mp3", (".mp3", ".mp2"), _is_mpeg_sound, without_sign=True),
)
