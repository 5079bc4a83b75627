"""Rules about the video of VideoClip and its segments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ice_result.rules.formats import seconds
from ice_result.rules.model import Case, Finding, Rule, Tolerance
from ice_result.rules.same import DURATION
from ice_result.rules.spans import reversed_segments, spans

_FRAME = Tolerance(seconds=0.1)  # ICE may round the same time up in one segment, and down in the next


def _duration_of_segments(case: Case) -> Iterator[Finding]:
    """Compare the duration of the only video with the sum of the segments, if all of them are known."""
    durations = [span.duration for span in spans(case.record, "summary")]
    known = [duration for duration in durations if duration is not None]
    actual = case.files[0].media.duration_seconds if len(case.files) == 1 and case.files[0].media else None
    allowed = Tolerance(DURATION.around(sum(known)) + _FRAME.seconds * len(known))  # each ends with a whole frame
    if durations and len(known) == len(durations) and actual is not None and not allowed.allows(sum(known), actual):
        yield Finding(f"duration {seconds(actual)}; sum of the segments: {seconds(sum(known))}", case.files[0].uri)


def _segments_in_order(case: Case) -> Iterator[Finding]:
    """Find segments of a summary that begin before the end of the previous segment."""
    segments = spans(case.record, "summary")
    yield from reversed_segments(segments)
    for number, (before, after) in enumerate(pairwise(segments), start=2):
        end = before.start if before.end is None else before.end
        if end is not None and after.start is not None and not _FRAME.allows_up_to(after.start, end):
            first = f"segment {number - 1} {'begins' if before.end is None else 'ends'} at {seconds(end)}"
            yield Finding(f"segment {number} begins at {seconds(after.start)}; {first}")


RULES = (
    Rule(
        name="clip_duration",
        functions=("VideoClip",),
        requirement="The duration equals the sum of the segments.",
        needs=("files", "result"),
        tolerance=DURATION,
        evidence="inferred",
        source="the segments are the parts of the input in the summary",
        check=_duration_of_segments,
    ),
    Rule(
        name="clip_order",
        functions=("VideoClip",),
        requirement="Segments are in order and do not overlap.",
        needs=("result",),
        tolerance=_FRAME,
        evidence="inferred",
        source="a summary does not repeat a part; the order is not documented",
        check=_segments_in_order,
    ),
)
