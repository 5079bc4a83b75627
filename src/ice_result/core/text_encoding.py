"""The bytes of a text file → its text, in the encodings in which captions are found."""

from __future__ import annotations

import codecs
import re
from typing import Literal, NamedTuple, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "gb18030"]

_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before that of UTF-16, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 4096  # bytes by which UTF-16 without a byte order mark is recognised
_SHARE_OF_NULS = 0.2  # of every second byte: the digits of times are ASCII in every language
_FEWER = 4  # times fewer NUL bytes on the other side: a character such as U+4E00 has its NUL there
_GOOD_FOR_BAD = 4  # characters beyond ASCII for each place that is not UTF-8; two bytes of GB18030 rarely are
_REPLACEMENT = "\ufffd"
_FORMATS = (
    (rb"\xff\xd8\xff", "a JPEG image"),
    (rb"\x89PNG", "a PNG image"),
    (rb"GIF8[79]a", "a GIF image"),
    (rb"RIFF.{0,4}\Z|RIFF....(?:WEBP|WAVE|AVI )", "a RIFF file (WebP, WAV or AVI)"),
    (rb"\x1f\x8b", "a gzip file"),
    (rb"PK\x03\x04", "a ZIP file"),
    (rb"%PDF-", "a PDF file"),
    (rb"\x1aE\xdf\xa3", "a Matroska file"),
    (rb"ID3[\x02-\x04]", "an MP3 file"),
)
_MARKUP = (b"<?xml", b"<!doctype", b"<html", b"<tt")  # a caption may begin with <b> or <i>


class NotTextError(Exception):
    """Error for bytes that are no text; the message says why. No caller lets it out of its package."""


class DecodedText(NamedTuple):
    """The text of a file. In place of each of `replaced` parts that are no characters, it has U+FFFD."""

    text: str
    encoding: Encoding
    replaced: int = 0


def format_that_is_no_text(data: bytes) -> str | None:
    """Return the name of the format that a file begins as, if it is one that is not read as a text."""
    for pattern, name in _FORMATS:
        if re.match(pattern, data, re.DOTALL):
            return name
    beginning = data[:_LOOKED_AT].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return "an XML or HTML file" if beginning.startswith(_MARKUP) else None


def decode_text(data: bytes) -> DecodedText:
    """Decode UTF-8, UTF-16, UTF-32 or GB18030. Raises NotTextError for what is no text.

    UTF-32 must have a byte order mark.

    UTF-8 comes before GB18030, which decodes almost any bytes: also for a file that was damaged in few places. A file
    that ends within a character is read without that character.
    """
    if name := format_that_is_no_text(data):
        raise NotTextError(f"the file is not a text: it begins as {name}")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding)
    if encoding_without_mark := utf_16_without_mark(data):
        return _decoded(data, encoding_without_mark)
    return _utf_8(data) or _decoded(data, "gb18030")


def _decoded(data: bytes, encoding: Encoding) -> DecodedText:
    """Decode bytes whose encoding is known; a few of them may be damaged in UTF-8."""
    if encoding == "utf-8" and (decoded := _utf_8(data)):
        return decoded
    try:
        return DecodedText(_without_nul(_without_cut_end(data, encoding, "strict")), encoding)
    except UnicodeDecodeError as error:
        tried = "UTF-8, UTF-16 or GB18030" if encoding == "gb18030" else encoding.upper()
        raise NotTextError(f"the file is not a text in {tried}: see byte {error.start}") from error


def _utf_8(data: bytes) -> DecodedText | None:
    """Decode UTF-8 that may be damaged in a few places; None for a text in which little but ASCII is UTF-8."""
    text = _without_cut_end(data, "utf-8", "replace")
    replaced = text.count(_REPLACEMENT) - data.count(_REPLACEMENT.encode())
    if replaced:
        good = len(text) - len(text.encode("ascii", "ignore")) - text.count(_REPLACEMENT)
        if good < _GOOD_FOR_BAD * replaced:
            return None
    return DecodedText(_without_nul(text), "utf-8", replaced)


def _without_cut_end(data: bytes, encoding: Encoding, errors: Literal["strict", "replace"]) -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(data)


def _without_nul(text: str) -> str:
    """Return the text without NUL characters behind it, which some programs write at the end of a text."""
    text = text.rstrip("\0")
    if "\0" in text:
        raise NotTextError("the file is not a text: it has a NUL character")
    return text


def utf_16_without_mark(beginning: bytes) -> Encoding | None:
    """Recognise UTF-16 without a mark by the NUL bytes of its ASCII characters; None for any other text."""
    beginning = beginning[:_LOOKED_AT]
    most = len(beginning) // 2
    first, second = beginning[: 2 * most : 2].count(0), beginning[1 : 2 * most : 2].count(0)
    more, fewer = max(first, second), min(first, second)
    if more <= most * _SHARE_OF_NULS or fewer * _FEWER > more:
        return None
    return "utf-16-le" if second == more else "utf-16-be"
