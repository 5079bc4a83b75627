r"""SRT: any text. A file without a cue is one too, and its cues are read elsewhere, see `contents`.

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
_END = 64  # bytes: longer than a number with its times, and than a character
_CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
_START = rb"\d\d:\d\d:(?:\d\d?(?:[,.]\d{0,3})?)?"
_WHOLE_START = rb"\d\d:\d\d:\d\d[,.]\d{3}"
_END_TIME = rb"(?:\d\d?(?::(?:\d\d?(?::(?:\d\d?[,.]?)?)?)?)?)?"
_CUT_TIMES = re.compile(
    rb"(?:\A|\n\r?\n)\d+\r?\n(?:" + _START + rb"|" + _WHOLE_START + rb" (?:-{1,2}|--> ?" + _END_TIME + rb")?)\Z"
)


def read(file: PartialFile) -> Probed:
    """Check that the file begins as a text in an encoding in which captions are read, and does not end within a cue."""
    try:
        encoding = decode_text(file.known(0, _LOOKED_AT)).encoding
    except NotTextError as error:
        raise MalformedError(str(error)) from error
    media = Media(container="srt")
    file.reach_end(_END)
    length = min(_END, file.size)
    end = file.get(file.size - length, length)
    if end is None or encoding != "utf-8":
        return Probed(media)
    if _CUT_CHARACTER.search(end):
        return Probed(media, Defect("truncated", "the file ends within a character of UTF-8"))
    if _CUT_TIMES.search(end):
        return Probed(media, Defect("truncated", "the file ends within the times of a cue"))
    return Probed(media)
