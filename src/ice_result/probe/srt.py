r"""SRT: a text with times. A file without any text is one too. Cues are read elsewhere, see `contents`.

The format has no end that a file must have. Two ends are none, and show that bytes are missing:

    12                                      the number of a cue, behind an empty line
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
_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CUT_CHARACTER = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
_START = rb"\d\d:\d\d:(?:\d\d?(?:[,.]\d{0,3})?)?"
_LETTER, _TIME = re.compile(r"[^\W\d_]"), re.compile(r"\d:\d\d")
_WHOLE_START = rb"\d\d:\d\d:\d\d[,.]\d{3}"
_END_TIME = rb"(?:\d\d?(?::(?:\d\d?(?::(?:\d\d?[,.]?)?)?)?)?)?"
_CUT_TIMES = re.compile(
    rb"(?:\A|\n\r?\n)\d+\r?\n(?:" + _START + rb"|" + _WHOLE_START + rb" (?:-{1,2}|--> ?" + _END_TIME + rb")?)\Z"
)


def read(file: PartialFile) -> Probed:
    """Check that the file begins as a text in an encoding in which captions are read, and does not end within a cue."""
    media = Media(container="srt")
    file.reach_end(_END)
    length = min(_END, file.size)
    end = file.get(file.size - length, length)
    if end and is_zeros(end[-ENOUGH:]):
        return Probed(media, Defect("empty", "zeros are in place of data at the end of the file"))
    try:
        text, encoding, _ = decode_text(file.known(0, _LOOKED_AT))
    except NotTextError as error:
        raise MalformedError(str(error)) from error
    _check_content(text)
    if end is None or encoding != "utf-8":
        return Probed(media)
    if _is_cut_character(file, end):
        return Probed(media, Defect("truncated", "the file ends within a character of UTF-8"))
    if _CUT_TIMES.search(end):
        return Probed(media, Defect("truncated", "the file ends within the times of a cue"))
    return Probed(media)


def _is_cut_character(file: PartialFile, end: bytes) -> bool:
    r"""Return whether the last bytes begin a character of UTF-8, in a text that has other such characters.

    A text that has none may be in another encoding: `caf\xe9` is whole in Latin-1.
    """
    cut = _CUT_CHARACTER.search(end)
    return cut is not None and any(map(_CHARACTER.search, (end[: cut.start()], file.known(0, _LOOKED_AT))))


def _check_content(text: str) -> None:
    """Raise MalformedError for another caption format, and for a whole text without anything like a time."""
    beginning = text.lstrip("\ufeff").lstrip()
    if beginning.startswith("WEBVTT"):
        raise MalformedError("the content is WebVTT")
    if beginning.startswith("[Script Info]"):
        raise MalformedError("the content is ASS")
    if _LETTER.search(beginning) and not _TIME.search(beginning):
        raise MalformedError("the content is a text without the time of a cue")
