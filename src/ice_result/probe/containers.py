"""The containers that are read: how each is recognised, the names that promise it, and the module that reads it.

A module has one public function, `read(file: PartialFile) -> Probed`. It is imported when the first file of its kind is
there. The order matters: a signature that is sure comes before one that others may share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ice_result.records.model import Container as ContainerName


class Container(NamedTuple):
    """A container: `begins` tells it by the first bytes of a file, `module` in this package reads it.

    `extensions` are the endings of names that promise this content. A reader may tell more closely what it is, such as
    `mov` for `mp4`.
    """

    name: ContainerName
    module: str
    extensions: tuple[str, ...]
    begins: Callable[[bytes], bool]


def _signature(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda first: compiled.match(first) is not None


_STILL_PICTURES = rb"(?!hei[cfmsx]|hevc|mif1|msf1|avi[fs]|crx |jp2 |jpx )"
_BOX = rb"....(?:ftyp" + _STILL_PICTURES + rb"|mdat)|[\x00-\x0f]...(?:moov|wide|free|skip|pnot)"

CONTAINERS = (
    Container("png", "png", (".png",), _signature(rb"\x89PNG\r\n\x1a\n")),
    Container("mp4", "mp4", (".mp4", ".m4v", ".mov", ".m4a"), _signature(_BOX)),
    Container("webm", "webm", (".webm", ".mkv", ".mka"), _signature(rb"\x1aE\xdf\xa3.{1,200}?B\x82.{1,8}?webm")),
    Container("matroska", "webm", (".mkv", ".mka"), _signature(rb"\x1aE\xdf\xa3")),
)
