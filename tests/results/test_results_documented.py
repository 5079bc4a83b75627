"""The samples of ICE's documentation, letter by letter."""

from __future__ import annotations

import pytest

from ice_result import results
from ice_result.results import Decoded, decode
from ice_result.results.audio_quality import AudioQuality, Channel, Loudness, Rating
from ice_result.results.covers import Cover, Covers
from ice_result.results.files import Files
from ice_result.results.music_segments import MusicSegment, MusicSegments
from ice_result.results.registry import FUNCTIONS
from ice_result.results.summary import Summary, SummarySegment

COVERS = (
    '[{"Score":8.270855992569906,"Time":"28278.25","Url":"cover/test-00001.jpg"},'
    '{"Score":7.474117489692728,"Time":"25942.583333333332","Url":"cover/test-00002.jpg"}]'
)
SUMMARY = '{"VideoSummaryList":[{"EndTime":"5.28","StartTime":"0.28"}]}'
CHORUSES = (
    '[{"start":39.32,"end":63.85,"title":"副歌"},{"start":86.69,"end":114.45,"title":"副歌"},'
    '{"start":135.75,"end":160.27,"title":"副歌"}]'
)
AUDIO = (
    '[{"Discontinuity":"Good","Loudness":"Excellent","Worst MOS(0-5)":"0.38","Discontinuity(0-5)":"3.52",'
    '"Speech Ratio":"48.55","Loudness(0-5)":"4.91","Worst Discontinuity(0-5)":"0.88",'
    '"Worst Coloration(0-5)":"0.42","Channel":"1","Coloration(0-5)":"0.99","Bad Mute Ratio(%)":"0.0",'
    '"Time":"2022-12-02 16:14:06","Noisiness(0-5)":"3.28","MOS":"Poor","Worst Noisiness(0-5)":"0.91",'
    '"Double Talk Ratio(%)":"19.23","Input":"/home/admin/algo/quality****/example.wav",'
    '"Total Duration":"42.78","Noisiness":"Good","Tag":"Valid","MOS(0-5)":"1.01",'
    '"Loudness(-90dB-0dB)":"-0.59","Coloration":"Bad","Saturated Ratio(%)":"37.55"}]'
)


def test_the_documented_covers_are_ranked_timed_and_placed() -> None:
    """Rank is ICE's order, milliseconds become seconds, and a path becomes an address once the bucket is known."""
    assert decode("Cover", COVERS, "example-output") == Decoded(
        status="decoded",
        result=Covers(
            covers=(
                Cover(
                    rank=1,
                    score=8.270855992569906,
                    time_seconds=28.27825,
                    path="cover/test-00001.jpg",
                    uri="oss://example-output/cover/test-00001.jpg",
                ),
                Cover(
                    rank=2,
                    score=7.474117489692728,
                    time_seconds=25.942583333,
                    path="cover/test-00002.jpg",
                    uri="oss://example-output/cover/test-00002.jpg",
                ),
            )
        ),
    )


def test_the_documented_summary_has_its_times_as_numbers() -> None:
    """Texts in seconds become numbers, with the time between them."""
    assert decode("VideoClip", SUMMARY) == Decoded(
        status="decoded",
        result=Summary(segments=(SummarySegment(start_seconds=0.28, end_seconds=5.28, duration_seconds=5.0),)),
    )


def test_the_documented_choruses_keep_title_and_times() -> None:
    """Durations come without float dust, and titles in the language they were sent in."""
    times = ((39.32, 63.85, 24.53), (86.69, 114.45, 27.76), (135.75, 160.27, 24.52))

    assert decode("MusicSegmentDetect", CHORUSES) == Decoded(
        status="decoded",
        result=MusicSegments(
            segments=tuple(
                MusicSegment(start_seconds=start, end_seconds=end, duration_seconds=duration, title="副歌")
                for start, end, duration in times
            )
        ),
    )


def test_the_documented_audio_quality_is_all_there_but_the_machine_s_own_path() -> None:
    """Every text becomes a number where it is one; `Input` is dropped without a word."""
    assert decode("AudioQualityAssessment", AUDIO) == Decoded(
        status="decoded",
        result=AudioQuality(
            channels=(
                Channel(
                    channel=1,
                    tag="Valid",
                    valid=True,
                    assessed_at="2022-12-02 16:14:06",
                    duration_seconds=42.78,
                    mos=Rating(score=1.01, grade="Poor", worst=0.38),
                    noisiness=Rating(score=3.28, grade="Good", worst=0.91),
                    discontinuity=Rating(score=3.52, grade="Good", worst=0.88),
                    coloration=Rating(score=0.99, grade="Bad", worst=0.42),
                    loudness=Loudness(score=4.91, grade="Excellent", db=-0.59),
                    speech_ratio_percent=48.55,
                    bad_mute_percent=0.0,
                    double_talk_percent=19.23,
                    saturated_percent=37.55,
                ),
            )
        ),
    )


FILE_FUNCTIONS = [
    "VideoDelogo",
    "VideoDetext",
    "CaptionExtraction",
    "VideoGreenScreenMatting",
    "FaceBeauty",
    "VideoH2V",
    "AudioBeatDetection",
    "SpeechDenoise",
    "AudioMixing",
    "MusicDemix",
]


@pytest.mark.parametrize("function_name", FILE_FUNCTIONS)
def test_ten_functions_have_nothing_to_tell(function_name: str) -> None:
    """`{}` is the documented Result of a function whose outcome is its files."""
    assert decode(function_name, "{}") == Decoded(status="empty", result=Files())


def test_every_function_of_the_api_has_a_decoder() -> None:
    """The registry holds the fourteen names of the API and no other."""
    told = ["Cover", "VideoClip", "MusicSegmentDetect", "AudioQualityAssessment"]

    assert sorted(FUNCTIONS) == sorted([*told, *FILE_FUNCTIONS])


def test_the_package_exports_what_it_says() -> None:
    """Names in `__all__` are there, sorted."""
    assert results.__all__ == sorted(results.__all__)
    assert all(hasattr(results, name) for name in results.__all__)
