"""Text that holds a message: JSON, or base64 of JSON."""

from __future__ import annotations

import base64

from ice_result import jsontext
from ice_result.errors import NotJsonError
from ice_result.values import JsonValue

__all__ = ["read"]


def read(text: str) -> JsonValue:
    """The value of a text that is JSON, or base64 of a JSON object or array.

    MNS leaves it to sender and receiver who decodes, so a body may arrive either way (seen live). The base64 of
    anything smaller than an object is taken for an ordinary word. Raises NotJsonError, with both reasons.
    """
    try:
        return jsontext.load(text)
    except NotJsonError as not_json:
        decoded = _from_base64(text)
        if decoded is None:
            raise
        return _load_decoded(decoded, not_json)


def _load_decoded(decoded: bytes, not_json: NotJsonError) -> JsonValue:
    try:
        value = jsontext.load(decoded)
    except NotJsonError as error:
        raise NotJsonError(f"{not_json}; nor base64 of JSON: {error}") from error
    if not isinstance(value, (dict, list)):
        raise not_json
    return value


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None
