r"""Beats and choruses of a song. ICE publishes no schema of these files, so every form that says its times is read.

    [0.48, 0.96]   [480, 960]   {"beats": [0.48]}   [{"time": 0.48}]   [[0.48, 1], [0.96, 2]]   0.48\n0.96
    [{"start": 39.3, "end": 63.8, "title": "…"}]   {"Result": [{"startMs": 39300, "duration": 24500}]}

What is read is inferred, and the whole file is kept beside it if it contains more than the items.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Literal, NamedTuple, TypeAlias

from ice_result.contents.items import Items, TimedText, UnreadableError, arranged
from ice_result.contents.model import MOST_ITEMS
from ice_result.core.json_text import load
from ice_result.core.types import JsonValue
from ice_result.errors import NotJsonError
from ice_result.records.model import LARGEST_CONTENT, ContentKind

Unit: TypeAlias = Literal["seconds", "milliseconds"]
MOST_CONTAINERS = 100_000
"""Objects and arrays of one file: each takes many times its text in memory."""
MOST_VALUES = 400_000
"""Values of one file: twenty for each item."""
_DEEPEST = 4  # levels at which the list of times is looked for
_MOST_LISTS = 100
_STARTS = ("start", "starttime", "begin", "begintime", "from", "time", "timestamp", "position", "offset", "at", "t")
_ENDS = ("end", "endtime", "stop", "finish", "to")
_DURATIONS = ("duration", "length")
_TEXTS = ("title", "label", "name", "text")
_PREFERRED: dict[str, tuple[str, ...]] = {
    "beats": ("beat", "time", "result", "data"),
    "chorus": ("chorus", "segment", "result", "data"),
}
_LONGEST: dict[str, float] = {"beats": 20.0, "chorus": 1000.0}
"""Seconds: a beat or a chorus that is longer than this is taken to be in milliseconds."""
_MILLISECONDS = re.compile(r"(?<=[a-z])(?:_|-)?(?:ms|millis|milliseconds?)\Z|(?<=[a-z])Ms\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,3})?\Z")
_WORD = re.compile(r"[^\s,;]+")


class Times(NamedTuple):
    """The items of a file, the unit of its times, and the whole file if it contains more than the items."""

    items: Items
    unit: Unit | None
    other: JsonValue


class _Found(NamedTuple):
    """An item in the unit of the file. `is_all` is false where the entry has more in it."""

    time: TimedText
    in_milliseconds: bool
    is_all: bool


def read_times(text: str, kind: ContentKind, known_end_seconds: float | None) -> Times:
    """Read the times of a file. `known_end_seconds` is a time near the end of the input, if there is one.

    Raises UnreadableError for a text that is neither JSON nor a list of numbers.
    """
    if not text.strip():
        return Times(arranged(()), None, None)
    value = _document(text)
    best: list[_Found] = []
    chosen: Sequence[JsonValue] = ()
    for name, entries in sorted(_lists(value), key=lambda each: _rank(each[0], kind)):
        first = entries[:MOST_ITEMS]
        found = [item for entry in first if (item := _item(entry, kind, name)) is not None]
        if found and 2 * len(found) >= len(first):
            if len(entries) > MOST_ITEMS:
                raise UnreadableError(f"{len(entries)} items, at most {MOST_ITEMS} are read", "too_large")
            best, chosen = found, entries
            break
    unit = _unit([each.time for each in best], kind, known_end_seconds, named=any(x.in_milliseconds for x in best))
    times = [_in_seconds(each.time, 1000 if unit == "milliseconds" else 1) for each in best]
    says_all = chosen is value and len(best) == len(chosen) and all(each.is_all for each in best)
    items = arranged(times, skipped=len(chosen) - len(best))
    return Times(items, unit if best else None, None if says_all else value)


def _document(text: str) -> JsonValue:
    if text.count("[") + text.count("{") > MOST_CONTAINERS:
        raise UnreadableError(f"more than {MOST_CONTAINERS} objects and arrays, which is the most", "too_large")
    if text.count(",") > MOST_VALUES:
        raise UnreadableError(f"more than {MOST_VALUES} values, which is the most", "too_large")
    try:
        value = load(text, max_bytes=LARGEST_CONTENT)
    except NotJsonError as error:
        words = (word[0] for word in _WORD.finditer(text))
        numbers = [word if _NUMBER.match(word) else None for word in islice(words, MOST_ITEMS)]
        if not all(numbers):
            raise UnreadableError(f"the file is neither JSON nor a list of numbers: {error}") from error
        if more := sum(1 for _ in words):
            total = len(numbers) + more
            raise UnreadableError(f"{total} items, at most {MOST_ITEMS} are read", "too_large") from error
        return [float(word) for word in numbers if word and math.isfinite(float(word))]
    if value is None:
        raise UnreadableError("the file is null, or one number that is too large: expected a list of times")
    return value


def _lists(value: JsonValue) -> Iterator[tuple[str, Sequence[JsonValue]]]:
    """Yield the lists of a document with their names, the outer ones first."""
    layer: list[tuple[str, JsonValue]] = [("", value)]
    for _ in range(_DEEPEST):
        inner: list[tuple[str, JsonValue]] = []
        for name, each in layer[:_MOST_LISTS]:
            if isinstance(each, list):
                yield name, each
                inner += [(name, entry) for entry in each[:_MOST_LISTS] if isinstance(entry, (dict, list))]
            elif isinstance(each, dict):
                inner += each.items()
        layer = inner


def _rank(name: str, kind: ContentKind) -> int:
    preferred = _PREFERRED.get(kind, ())
    return next((place for place, word in enumerate(preferred) if word in name.lower()), len(preferred))


def _item(entry: JsonValue, kind: ContentKind, name: str) -> _Found | None:
    """Read one entry: a number, a pair, or an object; None for anything without a time."""
    named = _is_milliseconds(name)
    if isinstance(entry, dict):
        return _from_object(entry)
    if isinstance(entry, list):
        start, end = (_number(part) for part in (*entry[:2], None, None)[:2])
        if start is None:
            return None
        is_span = kind == "chorus" and end is not None
        return _Found(TimedText(start, end if is_span else None, None), named, is_all=is_span and len(entry) == 2)  # noqa: PLR2004  a pair
    start = _number(entry)
    return None if start is None else _Found(TimedText(start, None, None), named, is_all=True)


def _from_object(entry: dict[str, JsonValue]) -> _Found | None:
    plain: dict[str, JsonValue] = {}
    milliseconds: set[str] = set()
    for name, value in entry.items():
        key = re.sub("[_-]", "", _MILLISECONDS.sub("", name)).lower()
        plain.setdefault(key, value)
        if _is_milliseconds(name):
            milliseconds.add(key)
    start_key = next((key for key in _STARTS if _number(plain.get(key)) is not None), None)
    if start_key is None:
        return None
    start = _number(plain[start_key]) or 0.0
    end_key = next((key for key in _ENDS if _number(plain.get(key)) is not None), None)
    end, used = (_number(plain[end_key]), {start_key, end_key}) if end_key else (None, {start_key})
    duration_key = next((key for key in _DURATIONS if _number(plain.get(key)) is not None), None)
    if end is None and duration_key:
        end, used = start + (_number(plain[duration_key]) or 0.0), {start_key, duration_key}
    text_key = next((key for key in _TEXTS if isinstance(plain.get(key), str)), None)
    text = plain[text_key] if text_key else None
    is_all = len(entry) == len(used) + bool(text_key)
    return _Found(TimedText(start, end, text if isinstance(text, str) else None), start_key in milliseconds, is_all)


def _is_milliseconds(name: str) -> bool:
    return _MILLISECONDS.search(name) is not None


def _number(value: JsonValue) -> float | None:
    """Return a time that is a number, or a text of one; None for a negative one and for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        value = float(value) if _NUMBER.match(value.strip()) else -1
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < _LATEST else None


_LATEST = 1e12  # milliseconds of 31 years


def _unit(times: Sequence[TimedText], kind: ContentKind, known_end: float | None, *, named: bool) -> Unit:
    """Return the unit of the times: by the name, by a known time of the input, or by how long an item would last."""
    if named:
        return "milliseconds"
    latest = max((time.start if time.end is None else time.end for time in times), default=0.0)
    if known_end and latest > 0:
        # The unit in which the file ends nearest to the known time: they differ by a factor of a thousand.
        return "milliseconds" if latest > known_end * math.sqrt(1000) else "seconds"
    lengths = [time.end - time.start for time in times if time.end is not None]
    if not lengths:
        starts = sorted(time.start for time in times)
        lengths = [after - before for before, after in pairwise(starts)]
    usual = sorted(lengths)[len(lengths) // 2] if lengths else 0.0
    return "milliseconds" if usual > _LONGEST.get(kind, math.inf) else "seconds"


def _in_seconds(time: TimedText, divisor: int) -> TimedText:
    end = None if time.end is None else round(time.end / divisor, 6)
    return time._replace(start=round(time.start / divisor, 6), end=end)
