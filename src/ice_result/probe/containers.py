"""The containers that are read: how each is recognised, the names that promise it, and the module that reads it.

A module has the function `read(file: PartialFile) -> Probed`, and `begins` where a signature is not enough. It is
imported when the first file of its kind is there. The order matters: a signature that is sure comes before one that
others may share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ice_result.records.model import Container as ContainerName


class Container(NamedTuple):
    """A container: `begins` tells it by the first bytes of a file, `module` in this package reads it.

    `extensions` are the endings of names that promise this content. A reader may tell more closely what it is, such as
    `mov` for `mp4`. With `without_signature`, a file of a promising name that no container recognises is given to the
    reader, which raises MalformedError for what it is not: some files of this container have nothing at their start.
    With `may_end_in_zeros`, many zeros at the end are data or padding, or the reader tells; otherwise they are in place
    of data.
    """

    name: ContainerName
    module: str
    extensions: tuple[str, ...]
    begins: Callable[[bytes], bool]
    without_signature: bool = False
    may_end_in_zeros: bool = False


def _signature(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda first: re.match(pattern, first, re.DOTALL) is not None  # compiled when it is first needed


def _is_sound(module: str, start: bytes) -> Callable[[bytes], bool]:
    def begins(first: bytes) -> bool:
        if not first.startswith((start, b"ID3", b"APETAGEX")):
            return False
        found: bool = import_module(f"ice_result.probe.{module}").begins(first)
        return found

    return begins


_SPACE = rb"(?:\xef\xbb\xbf)?\s*"
_CUE = rb"\d+[ \t]*\r?\n[ \t]*\d+:\d\d:\d\d[,.]\d+[ \t]*-->"
_JSON = rb"(?:\{\s*[\"}]|\[\s*(?:[\"{\[\]]|(?:-?\d[\d.eE+-]*|null|true|false)\s*[,\]]))"

_STILL_PICTURES = rb"(?!hei[cfmsx]|hevc|mif1|msf1|avi[fs]|crx |jp2 |jpx )"
_BOX = rb"....(?:ftyp" + _STILL_PICTURES + rb"|styp|mdat)|[\x00-\x0f]...(?:moov|moof|sidx|wide|free|skip|pnot)"
_WEBM = rb"\x1aE\xdf\xa3.{1,200}?B\x82.{1,8}?webm"

CONTAINERS = (
    Container("png", "png", (".png", ".apng"), _signature(rb"\x89PNG\r\n\x1a\n")),
    Container("jpeg", "jpeg", (".jpg", ".jpeg"), _signature(rb"\xff\xd8\xff")),
    Container("gif", "gif", (".gif",), _signature(rb"GIF8[79]a")),
    Container("webp", "webp", (".webp",), _signature(rb"RIFF....WEBP")),
    Container("wav", "wav", (".wav",), _signature(rb"(?:RIF[FX]|RF64|BW64)....WAVE"), may_end_in_zeros=True),
    Container("flac", "flac", (".flac",), _is_sound("flac", b"fLaC")),
    Container("ogg", "ogg", (".ogg", ".oga", ".ogv", ".opus"), _signature(rb"OggS")),
    Container("mp4", "mp4", (".mp4", ".m4v", ".mov", ".m4a"), _signature(_BOX), may_end_in_zeros=True),
    Container("webm", "webm", (".webm", ".mkv", ".mka"), _signature(_WEBM), may_end_in_zeros=True),
    Container("matroska", "webm", (".mkv", ".mka"), _signature(rb"\x1aE\xdf\xa3"), may_end_in_zeros=True),
    Container("srt", "srt", (".srt",), _signature(_SPACE + _CUE), without_signature=True),
    Container("json", "json_text", (".json",), _signature(_SPACE + _JSON), without_signature=True),
    Container("aac", "aac", (".aac",), _is_sound("aac", b"\xff"), without_signature=True),
    Container("mp3", "mp3", (".mp3", ".mp2"), _is_sound("mp3", b"\xff"), without_signature=True),
)
