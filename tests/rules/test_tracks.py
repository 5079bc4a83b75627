"""Rules about the tracks that every output file of a function has."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ice_result.records.model import Defect, Media, MediaKind
from ice_result.rules.tracks import RULES
from support.rule_cases import case, facts, findings, media

OF_VIDEOS, OF_AUDIO, KEPT = RULES


@pytest.mark.parametrize("kinds", [{"video"}, {"video", "audio"}, {"image", "video"}, None])
def test_a_file_with_video(kinds: Iterable[MediaKind] | None) -> None:
    """GIVEN a video, an animation, or tracks of which not all are known THEN there is no finding."""
    for function in OF_VIDEOS.functions:
        judged = case(function, {"a": facts(media("mp4", audio_codec="aac"), kinds=kinds)})
        assert findings("video_track", judged) == []


@pytest.mark.parametrize(
    ("found", "kinds", "content"),
    [
        (media("mp4"), {"audio"}, "mp4 (audio)"),
        (media("webm"), set(), "webm"),
        (media("png"), {"image"}, "png (image)"),
        (media("srt"), {"text"}, "srt"),
        (None, {"text"}, "text"),
    ],
)
def test_a_file_without_video(found: Media | None, kinds: Iterable[MediaKind], content: str) -> None:
    """The finding has the format of the content, and the kinds that it has."""
    for function in OF_VIDEOS.functions:
        judged = case(function, {"a": facts(found, kinds=kinds)})
        assert findings("video_track", judged) == [f"oss://out/a: no video track; the content is {content}"]


@pytest.mark.parametrize("kinds", [{"audio"}, {"video", "audio"}, None])
def test_a_file_with_audio(kinds: Iterable[MediaKind] | None) -> None:
    """GIVEN audio, alone or in a video, or tracks of which not all are known THEN there is no finding."""
    for function in OF_AUDIO.functions:
        assert findings("audio_track", case(function, {"a": facts(media("mp4"), kinds=kinds)})) == []


@pytest.mark.parametrize(
    ("found", "kinds", "content"), [(media("mp4"), {"video"}, "mp4 (video)"), (None, {"text"}, "text")]
)
def test_a_file_without_audio(found: Media | None, kinds: Iterable[MediaKind], content: str) -> None:
    """A video without audio, and text, are found."""
    for function in OF_AUDIO.functions:
        judged = case(function, {"a": facts(found, kinds=kinds)})
        assert findings("audio_track", judged) == [f"oss://out/a: no audio track; the content is {content}"]


@pytest.mark.parametrize(
    ("kinds", "of_input", "found"),
    [
        ({"video"}, {"video", "audio"}, ["oss://out/a: no audio track; the input has one"]),
        ({"video", "audio"}, {"video", "audio"}, []),
        ({"video"}, {"video"}, []),
        ({"video"}, None, []),
        (None, {"video", "audio"}, []),
        ({"audio"}, {"video", "audio"}, []),
    ],
)
def test_the_audio_of_the_input(
    kinds: Iterable[MediaKind] | None, of_input: Iterable[MediaKind] | None, found: list[str]
) -> None:
    """GIVEN an input with audio THEN a video without is found, if all tracks of both are known."""
    for function in KEPT.functions:
        source = facts(media("mp4"), kinds=of_input)
        assert findings("audio_kept", case(function, {"a": facts(media("mp4"), kinds=kinds)}, source=source)) == found


def test_a_file_with_a_defect_is_not_checked() -> None:
    """GIVEN a file of the wrong type THEN that is its problem, and there is no finding beside it."""
    wrong = facts(media("wav"), kinds={"audio"}, defect=Defect("wrong_type", ""))
    assert findings("video_track", case("VideoClip", {"a.mp4": wrong})) == []
