"""JSON (RFC 8259): brackets that close. Values are not parsed: that takes many times the memory of the text.

Several texts may follow each other, one on each line.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder

from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.records.model import Defect, Media

_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_SCALAR = re.compile(rb'(?:null|true|false|-?\d[\d.eE+-]*|"[^"\\]*")\s*\Z')
_CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}
_OPENING = {b"]": ord("["), b"}": ord("{")}
_AT_ONCE = 4096
_END_BYTES = 1024
"""Bytes at the end in which the last bracket is searched."""


def read(file: PartialFile) -> Probed:
    """Check that the text begins as JSON and that its end closes it."""
    media = Media(container="json")
    if file.known(0, 2) in {BOM_UTF16_LE, BOM_UTF16_BE}:
        return Probed(media)
    start = len(BOM_UTF8) if file.known(0, 3) == BOM_UTF8 else 0
    beginning = file.known(start, _END_BYTES).lstrip()
    if not beginning:
        return Probed(media, Defect("empty", "the JSON text begins with nothing but white space"))
    if not beginning.startswith((b"{", b"[")):
        if file.is_whole and _SCALAR.match(beginning):
            return Probed(media)
        raise MalformedError("the content does not begin as JSON")
    if (data := file.get(start, file.size - start)) is not None:
        return Probed(media, _truncated(data))
    file.reach_end(_END_BYTES)
    end = file.known(max(file.known_end, file.size - _END_BYTES), _END_BYTES).rstrip()
    if end and end[-1] != _CLOSING[beginning[0]]:
        return Probed(media, Defect("truncated", "the end of the JSON text does not close its first bracket"))
    return Probed(media)


def _truncated(data: bytes) -> Defect | None:
    """Follow the brackets outside strings. Raises MalformedError for one that closes another."""
    opened, in_string = bytearray(), False
    for token in _TOKEN.finditer(data):
        sign = token[0]
        if sign == b'"':
            in_string = not in_string
        elif in_string or len(sign) == 2:
            continue
        elif sign in _OPENING:
            if not opened or opened.pop() != _OPENING[sign]:
                raise MalformedError(f"the brackets of the JSON text do not match at byte {token.start()}")
        else:
            opened += sign
    if (opened or in_string) and _is_utf_8(data):
        what = "a string" if in_string else f"{len(opened)} brackets"
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
