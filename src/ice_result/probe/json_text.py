"""JSON (RFC 8259): brackets that close. Values are not parsed: that takes many times the memory of the text.

Several texts may follow each other, one on each line.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from itertools import takewhile

from ice_result.core.text_encoding import utf_16_without_mark
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.records.model import Defect, Media

_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_SCALAR = re.compile(rb"null|true|false|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_VISIBLE = re.compile(rb"\S")
_OPENING = {b"]": ord("["), b"}": ord("{")}
_BRACKETS, _STRING = frozenset(b"[{"), ord('"')
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}"), _STRING: _STRING}
_AT_ONCE = 4096
_END_BYTES = 1024
"""Bytes at the end in which the last bracket is searched, and at the start in which numbers are compared."""


def read(file: PartialFile) -> Probed:
    """Check that the text begins as JSON and that its end closes it."""
    media = Media(container="json")
    first = file.known(0, file.size)
    if first.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or utf_16_without_mark(first):
        return Probed(media)
    start = len(BOM_UTF8) if first.startswith(BOM_UTF8) else 0
    visible = _VISIBLE.search(first, start)
    if visible is None:
        message = "the JSON text has nothing but white space"
        return Probed(media, Defect("empty", message) if file.is_whole else None)
    begins_with = first[visible.start()]
    if begins_with not in _BRACKETS and begins_with != _STRING:
        if _has_scalars(first[visible.start() : visible.start() + _END_BYTES], file.is_whole):
            return Probed(media)
        raise MalformedError("the content does not begin as JSON")
    if file.is_whole:
        return Probed(media, _truncated(first))
    file.reach_end(_END_BYTES)
    end = file.known(max(file.known_end, file.size - _END_BYTES), _END_BYTES).rstrip()
    if end and end[-1] != _CLOSING[begins_with] and not _ends_another_text(first, end):
        return Probed(media, Defect("truncated", "the end of the JSON text does not close what it begins with"))
    return Probed(media)


def _has_scalars(beginning: bytes, is_whole: bool) -> bool:
    """Return whether a text begins with numbers and the words of JSON, in front of any other value."""
    words = beginning.split()
    if len(words) > 1 and (not is_whole or len(beginning) == _END_BYTES):
        del words[-1]  # which may go on
    values = takewhile(lambda word: word[0] not in _BRACKETS and word[0] != _STRING, words)
    return all(map(_SCALAR.fullmatch, values))


def _ends_another_text(first: bytes, end: bytes) -> bool:
    """Return whether the last bracket closes one with which a line begins: several texts may follow each other."""
    opening = _OPENING.get(end[-1:])
    return opening is not None and any(b"\n%c" % opening in part for part in (first, end))


def _truncated(data: bytes) -> Defect | None:
    """Follow the brackets outside strings. Raises MalformedError for one that closes another.

    Of a text that is not UTF-8, nothing is said: a part of a character may look like a sign that it is not.
    """
    opened, in_string = bytearray(), False
    for token in _TOKEN.finditer(data):
        sign = token[0]
        if sign == b'"':
            in_string = not in_string
        elif in_string or len(sign) == 2:
            continue
        elif sign in _OPENING:
            if not opened or opened.pop() != _OPENING[sign]:
                if not _is_utf_8(data):
                    return None
                raise MalformedError(f"the brackets of the JSON text do not match at byte {token.start()}")
        else:
            opened += sign
    if (opened or in_string) and _is_utf_8(data):
        what = "a string" if in_string else f"{len(opened)} bracket{'s' if len(opened) > 1 else ''}"
        return Defect("truncated", f"the JSON text ends with {what} not closed")
    return None


def _is_utf_8(data: bytes) -> bool:
    """Return whether the text is UTF-8: in another encoding, a byte may look like a sign that it is not."""
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _AT_ONCE):
            decoder.decode(data[start : start + _AT_ONCE])
    except UnicodeDecodeError:
        return False
    return True
