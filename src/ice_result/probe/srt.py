r"""SRT: a text with times, whose cues are read elsewhere, see `contents`. A blank file is one too.

The format requires no end. Two ends show that bytes are missing:

    12                                      the number of a cue, after an empty line
    00:00:41,5                              the beginning of its times, and no end of line

    大家好，欢\xe6\x9d                      a part of a character in UTF-8
"""

from __future__ import annotations

import re

from ice_result.core.text_encoding import NotTextError, decode_text
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.zeros import ENOUGH, is_zeros
from ice_result.records.model import Defect, Media

_LOOKED_AT = 16_384
_END = 64  # bytes: longer than a number with its times, and than a character
_CHARACTER = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_CUT_CHARACTER = rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
_START = rb"\d\d:\d\d:(?:\d\d?(?:[,.]\d{0,3})?)?"
_WHOLE_START = rb"\d\d:\d\d:\d\d[,.]\d{3}"
_END_TIME = rb"(?:\d\d?(?::(?:\d\d?(?::(?:\d|\d\d[,.])?)?)?)?)?"  # whole seconds may be all that a program writes
_CUT_TIMES = re.compile(
    rb"(?:\A|\n\r?\n)\d+\r?\n(?:" + _START + rb"|" + _WHOLE_START + rb" (?:-{1,2}|--> ?" + _END_TIME + rb")?)\Z"
)
_TIME = r"\d\s*:|->"
_LETTER = r"[^\W\d_]"
_NO_TEXT = rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]"


def read(file: PartialFile) -> Probed:
    """Check that the file begins as a text with times, and does not end within a cue."""
    media = Media(container="srt")
    first = file.known(0, _LOOKED_AT)
    file.reach_end(_END)
    end = file.get(max(file.size - _END, 0), min(_END, file.size)) or b""
    if is_zeros(end[-ENOUGH:]):
        return Probed(media, Defect("empty", "the file has zeros instead of data at its end"))
    try:
        text, encoding, _ = decode_text(first)
    except NotTextError as error:
        if _has_one_byte_for_each_character(first):
            return Probed(media)
        raise MalformedError(str(error)) from error
    _check_content(text, is_whole=len(first) == file.size)
    return Probed(media, _cut(first, end) if encoding == "utf-8" else None)


def _has_one_byte_for_each_character(data: bytes) -> bool:
    """Return whether the bytes can be a text in an encoding such as Windows-1252, which no byte tells from others."""
    return re.search(rb"[\r\n]", data) is not None and re.search(_NO_TEXT, data.rstrip(b"\0")) is None


def _check_content(text: str, *, is_whole: bool) -> None:
    """Raise MalformedError for another caption format, and for a whole text that has letters and no time."""
    if re.match(r"\s*WEBVTT(?!\S)", text):
        raise MalformedError("the content is WebVTT")
    if re.match(r"\s*\[Script Info\]", text):
        raise MalformedError("the content is ASS")
    if is_whole and re.search(_LETTER, text) and not re.search(_TIME, text):
        raise MalformedError("the content is a text without the time of a cue")


def _cut(first: bytes, end: bytes) -> Defect | None:
    r"""Return the cut that the last bytes show. A text without other characters of UTF-8 can end in `caf\xe9`."""
    cut = re.search(_CUT_CHARACTER, end)
    if cut and any(re.search(_CHARACTER, part) for part in (first, end[: cut.start()])):
        return Defect("truncated", "the file ends within a character of UTF-8")
    if _CUT_TIMES.search(end):
        return Defect("truncated", "the file ends within the times of a cue")
    return None
