"""The facts of one file: its container is detected from the first bytes, compared with the extension, and read."""

from __future__ import annotations

import codecs
import re
from importlib import import_module
from pathlib import PurePosixPath

from ice_result.core.text_encoding import format_that_is_no_text
from ice_result.probe.containers import CONTAINERS, Container, may_be_captions
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.zeros import zeros_at_end
from ice_result.records.model import Defect, MediaKind

_SHOWN_BYTES = 8
_OF_TEXT = 4096
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_PLAYLISTS = (b"#EXTM3U", b"<MPD")  # HLS and DASH: they stand for a video
_ALL_ZERO = 8  # zero bytes at the start of a file, with which no format begins
_UNREAD = {".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".ts", ".wma", ".wmv"}
"""Extensions of media that no reader reads."""
_OTHER_FORMATS = (
    (rb"FLV\x01", "FLV"),
    (rb"RIFF....AVI ", "AVI"),
    (rb"....ftypavi[fs]", "AVIF"),
    (rb"....ftyp(?:hei[cfmsx]|hevc|mif1|msf1)", "HEIC"),
    (rb"G.{187}G.{187}G", "MPEG-TS"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "ASF (WMV or WMA)"),
)
_SIGNATURES = {
    "png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF", "wav": b"RIFF", "ogg": b"OggS",
    "webm": b"\x1aE\xdf\xa3", "matroska": b"\x1aE\xdf\xa3",
}  # fmt: skip
_SHORTEST = 12  # bytes: a shorter file can have a signature, and has not what the recognition needs


def probe(path: str, file: PartialFile) -> Probed:
    """Read the facts of a file, and compare them with its extension. Never raises for any content.

    With an unknown extension, the content is read without a comparison. An empty file has no facts; whether it may be
    empty is decided elsewhere.
    """
    first = file.known(0, file.size)
    if not first:
        return Probed()
    extension = PurePosixPath(path).suffix.lower()
    expected = [container for container in CONTAINERS if extension in container.extensions]
    found = _recognised(first, expected)
    if found is None:
        defect = _unrecognised(expected, first) if expected or extension in _UNREAD else None
        return Probed(defect=defect, kinds=None if expected else _kinds_of_text(first))
    try:
        probed: Probed = import_module(f"ice_result.probe.{found.module}").read(file)
    except MalformedError as error:
        return Probed(defect=_wrong_type(expected, str(error))) if expected else Probed(kinds=_kinds_of_text(first))
    if probed.media and found.kinds is not None:
        probed = probed._replace(kinds=found.kinds)
    may_end_in_zeros = found.may_end_in_zeros or probed.is_ended
    if not probed.defect and not may_end_in_zeros and (zeros := zeros_at_end(file)):
        return probed._replace(
            defect=Defect("empty", f"the file has zeros instead of data from byte {file.size - zeros}")
        )
    if expected and probed.media:
        names = {container.name for container in expected}
        if found not in expected and probed.media.container not in names:
            return probed._replace(defect=_wrong_type(expected, f"the content is {probed.media.container}"))
    return probed


def _recognised(first: bytes, expected: list[Container]) -> Container | None:
    """Return the container whose signature the first bytes have, or an expected one whose files may have none."""
    found = next((container for container in CONTAINERS if container.begins(first)), None)
    if found is not None and may_be_captions(found, first):
        return next((container for container in expected if container.name == "srt"), found)
    if found is None and format_that_is_no_text(first) is None and not _is_zero(first):
        return next((container for container in expected if container.without_signature), None)
    return found


def _unrecognised(expected: list[Container], first: bytes) -> Defect | None:
    if _is_zero(first):
        return Defect("empty", "the file has zeros instead of data from byte 0")
    if not expected:
        return None
    signatures = [_SIGNATURES[container.name] for container in expected if container.name in _SIGNATURES]
    if len(first) < _SHORTEST and any(first.startswith(sign[: len(first)]) for sign in signatures):
        return Defect("truncated", f"the file ends at byte {len(first)}, within its header")
    for pattern, other in _OTHER_FORMATS:
        if re.match(pattern, first, re.DOTALL):
            return _wrong_type(expected, f"the content is {other}")
    if name := format_that_is_no_text(first):
        return _wrong_type(expected, f"the content begins as {name}")
    return _wrong_type(expected, f"the content begins with {first[:_SHOWN_BYTES].hex(' ').upper()}")


def _kinds_of_text(first: bytes) -> frozenset[MediaKind] | None:
    """Return the kinds of a content that is text, such as a page of HTML; None for other content and for playlists."""
    start = first[:_OF_TEXT]
    if _NOT_IN_TEXT.search(start) or any(sign in start for sign in _PLAYLISTS):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return None
    return frozenset({"text"})


def _is_zero(first: bytes) -> bool:
    return len(first) >= _ALL_ZERO and first.count(0) == len(first)


def _wrong_type(expected: list[Container], content: str) -> Defect:
    names = " or ".join(dict.fromkeys(container.name for container in expected))
    return Defect("wrong_type", f"expected {names} by the file extension; {content}")
