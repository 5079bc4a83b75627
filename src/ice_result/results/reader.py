"""Lenient reading of a Result: a value that is there is taken, and one that is not as expected leaves a warning."""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

from ice_result.core.json_text import dump, load
from ice_result.core.oss_address import ObjectAddress, read_name
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.results.model import Decoded, DecodeStatus, DecodeWarning, WarningCode, family_at, function_named

SECOND_DECIMALS = 9
"""Computed seconds are rounded to nanoseconds: 63.85 - 39.32 is 24.53, without the dust of floats."""

_LARGEST_INTEGER = 2**53
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WRAPPER_KEYS = frozenset({"Code", "Message", "Data"})
_DATA_KEYS = frozenset({"result"})
_MOST_WARNINGS = 100
_BEST_FIRST: tuple[DecodeStatus, ...] = ("decoded", "empty", "partial", "undecodable")
_LOSSES = frozenset({"missing", "unreadable", "not_saved"})


def decode(function_name: str, result: JsonValue, bucket: str | None = None) -> Decoded:
    """Decode the field Result of a job: usually a JSON text, sometimes null or JSON already.

    It is taken as it is: the `result` of a Job has no secrets in it. Paths in it are relative to `bucket`, the job's
    output bucket; None when it is not known.
    Never raises for what ICE sent: a value that cannot be read is null, or the whole undecodable, and a warning says
    why.
    """
    reader = LenientReader(bucket)
    decoded = family_at(function_named(function_name).family).decode(result, reader)
    return Decoded(reader.status, decoded, reader.warnings, reader.not_saved)


def unwrap(result: JsonValue, reader: LenientReader) -> JsonValue:
    """Return the JSON value that `result` means; None, reported undecodable, when it is not JSON.

    MPS, the predecessor of ICE, wraps its results; that ICE still does so for some jobs is [inferred].
    Paths in later warnings count from the returned value.
    """
    try:
        value = parse(result)
        if isinstance(value, dict) and {"Code", "Data"} <= value.keys():
            value = _unwrapped(value, reader)
    except NotJsonError as error:
        reader.undecodable("$", "not_json", str(error))
        return None
    return value


def parse(result: JsonValue) -> JsonValue:
    """Read `result` as JSON: a text once, and once more when it contains the text of an object or a list.

    Raises NotJsonError.
    """
    if not isinstance(result, str):
        return _loaded(_dumped(result))
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


def _dumped(value: JsonValue) -> str:
    """Return the text of a Result that is JSON already, for it to be read within the same limits as any other."""
    try:
        return json.dumps(value)
    except (ValueError, RecursionError) as error:
        raise NotJsonError("nested too deeply, or a number is too long") from error


def _unwrapped(wrapper: JsonObject, reader: LenientReader) -> JsonValue:
    """Return what lies under "result" in the JSON text under "Data"."""
    said = " ".join(str(wrapper[key]) for key in ("Code", "Message") if isinstance(wrapper.get(key), str))
    reader.warn(
        "$", "unwrapped", f"the Result was read from the field Data of a wrapper; the other fields: {shorten(said)}"
    )
    reader.only(Item("$", 1, wrapper), _WRAPPER_KEYS)
    data = wrapper["Data"]
    value = _loaded(data) if isinstance(data, str) else data
    if not isinstance(value, dict) or "result" not in value:
        return value
    reader.only(Item("$.Data", 1, value), _DATA_KEYS)
    return value["result"]


class Item(NamedTuple):
    """An object inside a Result. `place` counts from 1 in ICE's own order.

    `complete` says whether every documented key is expected: the ones that are missing are warned about.
    """

    path: str
    place: int
    values: JsonObject
    complete: bool = True


class Span(NamedTuple):
    """The start and the end of a part of a recording, and the time between them; in seconds."""

    start: float | None
    end: float | None
    duration: float | None


class FileName(NamedTuple):
    """The name of an output file: its path in the output bucket, and `oss://bucket/key` where the bucket is known."""

    path: str | None
    uri: str | None


