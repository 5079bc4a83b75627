"""Text that holds a message: JSON, the XML of an MNS topic, or base64 of either."""

from __future__ import annotations

import base64
import re

from ice_result import jsontext
from ice_result.errors import NotJsonError
from ice_result.triggers import mns_xml
from ice_result.values import JsonValue

__all__ = ["from_base64", "json_lines", "read"]

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")


def read(text: str) -> JsonValue:
    """The value of a text that is JSON, or base64 of a JSON object or array; of an XML notification, its fields.

    MNS leaves it to sender and receiver who decodes, so a body may arrive either way (seen live). The base64 of
    anything smaller than an object is taken for an ordinary word. Raises NotJsonError, with both reasons.
    """
    try:
        return _load(text)
    except NotJsonError as not_json:
        decoded = from_base64(text)
        if decoded is None:
            raise
        return _load_decoded(decoded, not_json)


def _load_decoded(decoded: bytes, not_json: NotJsonError) -> JsonValue:
    try:
        value = _load(decoded)
    except NotJsonError as error:
        raise NotJsonError(f"{not_json}; nor base64 of JSON: {error}") from error
    if not isinstance(value, (dict, list)):
        raise not_json
    return value


def _load(text: str | bytes) -> JsonValue:
    try:
        return jsontext.load(text)
    except NotJsonError:
        decoded = jsontext.decode(text) if isinstance(text, bytes) else text
        if not mns_xml.is_xml(decoded):
            raise
        return mns_xml.load(decoded)


def json_lines(text: str) -> list[tuple[int, str]]:
    """The lines of a text of several JSON objects, one a line, with their numbers; none of any other text.

    The first line decides: it is JSON by itself, so that the text as a whole is not one JSON text with a mistake.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        first = jsontext.load(lines[0][1]) if lines[1:] else None
    except NotJsonError:
        return []
    return lines if isinstance(first, (dict, list)) else []


def from_base64(text: str) -> bytes | None:
    """The bytes that `text` is base64 of; None when it is none."""
    if _NOT_BASE64.search(text):
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None
