"""Removal of secrets from a message that is kept for parking. Base64 does not hide them.

message ──► quick scan of its JSON and of each base64 text in it ──► nothing: kept as it is     (most messages)
└──► a hint: decoded, and cleaned
"""

from __future__ import annotations

import json
import re

from ice_result.core import json_text
from ice_result.core.redaction import clean, may_hold_a_secret
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError
from ice_result.triggers.texts import from_base64

_MOST_LAYERS = 8
# A text that is base64 as a whole, also inside JSON inside a text: there quotes, slashes and blanks are escaped.
_BLANK = r"\\+(?:[nrtvf]|u[0-9a-fA-F]{4})"
_ESCAPED = re.compile(rf"{_BLANK}|\\+(?=/)")
_QUOTED_BASE64 = re.compile(rf'"([A-Za-z0-9+/=\s]*(?:(?:{_BLANK}|\\+/)[A-Za-z0-9+/=\s]*)*)(?=\\*")')
_SHORTEST = 8  # the shortest secret with its name has five bytes


def without_secrets(value: JsonValue, layers: int = _MOST_LAYERS) -> JsonValue:
    """Remove secrets from `value`, also inside texts that are base64 or JSON, up to `layers` deep."""
    return clean(_decoded(value, layers)) if may_need_cleaning(json.dumps(value, ensure_ascii=False)) else value


def may_need_cleaning(text: str) -> bool:
    """Scan a JSON text quickly. False is certain: `without_secrets` changes nothing in its value."""
    return may_hold_a_secret(text) or any(map(_base64_may_need_cleaning, _QUOTED_BASE64.findall(text)))


def _base64_may_need_cleaning(text: str) -> bool:
    content = from_base64(_ESCAPED.sub("", text)) if len(text) >= _SHORTEST else None
    return content is not None and may_need_cleaning(f'"{_as_text(content)}"')


def _as_text(content: bytes) -> str:
    return content.decode(json_text.encoding_of(content), errors="replace")


def _decoded(value: JsonValue, layers: int) -> JsonValue:
    match value:
        case str():
            return _decoded_text(value, layers)
        case list():
            return [_decoded(item, layers) for item in value]
        case dict():
            return {key: _decoded(item, layers) for key, item in value.items()}
        case _:
            return value


def _decoded_text(text: str, layers: int) -> JsonValue:
    """Replace a base64 or JSON text with a secret inside by its cleaned content."""
    if not layers:
        return text
    inner = from_base64(text)
    if inner is not None:
        decoded = _as_text(inner)
        content = without_secrets(decoded, layers - 1)
        return text if content == decoded else content
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return text
    try:
        value = json_text.load(text)
    except NotJsonError:
        return text
    content = _decoded(value, layers - 1)
    return text if content == value else json_text.dump(content)
