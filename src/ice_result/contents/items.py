"""Items of a file in the order of their times, with the facts that are counted on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ice_result.contents.model import LONGEST_TEXT, MOST_ITEMS, ContentItem
from ice_result.records.model import ContentNoteCode


class UnreadableError(Exception):
    """A file whose content cannot be read; the message says why. It never leaves this package."""

    def __init__(self, message: str, code: ContentNoteCode = "unreadable") -> None:
        super().__init__(message)
        self.code: ContentNoteCode = code


class Items(NamedTuple):
    """The items of a file, sorted by their times.

    `is_sorted` is false for a file that has them in another order. `empty` cues were dropped. `overlaps` items begin
    before an earlier one ends. `reversed` items had their end before their start. `skipped` lines or values have no
    time that could be read.
    """

    items: tuple[ContentItem, ...]
    is_sorted: bool
    empty: int = 0
    overlaps: int = 0
    reversed: int = 0
    skipped: int = 0


class TimedText(NamedTuple):
    """An item as the file has it, in seconds."""

    start: float
    end: float | None
    text: str | None


def arranged(found: Sequence[TimedText], *, empty: int = 0, skipped: int = 0) -> Items:
    """Sort items by their times, and exchange the times of those that end before they begin.

    Raises UnreadableError beyond the limits.
    """
    if len(found) > MOST_ITEMS:
        raise UnreadableError(f"{len(found)} items, at most {MOST_ITEMS} are read", "too_large")
    longest = max((len(each.text) for each in found if each.text), default=0)
    if longest > LONGEST_TEXT:
        raise UnreadableError(f"a text of {longest} characters, at most {LONGEST_TEXT} are read", "too_large")
    turned = [
        each._replace(start=each.end, end=each.start) if each.end is not None and each.end < each.start else each
        for each in found
    ]
    in_order = sorted(turned, key=_times)
    latest, overlaps = 0.0, 0
    for each in in_order:
        overlaps += each.start < latest
        latest = max(latest, each.end or 0.0)
    return Items(
        tuple(ContentItem(start_seconds=each.start, end_seconds=each.end, text=each.text) for each in in_order),
        is_sorted=in_order == turned,
        empty=empty,
        overlaps=overlaps,
        reversed=sum(before is not after for before, after in zip(found, turned, strict=True)),
        skipped=skipped,
    )


def _times(each: TimedText) -> tuple[float, float]:
    return each.start, each.start if each.end is None else each.end
