"""The contents of a job's files on its page: cues and choruses on a timeline and in a table, beats as marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ice_result.contents.model import Content, ContentItem
from ice_result.records.model import ContentKind
from ice_result.report.charts import TimelineChart, timeline_chart
from ice_result.results.figures import Span, Timeline

MOST_MARKS = 2000
"""Rectangles of one chart: more are not told apart. Its axis ends with the last item of all."""
MOST_CUES = 500
"""Rows of one table."""


class ShownContent(NamedTuple):
    """Content of one file: its first items as spans, its chart, and the number of items that the table leaves out."""

    uri: str
    kind: ContentKind
    number: int
    chart: TimelineChart | None
    rows: tuple[Span, ...]
    more: int
    facts: tuple[tuple[str, int], ...]


def shown_contents(contents: Iterable[Content]) -> Iterator[ShownContent]:
    """Yield what the page shows of each file. Beats have no table: a beat is nothing but its time."""
    for content in contents:
        spans = tuple(Span(item.start_seconds, _end(item), item.text) for item in content.items[:MOST_MARKS])
        rows = () if content.kind == "beats" else spans[:MOST_CUES]
        facts = {
            "empty": content.empty_count,
            "overlaps": content.overlap_count,
            "reversed": content.reversed_count,
            "skipped": content.skipped_count,
            "replaced": content.replaced_count,
            "unmarked": len(content.items) - len(spans),
        }
        end = max(map(_end, content.items), default=None)
        yield ShownContent(
            content.uri,
            content.kind,
            len(content.items),
            timeline_chart(Timeline(spans, end)),
            rows,
            len(content.items) - len(rows) if rows else 0,
            tuple((name, number) for name, number in facts.items() if number),
        )


def _end(item: ContentItem) -> float:
    return item.start_seconds if item.end_seconds is None else item.end_seconds
