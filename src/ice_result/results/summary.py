"""VideoClip: which parts of the input the summary video is made of."""

from __future__ import annotations

from ice_result.core.json_text import dump
from ice_result.core.types import JsonValue
from ice_result.errors import shorten
from ice_result.results.model import DecodeWarning, Summary, SummarySegment
from ice_result.results.reader import Item, Report, unwrap

_LIST = "VideoSummaryList"
_DOCUMENTED = frozenset({"StartTime", "EndTime"})


def decode(result: JsonValue, report: Report) -> Summary:
    """Segments in ICE's order; both times are documented as texts, in seconds."""
    value = unwrap(result, report)
    if report.nothing(value):
        return Summary()
    if not isinstance(value, dict) or _LIST not in value:
        message = f"no {_LIST} in {shorten(dump(value))}"
        report.undecodable(DecodeWarning(path=f"$.{_LIST}", code="missing", message=message))
        return Summary()
    report.only(Item("$", 1, value), frozenset({_LIST}))
    items = report.objects(value[_LIST], _DOCUMENTED, f"$.{_LIST}")
    return Summary(segments=tuple(_segment(item, report) for item in items))


def _segment(item: Item, report: Report) -> SummarySegment:
    span = report.span(item, "StartTime", "EndTime")
    return SummarySegment(start_seconds=span.start, end_seconds=span.end, duration_seconds=span.duration)
