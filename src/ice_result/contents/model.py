"""The document of a file's content, its repaired files for players, and the protocol by which files are read."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from ice_result.core.oss_address import ObjectAddress
from ice_result.core.text_encoding import Encoding
from ice_result.core.types import JobId, JsonValue, Model
from ice_result.records.model import ContentKind, ContentNoteCode

LONGEST_TEXT = 10_000
"""Characters of one cue or title."""
MOST_ITEMS = 20_000
"""Cues, beats or choruses of one file: a day and a night of captions, one every four seconds."""
_SHORTEST_SECONDS = 0.001  # players skip a cue that ends when it begins


class ContentItem(Model):
    """A cue, a beat or a chorus. A beat has no end. The text is the title of a chorus, or the words of a cue.

    The words may be within `<i>`, `<b>` and `<u>`; other markup is left out. Secrets in the text are removed.
    """

    start_seconds: float
    end_seconds: float | None = None
    text: str | None = None


class Content(Model):
    """The content of one output file: a pure function of the file's bytes and of what the record says.

    `in_order` is false for a file whose items were sorted. `empty_count` cues had no text and were dropped.
    `overlap_count` items begin before an earlier one ends. The start and the end of `reversed_count` items were
    swapped. `skipped_count` lines or values have no time that can be read. `replaced_count` places of a damaged file
    are no characters of its encoding; U+FFFD replaces them.
    `inferred` is true where no page of ICE describes the form of the file. `other` is the whole file then, if it
    contains more than the items.
    """

    schema_: Literal["ice_result.content/1"] = Field(default="ice_result.content/1", alias="schema")
    job_id: JobId
    function_name: str
    number: int
    uri: str
    kind: ContentKind
    size_bytes: int
    sha256: str
    encoding: Encoding
    inferred: bool
    unit: Literal["seconds", "milliseconds"] | None
    in_order: bool
    empty_count: int
    overlap_count: int
    reversed_count: int
    skipped_count: int
    replaced_count: int = 0
    items: tuple[ContentItem, ...]
    other: JsonValue

    def srt(self) -> str:
        """Return the cues as a SRT file that every player reads: numbered, sorted, none of them empty."""
        cues = (
            f"{number}\n{_clock(cue.start_seconds, ',')} --> {_clock(_shown_end(cue), ',')}\n{cue.text or ''}\n"
            for number, cue in enumerate(self.items, start=1)
        )
        return "\n".join(cues)

    def vtt(self) -> str:
        """Return the cues as a WebVTT file, in which `&`, `<` and `>` are escaped but in `<i>`, `<b>` and `<u>`."""
        cues = (
            f"\n{number}\n{_clock(cue.start_seconds, '.')} --> {_clock(_shown_end(cue), '.')}\n"
            f"{_escaped(cue.text or '')}\n"
            for number, cue in enumerate(self.items, start=1)
        )
        return "".join(("WEBVTT\n", *cues))


def _shown_end(cue: ContentItem) -> float:
    return max(cue.end_seconds or 0.0, cue.start_seconds + _SHORTEST_SECONDS)


def _escaped(text: str) -> str:
    """Escape what WebVTT reads as markup. The module `html` takes a millisecond to import."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for tag in ("i", "b", "u", "/i", "/b", "/u") if "&lt;" in escaped else ():
        escaped = escaped.replace(f"&lt;{tag}&gt;", f"<{tag}>")
    return escaped


def _clock(seconds: float, point: str) -> str:
    total = round(seconds * 1000)
    minutes, rest = divmod(total, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


class ContentFile(NamedTuple):
    """An output file whose content is read. `number` is its place among these files of its job, from 1."""

    number: int
    kind: ContentKind
    uri: str
    address: ObjectAddress


class NotRead(NamedTuple):
    """The reason why the bytes of a file could not be read."""

    code: ContentNoteCode
    message: str


class Larger(NamedTuple):
    """The size of a file that is larger than was asked for."""

    size_bytes: int


class ContentSource(Protocol):
    """A place from which output files are read."""

    def read(self, address: ObjectAddress, most_bytes: int) -> bytes | Larger | NotRead:
        """Read a file of at most `most_bytes` with one call. Never raises for what the store answers."""
        ...
