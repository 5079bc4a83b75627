"""Rules about VideoClip and its segments."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from support.rule_cases import case, facts, findings, media


def summary(*segments: tuple[float | None, float | None]) -> JsonValue:
    """A Result of VideoClip."""
    return {"VideoSummaryList": [{"StartTime": start, "EndTime": end} for start, end in segments]}


SEGMENTS = summary((0.28, 5.28), (10, 12))


@pytest.mark.parametrize("actual", [7, 7.7, 6.3, None])
def test_a_clip_as_long_as_its_segments(actual: float | None) -> None:
    """The sum of the two segments is compared, within half a second and a tenth for each."""
    judged = case("VideoClip", {"a.mp4": facts(media(duration_seconds=actual))}, result=SEGMENTS)
    assert findings("clip_duration", judged) == []


def test_a_long_clip_with_a_frame_for_each_segment() -> None:
    """GIVEN 60 seconds in two segments THEN 2 % and a tenth of a second for each are allowed."""
    long = summary((0, 40), (50, 70))
    for actual, found in ((61.4, 0), (61.5, 1)):
        judged = case("VideoClip", {"a.mp4": facts(media(duration_seconds=actual))}, result=long)
        assert len(findings("clip_duration", judged)) == found


@pytest.mark.parametrize("actual", [7.701, 6.299])
def test_a_clip_of_another_duration(actual: float) -> None:
    """The finding has the duration of the file and of its segments."""
    judged = case("VideoClip", {"a.mp4": facts(media(duration_seconds=actual))}, result=SEGMENTS)
    assert findings("clip_duration", judged) == [f"oss://out/a.mp4: duration {actual} s; sum of the segments: 7 s"]


@pytest.mark.parametrize(
    "result", [summary(), summary((0, 5), (None, 9)), summary((0, 5), (9, None)), summary((0, 5), (9, 8)), {}]
)
def test_a_clip_whose_segments_are_not_all_known(result: JsonValue) -> None:
    """GIVEN a segment of unknown duration THEN their sum is not compared."""
    judged = case("VideoClip", {"a.mp4": facts(media(duration_seconds=99))}, result=result)
    assert findings("clip_duration", judged) == []


def test_a_segment_without_duration_adds_nothing() -> None:
    """A segment that ends when it begins is known to be empty."""
    judged = case("VideoClip", {"a.mp4": facts(media(duration_seconds=9))}, result=summary((0, 5), (7, 7)))
    assert findings("clip_duration", judged) == ["oss://out/a.mp4: duration 9 s; sum of the segments: 5 s"]


def test_several_clips_are_not_compared_with_the_sum() -> None:
    """It is not known which segments are in which file."""
    clip = facts(media(duration_seconds=99))
    assert findings("clip_duration", case("VideoClip", {"a.mp4": clip, "b.mp4": clip}, result=SEGMENTS)) == []


@pytest.mark.parametrize(
    "segments",
    [((0, 5), (5, 6)), ((0, 5.1), (5, 6)), ((0, 5), (None, None), (3, 4)), ((None, 5), (5, 6)), ((3, 3),), ()],
)
def test_segments_in_order(segments: tuple[tuple[float | None, float | None], ...]) -> None:
    """Segments may touch, and overlap by a tenth of a second, which is rounding."""
    judged = case("VideoClip", {"a.mp4": facts()}, result=summary(*segments))
    assert findings("clip_order", judged) == []


@pytest.mark.parametrize(
    ("segments", "found"),
    [
        (((0, 5.101), (5, 6)), "segment 2 begins at 5 s; segment 1 ends at 5.101 s"),
        (((7, 8), (0, 5)), "segment 2 begins at 0 s; segment 1 ends at 8 s"),
        (((7, None), (0, 5)), "segment 2 begins at 0 s; segment 1 begins at 7 s"),
        (((3, 2), (5, 6)), "segment 1 begins at 3 s and ends at 2 s"),
    ],
)
def test_segments_that_are_not_in_order(segments: tuple[tuple[float | None, float | None], ...], found: str) -> None:
    """An overlap, another order, and a segment that ends before it begins are found."""
    judged = case("VideoClip", {"a.mp4": facts()}, result=summary(*segments))
    assert findings("clip_order", judged) == [found]
