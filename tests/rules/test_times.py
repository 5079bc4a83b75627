"""Rules about the times in Result and in files."""

from __future__ import annotations

import pytest

from ice_result.contents.model import Content
from ice_result.core.types import JsonValue
from support.rule_cases import case, content, facts, findings, media

TEN = facts(media("wav", duration_seconds=10))
CHORUSES: JsonValue = [{"start": 1, "end": 4, "title": "副歌"}, {"start": 5, "end": 8, "title": "副歌"}]


def choruses(*segments: tuple[float | None, float | None]) -> JsonValue:
    """A Result of MusicSegmentDetect."""
    return [{"start": start, "end": end, "title": "chorus"} for start, end in segments]


@pytest.mark.parametrize(
    ("result", "contents"),
    [
        (CHORUSES, [content("a.json", "chorus", (1, 4), (5, 8))]),
        (choruses((1, 9), (5, 8)), []),
        (choruses((1, 2), (None, 8), (0, 1)), []),
        (choruses(), []),
        (None, [content("a.srt", "captions", (1, 2), in_order=False, reversed_count=1)]),
    ],
)
def test_times_in_order(result: JsonValue, contents: list[Content]) -> None:
    """Choruses may overlap; unknown times are not compared, nor are captions, which are sorted anyway."""
    judged = case("MusicSegmentDetect", {"a.json": facts()}, result=result, contents=contents)
    assert findings("times_in_order", judged) == []


@pytest.mark.parametrize(
    ("result", "contents", "found"),
    [
        (choruses((5, 8), (1, 4)), [], "segment 2 begins at 1 s; segment 1 begins at 5 s"),
        (choruses((5, 3)), [], "segment 1 begins at 5 s and ends at 3 s"),
        (
            CHORUSES,
            [content("a.json", "chorus", (1, 4), (5, 8), in_order=False)],
            "oss://out/a.json: the 2 times in the file are not in order",
        ),
        (
            CHORUSES,
            [content("a.json", "chorus", (1, 4), (5, 8), reversed_count=1)],
            "oss://out/a.json: 1 of 2 entries of the file end before they begin",
        ),
    ],
)
def test_times_that_are_not_in_order(result: JsonValue, contents: list[Content], found: str) -> None:
    """Result and files are checked alike."""
    judged = case("MusicSegmentDetect", {"a.json": facts()}, result=result, contents=contents)
    assert findings("times_in_order", judged) == [found]


def test_beats_that_are_not_in_order() -> None:
    """Beats are in their file alone."""
    beats = content("beats.json", "beats", 1, 2, 3, in_order=False)
    judged = case("AudioBeatDetection", {"beats.json": facts()}, contents=[beats])
    assert findings("times_in_order", judged) == ["oss://out/beats.json: the 3 times in the file are not in order"]


@pytest.mark.parametrize("last", [9.0, 10.5])
def test_times_within_the_input(last: float) -> None:
    """A time may be half a second after the end."""
    contents = [content("a.json", "beats", last), content("b.json", "beats")]
    judged = case("AudioBeatDetection", {"a.json": facts()}, contents=contents, source=TEN)
    assert findings("times_within_input", judged) == []


@pytest.mark.parametrize(
    ("function", "result", "contents", "found"),
    [
        ("AudioBeatDetection", None, [content("a", "beats", 1, 10.501)], "oss://out/a: the last time is 10.501 s"),
        ("CaptionExtraction", None, [content("a", "captions", (1, 11))], "oss://out/a: the last time is 11 s"),
        ("MusicSegmentDetect", choruses((1, 11), (12, None)), [], "the last time is 12 s"),
        ("VideoClip", {"VideoSummaryList": [{"StartTime": 9, "EndTime": 11}]}, [], "the last time is 11 s"),
    ],
)
def test_times_after_the_end_of_the_input(
    function: str, result: JsonValue, contents: list[Content], found: str
) -> None:
    """The last time of Result and of each file is compared; without the input, nothing is said."""
    judged = case(function, {"a": facts()}, result=result, contents=contents, source=TEN)
    assert findings("times_within_input", judged) == [f"{found}; the input is 10 s long"]
    assert findings("times_within_input", judged._replace(inputs={})) == []


def quality(duration: str | None, tag: str = "Valid", channel: str | None = "2") -> JsonValue:
    """A Result of AudioQualityAssessment."""
    return [{"Channel": channel, "Tag": tag, "Total Duration": duration}]


@pytest.mark.parametrize("result", [quality("10"), quality("10.5"), quality("99", "Mute"), quality(None), []])
def test_a_whole_recording_was_assessed(result: JsonValue) -> None:
    """A channel that is not valid says nothing, and so does one without its duration."""
    assert findings("quality_duration", case("AudioQualityAssessment", {}, result=result, source=TEN)) == []


@pytest.mark.parametrize(("channel", "name"), [("2", "channel 2"), (None, "a channel")])
def test_a_part_of_a_recording_was_assessed(channel: str | None, name: str) -> None:
    """The finding names the channel, and has both lengths."""
    judged = case("AudioQualityAssessment", {}, result=quality("9.4", channel=channel), source=TEN)
    assert findings("quality_duration", judged) == [f"Total Duration of {name} is 9.4 s; the input is 10 s long"]
    assert findings("quality_duration", judged._replace(inputs={})) == []
