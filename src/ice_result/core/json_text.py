"""JSON in and out, within limits: no foreign text crashes the program, stalls it, or brings in a value beyond JSON."""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Literal

from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError

MAX_BYTES = 33_554_432
"""Largest body that Function Compute hands to a function: 32 MiB."""
MAX_DEPTH = 64
_LONGEST_INTEGER = 300
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def load(text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Parse a JSON text. NaN, Infinity and numbers beyond a double become null; bytes are read like by `decode`.

    Raises NotJsonError with the reason: bad syntax, not UTF-8, too large, too deep.
    """
    if len(text) > max_bytes:
        raise NotJsonError(f"{len(text)} bytes: at most {max_bytes} are read")
    decoded = decode(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        value: JsonValue = _DECODER.decode(decoded)
    except RecursionError as error:
        raise NotJsonError(f"nested deeper than {max_depth} levels") from error
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON: {error.msg} at character {error.pos}") from error
    brackets = decoded.count("[") + decoded.count("{")  # fewer than the limit cannot be nested deeper than it
    if brackets > max_depth and _deeper_than(value, max_depth):
        raise NotJsonError(f"nested deeper than {max_depth} levels")
    surrogates = _SURROGATE_ESCAPE.search(decoded) or (not decoded.isascii() and _SURROGATE.search(decoded))
    return _without_surrogates(value) if surrogates else value


def encoding_of(raw: bytes) -> Literal["utf-16", "utf-8-sig"]:
    """Return the encoding of a text: UTF-16 after its byte order mark, as PowerShell writes it, else UTF-8."""
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def decode(raw: bytes) -> str:
    """Decode `raw` and remove its byte order mark. Raises NotJsonError for bytes that are not text."""
    encoding = encoding_of(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        raise NotJsonError(f"not {name} at byte {error.start}") from error


def dump(value: JsonValue) -> str:
    """Write compact JSON with sorted keys: the same value is always the same text."""
    return _ENCODER.encode(value)


def valid_text(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 file can hold, by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= _LONGEST_INTEGER else None


# Made once: `json.loads` and `json.dumps` make a decoder or encoder for each call with options.
_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_integer, parse_constant=lambda _: None)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _deeper_than(value: JsonValue, levels: int) -> bool:
    layer: list[JsonValue] = [value]
    for _ in range(levels):
        layer = [
            child
            for node in layer
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not layer:
            return False
    return any(isinstance(node, (dict, list)) for node in layer)


def _without_surrogates(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return valid_text(value)
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {valid_text(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value
