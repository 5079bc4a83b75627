"""MusicSegmentDetect: the choruses of a song."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import Self, override

from ice_result.core.types import JsonValue, Model
from ice_result.results.model import SPAN_COLUMNS, ItemColumn, Result, short_number
from ice_result.results.reader import LenientReader, unwrap

if TYPE_CHECKING:
    from ice_result.results.figures import Timeline

_DOCUMENTED = frozenset({"start", "end", "title"})


class MusicSegment(Model):
    """A chorus; `title` is as ICE sent it, in whichever language."""

    start_seconds: float | None
    end_seconds: float | None
    duration_seconds: float | None
    title: str | None


class MusicSegments(Result):
    """MusicSegmentDetect."""

    kind: Literal["music_segments"] = "music_segments"
    segments: tuple[MusicSegment, ...] = ()
    item_kind: ClassVar[str] = "music_segment"
    item_columns: ClassVar[tuple[ItemColumn, ...]] = (
        *SPAN_COLUMNS,
        ItemColumn("title", "text", "music_segment: as ICE sent it"),
    )

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode segments in ICE's order. Times are in seconds; the title comes in several languages."""
        segments = []
        for item in reader.objects(unwrap(result, reader), _DOCUMENTED):
            span, title = reader.span(item, "start", "end"), reader.text(item, "title")
            segments.append(
                MusicSegment(
                    start_seconds=span.start, end_seconds=span.end, duration_seconds=span.duration, title=title
                )
            )
        return cls(segments=tuple(segments))

    @override
    def items(self) -> tuple[MusicSegment, ...]:
        return self.segments

    @override
    def one_line(self) -> str:
        count = len(self.segments)
        return f"{count} choruses, first at {short_number(self.segments[0].start_seconds)} s" if count else ""

    @override
    def figure(self) -> Timeline:
        from ice_result.results.figures import Span, Timeline  # noqa: PLC0415  not in the function

        return Timeline(tuple(Span(each.start_seconds, each.end_seconds, each.title) for each in self.segments))