class LenientReader:
    """A reader of values that remembers what was not as documented. Relative paths lie in `bucket`, if it is known."""

    def __init__(self, bucket: str | None = None) -> None:
        self.bucket = bucket
        self.status: DecodeStatus = "decoded"
        """The worst that was seen in all readings so far."""
        self._warnings: list[DecodeWarning] = []
        self._warned = 0
        self._not_saved: list[int] = []

    @property
    def warnings(self) -> tuple[DecodeWarning, ...]:
        """The first warnings, at most 100. When there are more, the last one counts them."""
        if self._warned <= _MOST_WARNINGS:
            return tuple(self._warnings)
        kept = self._warnings[: _MOST_WARNINGS - 1]
        left = self._warned - len(kept)
        return (*kept, DecodeWarning(path="$", code="unexpected_data", message=f"{left} more warnings are left out"))

    @property
    def not_saved(self) -> tuple[int, ...]:
        """The places, from 0, of the items in which ICE's error text stands instead of the name of a file."""
        return tuple(self._not_saved)

    def warn(self, path: str, code: WarningCode, message: str) -> None:
        """Note a deviation; one that cost a value makes the whole partial."""
        self._warned += 1
        if code in _LOSSES:
            self._lower(to="partial")
        if len(self._warnings) < _MOST_WARNINGS:
            self._warnings.append(DecodeWarning(path=path, code=code, message=message))

    def undecodable(self, path: str, code: WarningCode, message: str) -> None:
        """Note that the Result has not the documented shape at all."""
        self.warn(path, code, message)
        self._lower(to="undecodable")

    def nothing(self, value: JsonValue) -> bool:
        """Tell a value that says nothing, and take note of it: null, `[]`, `{}` or a blank text."""
        empty = value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())
        if empty:
            self._lower(to="empty")
        return empty

    def _lower(self, *, to: DecodeStatus) -> None:
        self.status = max(self.status, to, key=_BEST_FIRST.index)

    def objects(self, value: JsonValue, documented: frozenset[str], path: str = "$") -> list[Item]:
        """Return the objects of a list, in its order; its other entries are left out with a warning.

        A single object with a documented key is read as a list of one. A value without any object is undecodable.
        """
        if self.nothing(value):
            return []
        if isinstance(value, dict) and not documented.isdisjoint(value):
            self.warn(path, "unexpected_data", "an object where a list is documented: read as a list of one")
            items = [Item(path, 1, value)]
        else:
            items = []
            for index, entry in enumerate(value if isinstance(value, list) else ()):
                if isinstance(entry, dict):
                    items.append(Item(f"{path}[{index}]", index + 1, entry))
                else:
                    self.warn(f"{path}[{index}]", "unreadable", f"not an object: {_shown(entry)}")
        if not items:
            self.undecodable(path, "unreadable", f"not a list of objects: {_shown(value)}")
        for item in items:
            self.only(item, documented)
        return items

    def only(self, item: Item, documented: frozenset[str]) -> None:
        """Warn about each key of `item` that is not documented."""
        for key in item.values:
            if key not in documented:
                message = "not a documented key: kept in the raw response only"
                self.warn(member(item.path, key), "unexpected_key", message)

    def number(self, item: Item, key: str) -> float | None:
        """Read a finite number: a JSON number, or a text with or without blanks around the number."""
        value = self._value(item, key)
        if value is None:
            return None
        number = _finite(value)
        if number is None:
            self._unreadable(item, key, "not a finite number")
        return number

    def milliseconds(self, item: Item, key: str) -> float | None:
        """Read a time that was sent in milliseconds. Returns seconds."""
        number = self.number(item, key)
        return None if number is None else round(number / 1000, SECOND_DECIMALS)

    def integer(self, item: Item, key: str) -> int | None:
        """Read a whole number that every store can hold, however it was written."""
        number = self.number(item, key)
        if number is None:
            return None
        if number.is_integer() and abs(number) <= _LARGEST_INTEGER:
            return int(number)
        self._unreadable(item, key, "not a whole number")
        return None

    def text(self, item: Item, key: str) -> str | None:
        """Read a text, without the blanks around it."""
        value = self._value(item, key)
        if isinstance(value, str):
            return value.strip()
        if value is not None:
            self._unreadable(item, key, "not a text")
        return None

    def span(self, item: Item, start_key: str, end_key: str) -> Span:
        """Read two times in seconds; the time between them is known where both are, and are in order."""
        start, end = self.number(item, start_key), self.number(item, end_key)
        if start is None or end is None:
            return Span(start, end, None)
        duration = round(end - start, SECOND_DECIMALS)
        if 0 <= duration < math.inf:
            return Span(start, end, duration)
        message = f"{start_key} {start} and {end_key} {end} are not in order: no duration"
        self.warn(item.path, "unreadable", message)
        return Span(start, end, None)

    def file(self, item: Item, key: str) -> FileName:
        """Read the name of an output file: documented as a path in the output bucket; a full address is read too."""
        text = self.text(item, key)
        if text is None:
            return FileName(None, None)
        name = read_name(text, self.bucket)
        path = name.key
        if name.is_not_saved:
            self._not_saved.append(item.place - 1)
            self.warn(member(item.path, key), "not_saved", shorten(text))
            return FileName(None, None)
        if name.host == "other" or not path:
            message = f"neither a path nor an address in OSS: {shorten(text)}"
            self.warn(member(item.path, key), "unreadable", message)
            return FileName(None, None)
        return FileName(path, ObjectAddress(name.bucket, path).uri if name.bucket else None)

    def _value(self, item: Item, key: str) -> JsonValue:
        value = item.values.get(key)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return value
        if item.complete:
            self.warn(member(item.path, key), "missing", f"no {key}")
        return None

    def _unreadable(self, item: Item, key: str, complaint: str) -> None:
        self.warn(member(item.path, key), "unreadable", f"{complaint}: {_shown(item.values[key])}")


def member(path: str, key: str) -> str:
    """Return the JSON path of `key` inside the object at `path`: `$[0].Time`, `$[0]["MOS(0-5)"]`."""
    name = shorten(key)
    return f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{dump(name)}]"


def _finite(value: JsonValue) -> float | None:
    """Return `value` as a double. What only Python or C take for a number (nan, inf, hex, 1_000, true) is none."""
    match value:
        case bool():
            return None
        case str() if _NUMBER.fullmatch(value.strip()):
            number = float(value)
        case int() | float():
            number = float(value)
        case _:
            return None
    return number if math.isfinite(number) else None


def _shown(value: JsonValue) -> str:
    return shorten(dump(value))
