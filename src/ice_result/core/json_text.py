"""JSON in and out, with limits: no text from outside can crash, hang or smuggle in a value that is not JSON."""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Literal

from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError

MAX_BYTES = 33_554_432
"""32 MiB: the largest body Function Compute hands to a function."""
MAX_DEPTH = 64
_LONGEST_INTEGER = 300
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def load(text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Read a JSON text; NaN, Infinity and numbers beyond a double become null.

    Bytes are read as `decode` reads them. Raises NotJsonError, with the reason, for anything else: bad syntax, not
    UTF-8, too large, too deep.
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
    if decoded.count("[") + decoded.count("{") > max_depth and _deeper_than(value, max_depth):
        raise NotJsonError(f"nested deeper than {max_depth} levels")
    return _without_surrogates(value) if _SURROGATE_ESCAPE.search(decoded) or not _encodable(decoded) else value


def encoding_of(raw: bytes) -> Literal["utf-16", "utf-8-sig"]:
    """Tell the encoding of a text: UTF-16 when it begins with its byte order mark, as PowerShell writes it."""
    return "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def decode(raw: bytes) -> str:
    """Decode `raw`, without its byte order mark. Raises NotJsonError for bytes that are no text."""
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


def _nothing(_constant: str) -> None:
    return None


# Made once: a call of json.loads or json.dumps with other than the usual options makes one each time.
_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_integer, parse_constant=_nothing)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def _encodable(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


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
