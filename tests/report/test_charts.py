"""Geometry of the charts."""

from __future__ import annotations

import pytest

from ice_result.report.charts import (
    DAYS_HEIGHT,
    LEAST_DAYS,
    MOST_DAYS,
    WIDTH,
    bar_chart,
    days_chart,
    parts_of,
    share_chart,
    timeline_chart,
)
from ice_result.results.figures import Bar, Span, Timeline
from ice_result.sinks.job_counts import Counted

MIXED = Counted(jobs=10, complete=5, incomplete=5, failed=2)


def test_the_parts_of_a_group_do_not_overlap() -> None:
    """Failed jobs are incomplete too; here each job counts once."""
    assert parts_of(MIXED) == (("complete", 5), ("failed", 2), ("other", 3))


def test_parts_stand_side_by_side() -> None:
    """The largest group takes the whole width; a part without jobs is left out."""
    whole = share_chart(MIXED, 10)
    half = share_chart(Counted(5, 5, 0, 0), 10)

    assert [(each.x, each.width, each.part) for each in whole] == [
        (0, 500, "complete"),
        (500, 200, "failed"),
        (700, 300, "other"),
    ]
    assert [(each.x, each.width) for each in half] == [(0, WIDTH / 2)]


def test_days_are_columns_from_the_bottom_up() -> None:
    """The fullest day has the whole height. A gap of days stays a gap."""
    chart = days_chart([("2026-03-01", Counted(5, 5, 0, 0)), ("2026-03-20", MIXED), ("unknown", MIXED)])

    assert chart is not None
    assert (chart.first, chart.last, chart.most, chart.is_cut) == ("2026-03-01", "2026-03-20", 10, False)
    first, *last = chart.rectangles
    assert (first.y, first.height) == (DAYS_HEIGHT / 2, DAYS_HEIGHT / 2)
    assert [each.part for each in last] == ["complete", "failed", "other"]
    assert last[-1].y == 0
    assert sum(each.height for each in last) == DAYS_HEIGHT
    assert last[0].x - first.x == pytest.approx(WIDTH / 20 * 19, abs=0.1)


def test_the_chart_of_days_is_neither_too_short_nor_too_long() -> None:
    """One day is a column among a fortnight; of years, the last two months are drawn."""
    one = days_chart([("2026-03-02", MIXED)])
    years = days_chart([("2020-01-01", MIXED), ("2026-03-02", Counted(1, 1, 0, 0))])

    assert one is not None
    assert (one.first, one.last) == ("2026-02-17", "2026-03-02")
    assert one.rectangles[0].width < WIDTH / LEAST_DAYS
    assert years is not None
    assert (years.first, years.most, years.is_cut) == ("2025-12-31", 1, True)
    assert MOST_DAYS == 62
    assert days_chart([("unknown", MIXED)]) is None
    assert days_chart([("0001-01-01", MIXED)]) is not None


def test_a_timeline_is_as_long_as_the_input_or_its_last_part() -> None:
    """Parts without an end, before the start, or the wrong way round are not drawn."""
    spans = (Span(10, 20), Span(None, 5), Span(30, None), Span(-5, 5), Span(9, 8), Span(40, 40))
    last, whole = timeline_chart(Timeline(spans)), timeline_chart(Timeline(spans, length_seconds=80))

    assert last is not None
    assert whole is not None
    assert (last.end, whole.end) == (40, 80)
    assert [(each.x, each.width) for each in last.rectangles] == [(250, 250), (WIDTH - 3, 3)]
    assert [(each.x, each.width) for each in whole.rectangles] == [(125, 125), (500, 3)]
    assert timeline_chart(Timeline((Span(None, None), Span(0, 0)))) is None


@pytest.mark.parametrize("end", [5e-324, 1e-300, 1.0, 1e307, 1e308, 1.7976931348623157e308])
def test_a_timeline_of_any_length_is_drawn(end: float) -> None:
    """Its parts keep their places, however long or short the whole is."""
    spans = (Span(0, end), Span(-0.0, end), Span(end, end), Span(-end, end), Span(end / 2, end))

    chart = timeline_chart(Timeline(spans))

    assert chart is not None
    assert chart.end == end
    half = 500 if end > 5e-324 else 0  # the smallest number has no half
    assert [(each.x, each.width) for each in chart.rectangles] == [
        *((0, WIDTH), (0, WIDTH), (WIDTH - 3, 3), (half, WIDTH - half)),
    ]


@pytest.mark.parametrize(("value", "width"), [(1e308, WIDTH), (-1e308, 0), (-0.0, 0), (5e-324, 0)])
def test_any_value_has_a_bar(value: float, width: int) -> None:
    """It ends where the scale does, and no place has the sign of a zero."""
    drawn = bar_chart(Bar("mos", value, worst=value), 0, 5)

    assert "-" not in str(drawn)
    assert drawn == (
        (0, 0, width, 10, "value"),
        (min(width, WIDTH - 6), 0, 6, 10, "worst"),
    )


def test_a_bar_has_its_value_and_the_mark_of_its_worst_moment() -> None:
    """Values beyond the scale end at its end; an unknown value has no bar."""
    assert [(each.x, each.width, each.part) for each in bar_chart(Bar("mos", 2.5, "Fair", 1), 0, 5)] == [
        (0, 500, "value"),
        (200, 6, "worst"),
    ]
    assert [each.width for each in bar_chart(Bar("mos", 7), 0, 5)] == [WIDTH]
    assert [each.x for each in bar_chart(Bar("mos", None, worst=5), 0, 5)] == [WIDTH - 6]
    assert bar_chart(Bar("mos", None), 0, 5) == ()
