"""VideoClip and MusicSegmentDetect: times, and lists that are not as documented."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.results import decode
from ice_result.results.music_segments import MusicSegments
from ice_result.results.summary import Summary, SummarySegment


def segment(start: float | None, end: float | None, duration: float | None) -> SummarySegment:
    return SummarySegment(start_seconds=start, end_seconds=end, duration_seconds=duration)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.28, "5.28", segment(0.28, 5.28, 5.0)),
        (" 1 ", 1, segment(1.0, 1.0, 0.0)),
        ("5", "4", segment(5.0, 4.0, None)),
        ("-1.7e308", "1.7e308", segment(-1.7e308, 1.7e308, None)),
        (None, "4", segment(None, 4.0, None)),
        ("4", "later", segment(4.0, None, None)),
    ],
)
def test_a_duration_needs_both_times_in_order(start: JsonValue, end: JsonValue, expected: SummarySegment) -> None:
    """Where a time is missing, or the end lies before the start, there is no duration."""
    decoded = decode("VideoClip", {"VideoSummaryList": [{"StartTime": start, "EndTime": end}]})

    assert decoded.result == Summary(segments=(expected,))
    assert decoded.status == ("decoded" if expected.duration_seconds is not None else "partial")


def test_times_out_of_order_are_named() -> None:
    """The warning stands at the segment, for neither of the two times is wrong by itself."""
    decoded = decode("VideoClip", '{"VideoSummaryList":[{"StartTime":"5","EndTime":"4"}]}')

    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$.VideoSummaryList[0]", "unreadable")]


@pytest.mark.parametrize("result", ['{"VideoSummaryList":[]}', '{"VideoSummaryList":null}', '{"VideoSummaryList":{}}'])
def test_a_summary_of_nothing_is_empty(result: str) -> None:
    """A list without segments is not an error."""
    decoded = decode("VideoClip", result)

    assert (decoded.status, decoded.result, decoded.warnings) == ("empty", Summary(), ())


def test_a_summary_s_single_segment_may_lack_its_brackets() -> None:
    """One object where the list is documented is read, and undocumented keys around it are named."""
    decoded = decode("VideoClip", '{"Took":"3","VideoSummaryList":{"StartTime":"1","EndTime":"2"}}')

    assert decoded.result == Summary(segments=(segment(1.0, 2.0, 1.0),))
    assert decoded.status == "decoded"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [
        ("$.Took", "unexpected_key"),
        ("$.VideoSummaryList", "unexpected_data"),
    ]


@pytest.mark.parametrize("result", ['{"Segments":[]}', '[{"StartTime":"1","EndTime":"2"}]', "3"])
def test_a_summary_without_its_list_is_undecodable(result: str) -> None:
    """The list has a name, and under no other name is it looked for."""
    decoded = decode("VideoClip", result)

    assert (decoded.status, decoded.result) == ("undecodable", Summary())
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$.VideoSummaryList", "missing")]


def test_a_chorus_without_its_title_is_still_a_chorus() -> None:
    """A title that is missing, or not a text, is null; the times stand."""
    decoded = decode("MusicSegmentDetect", '[{"start":"1","end":"3"},{"start":1,"end":3,"title":4}]')

    assert isinstance(decoded.result, MusicSegments)
    assert [(part.duration_seconds, part.title) for part in decoded.result.segments] == [(2.0, None), (2.0, None)]
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [
        ("$[0].title", "missing"),
        ("$[1].title", "unreadable"),
    ]


def test_titles_are_kept_whatever_the_language() -> None:
    """The title tells nothing that code could rely on."""
    titles = ["副歌", "chorus", "Chorus"]

    decoded = decode("MusicSegmentDetect", [{"start": 0, "end": 1, "title": title} for title in titles])

    assert isinstance(decoded.result, MusicSegments)
    assert [part.title for part in decoded.result.segments] == titles
    assert decoded.status == "decoded"
