"""The bytes of a text file → its text, in the encodings in which captions are found."""

from __future__ import annotations

import codecs

from ice_result.contents.items import UnreadableError
from ice_result.contents.model import Encoding

_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 4096  # bytes by which UTF-16 without a byte order mark is recognised
_SHARE_OF_NULS = 0.2  # of every second byte: the digits of times are ASCII in every language
_REST_OF_A_CHARACTER = 3
_FORMATS = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"%PDF", "a PDF file"),
    (b"\x1aE\xdf\xa3", "a Matroska file"),
    (b"ID3", "an MP3 file"),
    (b"<", "an XML or HTML file"),
)


def decode_text(data: bytes) -> tuple[str, Encoding]:
    """Decode UTF-8 with or without a byte order mark, UTF-16 or GB18030. Raises UnreadableError for what is no text.

    UTF-8 comes before GB18030, which decodes almost any bytes. A file that ends within a character is read
    without that character.
    """
    for start, name in _FORMATS:
        if data.startswith(start):
            raise UnreadableError(f"the file is not a text: it begins as {name}")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding), encoding
    if encoding_without_mark := _utf_16(data[:_LOOKED_AT]):
        return _strictly(data, encoding_without_mark), encoding_without_mark
    try:
        return _without_nul(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and 0 < len(data) - error.start <= _REST_OF_A_CHARACTER:
            return _without_nul(data[: error.start].decode("utf-8")), "utf-8"
    return _strictly(data, "gb18030"), "gb18030"


def _strictly(data: bytes, encoding: Encoding) -> str:
    whole = data[: len(data) // 2 * 2] if encoding.startswith("utf-16") else data
    try:
        return _without_nul(whole.decode(encoding))
    except UnicodeDecodeError as error:
        tried = "UTF-8, UTF-16 or GB18030" if encoding == "gb18030" else encoding.upper()
        raise UnreadableError(f"the file is not a text in {tried}: see byte {error.start}") from error


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise UnreadableError("the file is not a text: it has a NUL character")
    return text


def _utf_16(beginning: bytes) -> Encoding | None:
    """Recognise UTF-16 by the NUL bytes of its ASCII characters; None for any other text."""
    most = len(beginning) // 2
    first, second = beginning[: 2 * most : 2].count(0), beginning[1 : 2 * most : 2].count(0)
    if max(first, second) <= most * _SHARE_OF_NULS or min(first, second):
        return None
    return "utf-16-le" if second else "utf-16-be"
