"""The segments of a result and the times in the content of a file, in the form that rules compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ice_result.records.model import Record
from ice_result.rules.formats import seconds
from ice_result.rules.model import Finding


class KnownSpan(NamedTuple):
    """A part of a recording, in seconds. A time that ICE did not send is None."""

    start: float | None
    end: float | None

    @property
    def duration(self) -> float | None:
        """The time between start and end; None if one is missing, or if they are not in order."""
        if self.start is None or self.end is None or self.end < self.start:
            return None
        return self.end - self.start


def spans(record: Record, *kinds: str) -> list[KnownSpan]:
    """Return the segments of a result of one of these kinds, in ICE's order."""
    if record.result.kind not in kinds:
        return []
    rows = (row.model_dump(include={"start_seconds", "end_seconds"}) for row in record.result.items())
    return [KnownSpan(row["start_seconds"], row["end_seconds"]) for row in rows]


def reversed_segments(segments: Sequence[KnownSpan]) -> Iterator[Finding]:
    """Find segments that end before they begin."""
    for number, (start, end) in enumerate(segments, start=1):
        if start is not None and end is not None and end < start:
            yield Finding(f"segment {number} begins at {seconds(start)} and ends at {seconds(end)}")


def latest(segments: Sequence[KnownSpan]) -> float | None:
    """Return the latest time of the segments; None if no time is known."""
    return max((time for segment in segments for time in segment if time is not None), default=None)
