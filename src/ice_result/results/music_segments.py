"""MusicSegmentDetect: the choruses of a song."""

from __future__ import annotations

from ice_result.core.types import JsonValue
from ice_result.results.model import MusicSegment, MusicSegments
from ice_result.results.reader import Item, Report, unwrap

_DOCUMENTED = frozenset({"start", "end", "title"})


def decode(result: JsonValue, report: Report) -> MusicSegments:
    """Segments in ICE's order, times in seconds; the title comes in several languages and means nothing more."""
    items = report.objects(unwrap(result, report), _DOCUMENTED)
    return MusicSegments(segments=tuple(_segment(item, report) for item in items))


def _segment(item: Item, report: Report) -> MusicSegment:
    span = report.span(item, "start", "end")
    return MusicSegment(
        start_seconds=span.start,
        end_seconds=span.end,
        duration_seconds=span.duration,
        title=report.text(item, "title"),
    )
