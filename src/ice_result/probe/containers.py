"""The containers that are read: how each is detected, its file extensions, and the module that reads it.

A module has the function `read(file: PartialFile) -> Probed`, and `begins` where a signature is not enough. It is
imported with the first file of its kind. The order matters: a unique signature comes before one that other formats can
share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ice_result.records.model import Container as ContainerName
from ice_result.records.model import MediaKind


class Container(NamedTuple):
    """A container: `begins` detects it in the first bytes of a file, `module` in this package reads it.

    `extensions` are its file extensions. A reader can return a more specific name, such as `mov` for `mp4`. With
    `without_signature`, a file with one of these extensions that matches no container is given to the reader, which
    raises MalformedError for other content: some files of this container have no signature. With `may_end_in_zeros`,
    many zeros at the end are data or padding, or the reader checks them; without it, they are in place of data. `kinds`
    are the kinds of content that every file of this container has; None if the reader finds them.
    """

    name: ContainerName
    module: str
    extensions: tuple[str, ...]
    begins: Callable[[bytes], bool]
    without_signature: bool = False
    may_end_in_zeros: bool = False
    kinds: frozenset[MediaKind] | None = None


def _signature(pattern: bytes) -> Callable[[bytes], bool]:
    return lambda first: re.match(pattern, first, re.DOTALL) is not None  # compiled when it is first needed


def _is_audio(module: str, start: bytes) -> Callable[[bytes], bool]:
    def begins(first: bytes) -> bool:
        if not first.startswith((start, *_TAGS)):
            return False
        found: bool = import_module(f"ice_result.probe.{module}").begins(first)
        return found

    return begins


_TAGS = (b"ID3\2", b"ID3\3", b"ID3\4", b"APETAGEX")
_SPACE = rb"(?:\xef\xbb\xbf)?\s*"
_CUE = rb"\d+[ \t]*\r?\n[ \t]*\d+:\d\d:\d\d[,.]\d+[ \t]*-->"
_JSON = rb"(?:\{\s*[\"}]|\[\s*(?:[\"{\[\]]|(?:-?\d[\d.eE+-]*|null|true|false)\s*[,\]]))"

_MAY_BE_CAPTIONS = re.compile(_SPACE + rb"\[\s*[^\s\[{]")

_STILL_PICTURES = rb"(?!hei[cfmsx]|hevc|mif1|msf1|avi[fs]|crx |jp2 |jpx )"
_BOX = rb"....(?:ftyp" + _STILL_PICTURES + rb"|styp|mdat)|[\x00-\x0f]...(?:moov|moof|sidx|wide|free|skip|pnot)"
_WEBM = rb"\x1aE\xdf\xa3.{1,200}?B\x82.{1,8}?webm"

_IMAGE: frozenset[MediaKind] = frozenset({"image"})
_MOVING_IMAGE: frozenset[MediaKind] = frozenset({"image", "video"})
_AUDIO: frozenset[MediaKind] = frozenset({"audio"})
_TEXT: frozenset[MediaKind] = frozenset({"text"})

CONTAINERS = (
    Container("png", "png", (".png", ".apng"), _signature(rb"\x89PNG\r\n\x1a\n"), kinds=_IMAGE),
    Container("jpeg", "jpeg", (".jpg", ".jpeg"), _signature(rb"\xff\xd8\xff"), kinds=_IMAGE),
    Container("gif", "gif", (".gif",), _signature(rb"GIF8[79]a"), kinds=_MOVING_IMAGE),
    Container("webp", "webp", (".webp",), _signature(rb"RIFF....WEBP"), kinds=_MOVING_IMAGE),
    Container(
        "wav", "wav", (".wav",), _signature(rb"(?:RIF[FX]|RF64|BW64)....WAVE"), may_end_in_zeros=True, kinds=_AUDIO
    ),
    Container("flac", "flac", (".flac",), _is_audio("flac", b"fLaC"), kinds=_AUDIO),
    Container("ogg", "ogg", (".ogg", ".oga", ".ogv", ".opus"), _signature(rb"OggS")),
    Container("mp4", "mp4", (".mp4", ".m4v", ".mov", ".m4a"), _signature(_BOX), may_end_in_zeros=True),
    Container("webm", "webm", (".webm", ".mkv", ".mka"), _signature(_WEBM), may_end_in_zeros=True),
    Container("matroska", "webm", (".mkv", ".mka"), _signature(rb"\x1aE\xdf\xa3"), may_end_in_zeros=True),
    Container("srt", "srt", (".srt",), _signature(_SPACE + _CUE), without_signature=True, kinds=_TEXT),
    Container("json", "json_text", (".json",), _signature(_SPACE + _JSON), without_signature=True, kinds=_TEXT),
    Container("aac", "aac", (".aac",), _is_audio("aac", b"\xff"), without_signature=True, kinds=_AUDIO),
    Container("mp3", "mp3", (".mp3", ".mp2"), _is_audio("mp3", b"\xff"), without_signature=True, kinds=_AUDIO),
)


def may_be_captions(container: Container, first: bytes) -> bool:
    """Return whether a file that begins as JSON may as well be captions, such as `[1] words` and `["words"]`."""
    return container.name == "json" and _MAY_BE_CAPTIONS.match(first) is not None
