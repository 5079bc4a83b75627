"""Figures of results: what the report draws of each family."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonObject
from ice_result.results.figures import Bar, Bars, Gallery, Picture, Span, Timeline
from ice_result.results.model import read_result

RATING: JsonObject = {"score": 3.5, "grade": "Good", "worst": 0.9}
CHANNEL: JsonObject = {
    "channel": 1,
    "tag": "Valid",
    "valid": True,
    "assessed_at": "2022-12-02 16:14:06",
    "duration_seconds": 42.78,
    **dict.fromkeys(("mos", "noisiness", "discontinuity", "coloration"), RATING),
    "loudness": {"score": 4.9, "grade": "Excellent", "db": -0.59},
    "speech_ratio_percent": 48.5,
    "bad_mute_percent": 0.0,
    "double_talk_percent": None,
    "saturated_percent": 37.5,
}


def test_covers_are_a_gallery() -> None:
    """In ICE's order, best first."""
    cover: JsonObject = {"rank": 1, "score": 8.3, "time_seconds": 28.3, "path": "a.jpg", "uri": "oss://b/a.jpg"}

    figure = read_result({"kind": "covers", "covers": [cover]}).figure()

    assert figure == Gallery((Picture("oss://b/a.jpg", "a.jpg", 8.3, 28.3),))


@pytest.mark.parametrize("kind", ["summary", "music_segments"])
def test_segments_are_a_timeline(kind: str) -> None:
    """The result does not tell the length of the input."""
    segment: JsonObject = {"start_seconds": 1.0, "end_seconds": 3.5, "duration_seconds": 2.5}
    titled: JsonObject = {**segment, "title": "副歌"} if kind == "music_segments" else segment

    figure = read_result({"kind": kind, "segments": [titled]}).figure()

    assert figure == Timeline((Span(1.0, 3.5, "副歌" if kind == "music_segments" else None),), length_seconds=None)


def test_audio_quality_is_bars_for_each_channel() -> None:
    """The qualities are bars; loudness has no worst moment; everything else is a fact."""
    figure = read_result({"kind": "audio_quality", "channels": [CHANNEL]}).figure()

    assert isinstance(figure, Bars)
    assert (figure.low, figure.high) == (0, 5)
    (group,) = figure.groups
    assert (group.name, group.number, group.note) == ("channel", 1, None)
    assert group.bars[0] == Bar("mos", 3.5, "Good", 0.9)
    assert group.bars[-1] == Bar("loudness", 4.9, "Excellent", None)
    assert dict(group.facts)["saturated_percent"] == 37.5


@pytest.mark.parametrize(("tag", "note"), [("Too short", "Too short"), (None, "?")])
def test_a_channel_that_was_not_assessed_says_why(tag: str | None, note: str) -> None:
    """Its scores mean nothing."""
    figure = read_result({"kind": "audio_quality", "channels": [{**CHANNEL, "valid": False, "tag": tag}]}).figure()

    assert isinstance(figure, Bars)
    assert figure.groups[0].note == note


@pytest.mark.parametrize("result", [{"kind": "files", "extra": {"a": 1}}, {"kind": "unknown", "data": {"a": 1}}])
def test_other_families_have_no_figure(result: JsonObject) -> None:
    """Their rows are shown."""
    found = read_result(result)

    assert found.figure() is None
    assert found.shown_rows() == [{"a": "1"}]
