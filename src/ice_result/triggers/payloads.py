"""What of a message is kept for parking: the message without its secrets, which base64 does not hide."""

from __future__ import annotations

from ice_result import jsontext
from ice_result.errors import NotJsonError
from ice_result.redaction import clean
from ice_result.triggers.texts import from_base64
from ice_result.values import JsonValue

__all__ = ["cleaned"]

_MOST_LAYERS = 8


def cleaned(value: JsonValue, layers: int = _MOST_LAYERS) -> JsonValue:
    """`value` without secrets, also in texts that are base64 or JSON, `layers` deep; what has none stays as it is."""
    return clean(_decoded(value, layers))


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
    """The cleaned content of a base64 or JSON text that has a secret inside; any other text as it is."""
    if not layers:
        return text
    inner = from_base64(text)
    if inner is not None:
        decoded = inner.decode(jsontext.encoding_of(inner), errors="replace")
        content = cleaned(decoded, layers - 1)
        return text if content == decoded else content
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return text
    try:
        value = jsontext.load(text)
    except NotJsonError:
        return text
    content = _decoded(value, layers - 1)
    return text if content == value else jsontext.dump(content)
