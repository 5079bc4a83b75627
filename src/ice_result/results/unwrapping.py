"""From what stood in the Result field to the JSON value it means: text, text in text, or the predecessor's wrapper."""

from __future__ import annotations

import json

from ice_result.errors import NotJsonError, shorten
from ice_result.jsontext import load
from ice_result.results.model import DecodeWarning
from ice_result.results.report import Item, Report
from ice_result.values import JsonObject, JsonValue

_WRAPPER_KEYS = frozenset({"Code", "Message", "Data"})
_DATA_KEYS = frozenset({"result"})


def unwrap(result: JsonValue, report: Report) -> JsonValue:
    """The JSON value `result` means; None, reported undecodable, when it is not JSON.

    MPS, the predecessor of ICE, wraps its results; that ICE still does so for some jobs is [inferred].
    Paths in later warnings count from the value this returns.
    """
    try:
        value = parse(result)
        if isinstance(value, dict) and {"Code", "Data"} <= value.keys():
            value = _unwrapped(value, report)
    except NotJsonError as error:
        report.undecodable(DecodeWarning(path="$", code="not_json", message=str(error)))
        return None
    return value


def parse(result: JsonValue) -> JsonValue:
    """`result` read as JSON: a text once, and once more when what it held is the text of an object or a list.

    Raises NotJsonError.
    """
    if not isinstance(result, str):
        return _proper(result)
    value = _loaded(result)
    if isinstance(value, str):
        try:
            inner = _loaded(value)
        except NotJsonError:
            return value
        return value if isinstance(inner, (str, int, float)) else inner
    return value


def _loaded(text: str) -> JsonValue:
    return load(text) if text.strip() else None


def _proper(value: JsonValue) -> JsonValue:
    """`value` as if it had come as text, so that the same limits hold and nothing is in it that is not JSON."""
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError) as error:
        raise NotJsonError("nested too deep, or a number too long") from error
    return load(text)


def _unwrapped(wrapper: JsonObject, report: Report) -> JsonValue:
    """What lies under "result" in the JSON text under "Data"."""
    said = " ".join(str(wrapper[key]) for key in ("Code", "Message") if isinstance(wrapper.get(key), str))
    report.warn(DecodeWarning(path="$", code="unwrapped", message=f"read from inside Data; around it: {shorten(said)}"))
    report.only(Item("$", 1, wrapper), _WRAPPER_KEYS)
    data = wrapper["Data"]
    value = _loaded(data) if isinstance(data, str) else data
    if not isinstance(value, dict) or "result" not in value:
        return value
    report.only(Item("$.Data", 1, value), _DATA_KEYS)
    return value["result"]
