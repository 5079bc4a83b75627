"""VideoChapters, which ICE does not have: the chapters of a video, each with a picture."""

from __future__ import annotations

from typing import ClassVar, Literal

from typing_extensions import Self, override

from ice_result.core.types import JsonValue, Model
from ice_result.results.model import SPAN_COLUMNS, ItemColumn, Result
from ice_result.results.reader import LenientReader, unwrap

_DOCUMENTED = frozenset({"Start", "End", "Speaker", "Picture"})


class Chapter(Model):
    """One chapter."""

    start_seconds: float | None
    end_seconds: float | None
    duration_seconds: float | None
    speaker: str | None
    uri: str | None


class Chapters(Result):
    """VideoChapters."""

    kind: Literal["chapters"] = "chapters"
    chapters: tuple[Chapter, ...] = ()
    item_kind: ClassVar[str] = "chapter"
    item_columns: ClassVar[tuple[ItemColumn, ...]] = (
        *SPAN_COLUMNS,
        ItemColumn("uri", "text", "chapter: its picture, `oss://bucket/key`"),
        ItemColumn("speaker", "text", "chapter: the voice that is heard most"),
    )

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        chapters = []
        for item in reader.objects(unwrap(result, reader), _DOCUMENTED):
            span = reader.span(item, "Start", "End")
            chapters.append(
                Chapter(
                    start_seconds=span.start,
                    end_seconds=span.end,
                    duration_seconds=span.duration,
                    speaker=reader.text(item, "Speaker"),
                    uri=reader.file(item, "Picture").uri,
                )
            )
        return cls(chapters=tuple(chapters))

    @override
    def items(self) -> tuple[Chapter, ...]:
        return self.chapters

    @override
    def file_names(self) -> tuple[str, ...]:
        return tuple(chapter.uri or "" for chapter in self.chapters)

    @override
    def one_line(self) -> str:
        return f"{len(self.chapters)} chapters" if self.chapters else ""
