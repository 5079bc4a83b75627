"""VideoClip: the parts of the input that the summary video is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import Self, override

from ice_result.core.json_text import dump
from ice_result.core.types import JsonValue, Model
from ice_result.errors import shorten
from ice_result.results.model import SPAN_COLUMNS, ItemColumn, Result, short_number
from ice_result.results.reader import Item, LenientReader, unwrap

if TYPE_CHECKING:
    from ice_result.results.figures import Timeline

_LIST = "VideoSummaryList"
_DOCUMENTED = frozenset({"StartTime", "EndTime"})


class SummarySegment(Model):
    """A part of the input that went into the summary video."""

    start_seconds: float | None
    end_seconds: float | None
    duration_seconds: float | None


class Summary(Result):
    """VideoClip."""

    kind: Literal["summary"] = "summary"
    segments: tuple[SummarySegment, ...] = ()
    item_kind: ClassVar[str] = "summary_segment"
    item_columns: ClassVar[tuple[ItemColumn, ...]] = SPAN_COLUMNS

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode segments in ICE's order. Both times are documented as texts, in seconds."""
        value = unwrap(result, reader)
        if reader.nothing(value):
            return cls()
        if not isinstance(value, dict) or _LIST not in value:
            reader.undecodable(f"$.{_LIST}", "missing", f"no {_LIST} in {shorten(dump(value))}")
            return cls()
        reader.only(Item("$", 1, value), frozenset({_LIST}))
        items = reader.objects(value[_LIST], _DOCUMENTED, f"$.{_LIST}")
        spans = (reader.span(item, "StartTime", "EndTime") for item in items)
        return cls(
            segments=tuple(
                SummarySegment(start_seconds=span.start, end_seconds=span.end, duration_seconds=span.duration)
                for span in spans
            )
        )

    @override
    def items(self) -> tuple[SummarySegment, ...]:
        return self.segments

    @override
    def one_line(self) -> str:
        if not self.segments:
            return ""
        first = self.segments[0]
        start, end = short_number(first.start_seconds), short_number(first.end_seconds)
        return f"{len(self.segments)} segment, from {start} to {end} s"

    @override
    def figure(self) -> Timeline:
        from ice_result.results.figures import Span, Timeline  # noqa: PLC0415  not in the function

        return Timeline(tuple(Span(each.start_seconds, each.end_seconds) for each in self.segments))
