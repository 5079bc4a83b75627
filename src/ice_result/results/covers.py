"""Cover: the images ICE proposes, best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import Self, override

from ice_result.core.types import JsonValue, Model
from ice_result.results.model import ItemColumn, Result, short_number
from ice_result.results.reader import LenientReader, unwrap

if TYPE_CHECKING:
    from ice_result.results.figures import Gallery

_DOCUMENTED = frozenset({"Score", "Time", "Url"})


class Cover(Model):
    """Cover image. `rank` counts from 1 in ICE's own order, best first."""

    rank: int
    score: float | None
    time_seconds: float | None
    path: str | None
    uri: str | None


class Covers(Result):
    """Cover."""

    kind: Literal["covers"] = "covers"
    covers: tuple[Cover, ...] = ()
    item_kind: ClassVar[str] = "cover"
    item_columns: ClassVar[tuple[ItemColumn, ...]] = (
        ItemColumn("rank", "integer", "cover: place in ICE's list, best first, from 1"),
        ItemColumn("score", "real", "cover: ICE's score; its scale is not documented"),
        ItemColumn("time_seconds", "real", "cover: position of the image in the video", "s"),
        ItemColumn("path", "text", "cover: its path in the output bucket"),
        ItemColumn("uri", "text", "cover: `oss://bucket/key`"),
    )

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode covers in the order ICE ranked them. `Time` is in milliseconds [measured]: ICE documents no unit."""
        covers = []
        for item in reader.objects(unwrap(result, reader), _DOCUMENTED):
            score, time_seconds = reader.number(item, "Score"), reader.milliseconds(item, "Time")
            file = reader.file(item, "Url")
            covers.append(Cover(rank=item.place, score=score, time_seconds=time_seconds, path=file.path, uri=file.uri))
        return cls(covers=tuple(covers))

    @override
    def items(self) -> tuple[Cover, ...]:
        return self.covers

    @override
    def file_names(self) -> tuple[str, ...]:
        return tuple(cover.uri or cover.path or "" for cover in self.covers)

    @override
    def one_line(self) -> str:
        count = len(self.covers)
        return f"{count} covers, best at {short_number(self.covers[0].time_seconds)} s" if count else ""

    @override
    def figure(self) -> Gallery:
        from ice_result.results.figures import Gallery, Picture  # noqa: PLC0415  not in the function

        return Gallery(tuple(Picture(each.uri, each.path, each.score, each.time_seconds) for each in self.covers))
