"""Rules about the video of VideoClip and the segments that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ice_result.rules.formats import seconds
from ice_result.rules.model import Case, Finding, Rule, Tolerance
from ice_result.rules.same import DURATION
from ice_result.rules.spans import reversed_segments, spans

_FRAME = Tolerance(seconds=0.1)  # ICE may round the same cut up in one segment, and down in the next


def _length_of_segments(case: Case) -> Iterator[Finding]:
    """Compare the only video with the sum of the segments, if all of them are known."""
    lengths = [span.length for span in spans(case.record, "summary")]
    known = [length for length in lengths if length is not None]
    actual = case.files[0].media.duration_seconds if len(case.files) == 1 and case.files[0].media else None
    if lengths and len(known) == len(lengths) and actual is not None and not DURATION.allows(sum(known), actual):
        message = f"the file is {seconds(actual)} long, and its segments are {seconds(sum(known))} together"
        yield Finding(message, case.files[0].uri)


def _segments_apart(case: Case) -> Iterator[Finding]:
    """Find segments of a summary that begin before the one before them ends."""
    segments = spans(case.record, "summary")
    yield from reversed_segments(segments)
    for number, (before, after) in enumerate(pairwise(segments), start=2):
        end = before.start if before.end is None else before.end
        if end is not None and after.start is not None and not _FRAME.allows_up_to(after.start, end):
            yield Finding(
                f"segment {number} begins at {seconds(after.start)}, and the one before it ends at {seconds(end)}"
            )


RULES = (
    Rule(
        name="clip_duration",
        functions=("VideoClip",),
        requirement="The file is as long as its segments in Result.",
        needs=("files", "result"),
        tolerance=DURATION,
        evidence="inferred",
        source="the segments are the parts of the input that make up the summary",
        check=_length_of_segments,
    ),
    Rule(
        name="clip_order",
        functions=("VideoClip",),
        requirement="Segments are in order and do not overlap.",
        needs=("result",),
        tolerance=_FRAME,
        evidence="inferred",
        source="no part of a summary is in it twice; that ICE sorts them is not documented",
        check=_segments_apart,
    ),
)
