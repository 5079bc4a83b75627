"""Texts inside messages: JSON, base64 of JSON, and the XML of an MNS topic; and words about values for reasons."""

from __future__ import annotations

import base64
import re

from ice_result.core import json_text
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers import mns_xml

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")


def read_text(text: str) -> JsonValue:
    """Parse a text that is JSON, base64 of a JSON object or array, or an XML notification.

    MNS leaves it to sender and receiver to encode a body in base64, and both forms arrive (seen live). Base64 of a
    value smaller than an object is taken for a plain word. Raises NotJsonError with both reasons.
    """
    try:
        return _read_plain(text)
    except NotJsonError as not_json:
        decoded = from_base64(text)
        if decoded is None:
            raise
        try:
            value = _read_plain(decoded)
        except NotJsonError as error:
            raise NotJsonError(f"{not_json}; nor base64 of JSON: {error}") from error
        if not isinstance(value, (dict, list)):
            raise
        return value


def _read_plain(text: str | bytes) -> JsonValue:
    try:
        return json_text.load(text)
    except NotJsonError:
        decoded = json_text.decode(text) if isinstance(text, bytes) else text
        if not mns_xml.is_xml(decoded):
            raise
        return mns_xml.load(decoded)


def from_base64(text: str) -> bytes | None:
    """Decode base64, with white space anywhere in it; None for any other text."""
    if _NOT_BASE64.search(text):
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None


def json_lines(text: str) -> list[tuple[int, str]]:
    """Split a text with one JSON object per line into numbered lines. Any other text has none.

    The first line decides: it is JSON by itself. Otherwise the text is one JSON text with a mistake.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        first = json_text.load(lines[0][1]) if lines[1:] else None
    except NotJsonError:
        return []
    return lines if isinstance(first, (dict, list)) else []


def describe(value: JsonValue) -> str:
    """Describe the type and size of a value. Its content may be anything, and is left out."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"an object with the keys {shorten(', '.join(value))}" if value else "an object without keys"


def short_text(value: JsonValue) -> str | None:
    """Make an id or a type from a message fit for a log line; None for a blank text and any other value."""
    return shorten(value) or None if isinstance(value, str) else None
