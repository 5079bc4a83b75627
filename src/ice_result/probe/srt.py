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
from ice_result.records.model import Defect, Media

_LOOKED_AT = 16_384
_END = 64  # bytes: longer than a number with its times, and than a character; so many zeros are no padding
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
    """Check that the file begins as a text, that a short one has times, and that none ends within a cue."""
    media = Media(container="srt")
    first = file.known(0, _LOOKED_AT)
    try:
        text, encoding, _ = decode_text(first)
    except NotTextError as error:
        if _has_one_byte_for_each_character(first):
            return Probed(media)
        raise MalformedError(str(error)) from error
    if re.match(r"WEBVTT(?!\S)", text):
        raise MalformedError("the content begins as WebVTT")
    if len(first) == file.size and re.search(_LETTER, text) and not re.search(_TIME, text):
        raise MalformedError("the text has no time of a cue")
    file.reach_end(_END)
    length = min(_END, file.size)
    end = file.get(file.size - length, length)
    if end is None:
        return Probed(media)
    if end.count(0) == _END:
        return Probed(media, Defect("empty", f"the last {_END} bytes or more are all zero"))
    return Probed(media, _cut(first, end) if encoding == "utf-8" else None)


def _has_one_byte_for_each_character(data: bytes) -> bool:
    """Return whether the bytes may be a text in an encoding such as Windows-1252, which no byte tells from others."""
    return b"\n" in data and re.search(_NO_TEXT, data.rstrip(b"\0")) is None


def _cut(first: bytes, end: bytes) -> Defect | None:
    cut = re.search(_CUT_CHARACTER, end)
    if cut and any(
        re.search(_CHARACTER, part) for part in (first, end)
    ):  # otherwise Latin-1, which may end in such a byte
        return Defect("truncated", "the file ends within a character of UTF-8")
    if _CUT_TIMES.search(end):
        return Defect("truncated", "the file ends within the times of a cue")
    return None
