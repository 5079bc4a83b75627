"""What of a message is kept for parking: the message without its secrets, which base64 does not hide."""

from __future__ import annotations

import json
import re

from ice_result.core import json_text
from ice_result.core.redaction import clean, may_hold_a_secret
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError
from ice_result.triggers.job_ids import from_base64

__all__ = ["cleaned"]

_MOST_LAYERS = 8
_BASE64 = re.compile(r'"((?:[A-Za-z0-9+/ ]|\\[nrtvf]){8,}={0,2}(?:[ ]|\\[nrtvf])*)"')
_ESCAPED_BLANK = re.compile(r"\\[nrtvf]")


def cleaned(value: JsonValue, layers: int = _MOST_LAYERS) -> JsonValue:
    """`value` without secrets, also in texts that are base64 or JSON, `layers` deep; what has none stays as it is."""
    return clean(_decoded(value, layers)) if _may_hold_a_secret(value) else value


def _may_hold_a_secret(value: JsonValue) -> bool:
    """A quick look at all of it, since most messages hold none and there may be very many."""
    return _text_may_hold_a_secret(json.dumps(value))


def _text_may_hold_a_secret(text: str) -> bool:
    return may_hold_a_secret(text) or any(_base64_may_hold_a_secret(run) for run in _BASE64.findall(text))


def _base64_may_hold_a_secret(run: str) -> bool:
    run = "".join(_ESCAPED_BLANK.sub("", run).split())
    content = None if len(run) % 4 else from_base64(run)
    if content is None:
        return False
    text = content.decode("latin-1").replace("\0", "")  # in whatever encoding, names are the same ASCII then
    return _text_may_hold_a_secret(f'"{text}"')


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
        decoded = inner.decode(json_text.encoding_of(inner), errors="replace")
        content = cleaned(decoded, layers - 1)
        return text if content == decoded else content
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return text
    try:
        value = json_text.load(text)
    except NotJsonError:
        return text
    content = _decoded(value, layers - 1)
    return text if content == value else json_text.dump(content)
