"""Geometry of the charts: rectangles in the units of an SVG that is stretched to the width of its place.

A stretched SVG has no text in it, so that letters stay letters: the pages write the ends of an axis beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

from ice_result.results.figures import Bar, Span, Timeline
from ice_result.sinks.job_counts import NO_DAY, Counted

Part: TypeAlias = Literal["complete", "failed", "other", "span", "value", "worst"]
WIDTH = 1000
DAYS_HEIGHT = 160
LEAST_DAYS = 14
MOST_DAYS = 62
_GAP = 0.18  # of the width of a day
_LEAST = 3.0  # so that the shortest part is seen


class Rectangle(NamedTuple):
    """Rectangle of a chart; `part` is what it stands for."""

    x: float
    y: float
    width: float
    height: float
    part: Part


class DaysChart(NamedTuple):
    """Columns of one chart of days, with its first and last day and the most jobs on one day."""

    rectangles: tuple[Rectangle, ...]
    first: str
    last: str
    most: int
    is_cut: bool


class TimelineChart(NamedTuple):
    """Rectangles of the parts of a timeline, and its end in seconds."""

    rectangles: tuple[Rectangle, ...]
    end: float


def parts_of(counted: Counted) -> tuple[tuple[Part, int], ...]:
    """Divide the jobs of a group into parts that do not overlap."""
    return (
        ("complete", counted.complete),
        ("failed", counted.failed),
        ("other", counted.incomplete - counted.failed),
    )


def share_chart(counted: Counted, most: int) -> tuple[Rectangle, ...]:
    """Return the parts of one group side by side; `most` jobs take the whole width."""
    return tuple(_side_by_side(parts_of(counted), WIDTH / most if most else 0))


def _side_by_side(parts: Iterable[tuple[Part, int]], scale: float) -> Iterator[Rectangle]:
    x = 0.0
    for part, number in parts:
        if number:
            width = max(number * scale, _LEAST)
            yield Rectangle(_rounded(x), 0, _rounded(width), 10, part)
            x += width


def days_chart(days: Sequence[tuple[str, Counted]]) -> DaysChart | None:
    """Return one column for each day up to the last one, at most MOST_DAYS; None without a day that is known."""
    known = {date.fromisoformat(name): counted for name, counted in days if name != NO_DAY}
    if not known:
        return None
    last = max(known)
    length = min(max((last - min(known)).days + 1, LEAST_DAYS), MOST_DAYS, last.toordinal())
    shown = [last - timedelta(days=before) for before in reversed(range(length))]
    most = max(known[day].jobs for day in shown if day in known)
    column = WIDTH / length
    rectangles = [
        rectangle
        for place, day in enumerate(shown)
        if day in known
        for rectangle in _stacked(known[day], column * (place + _GAP / 2), column * (1 - _GAP), DAYS_HEIGHT / most)
    ]
    return DaysChart(tuple(rectangles), shown[0].isoformat(), last.isoformat(), most, is_cut=min(known) < shown[0])


def _stacked(counted: Counted, x: float, width: float, scale: float) -> Iterator[Rectangle]:
    """Stack the parts of one day from the bottom up."""
    y = float(DAYS_HEIGHT)
    for part, number in parts_of(counted):
        if number:
            y -= number * scale
            yield Rectangle(_rounded(x), _rounded(y), _rounded(width), _rounded(number * scale), part)


def timeline_chart(timeline: Timeline) -> TimelineChart | None:
    """Return one rectangle for each part with a start and an end; None when there is none."""
    known = [(start, end) for start, end in map(_ends, timeline.spans) if start is not None and end is not None]
    length = max([end for _, end in known] + [timeline.length_seconds or 0], default=0.0)
    if not known or length <= 0:
        return None
    places = ((start / length * WIDTH, (end - start) / length * WIDTH) for start, end in known)
    rectangles = (
        Rectangle(_rounded(min(start, WIDTH - _LEAST)), 0, _rounded(max(width, _LEAST)), 10, "span")
        for start, width in places
    )
    return TimelineChart(tuple(rectangles), length)


def _ends(span: Span) -> tuple[float | None, float | None]:
    """Return start and end, in this order; no part begins before the input."""
    start, end = span.start_seconds, span.end_seconds
    return (None, None) if start is None or end is None or start < 0 or end < start else (start, end)


def bar_chart(bar: Bar, low: float, high: float) -> tuple[Rectangle, ...]:
    """Return the bar of a value and the mark of its worst moment, as far as they are known."""

    def place(value: float) -> float:
        return (min(max(value, low), high) - low) / (high - low) * WIDTH

    value = () if bar.value is None else (Rectangle(0, 0, _rounded(place(bar.value)), 10, "value"),)
    if bar.worst is None:
        return value
    x = min(place(bar.worst), WIDTH - 2 * _LEAST)
    return (*value, Rectangle(_rounded(x), 0, 2 * _LEAST, 10, "worst"))


def _rounded(value: float) -> float:
    return round(value, 2) + 0.0  # the sum has no negative zero
