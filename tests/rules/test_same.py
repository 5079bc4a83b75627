"""Rules about properties that are the same in input and output."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ice_result.records.model import Defect, Media, ObjectFacts
from support.rule_cases import case, facts, findings, media


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(10, 10.5), (10, 9.5), (10.1, 9.6), (100, 102), (100, 98), (3600, 3595), (0, 0.5), (None, 9), (10, None)],
)
def test_a_duration_within_the_tolerance(expected: float | None, actual: float | None) -> None:
    """Half a second, 2 % and at most 5 seconds are allowed; an unknown duration is not compared."""
    files = {"a.mp4": facts(media(duration_seconds=actual))}
    source = facts(media(duration_seconds=expected))
    assert findings("same_duration", case("VideoDelogo", files, source=source)) == []


@pytest.mark.parametrize(
    ("expected", "actual"), [(10, 10.501), (10, 9.499), (100, 102.001), (100, 97.999), (3600, 3594.9), (10, 0), (0, 10)]
)
@pytest.mark.parametrize(
    "function",
    ["VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting", "SpeechDenoise", "MusicDemix"],
)
def test_a_duration_outside_the_tolerance(function: str, expected: float, actual: float) -> None:
    """A file that is longer or shorter than the input is found, for each function that keeps the duration."""
    files = {"a": facts(media(duration_seconds=actual)), "b": facts(media(duration_seconds=expected))}
    found = findings("same_duration", case(function, files, source=facts(media(duration_seconds=expected))))
    assert found == [f"oss://out/a: duration {actual:g} s; input: {expected:g} s"]


@pytest.mark.parametrize(
    ("source", "picture"),
    [
        (media(width=1920, height=1080), media(width=1920, height=1080)),
        (media(width=1920, height=1080), media(width=1280, height=720)),
        (media(width=1920, height=1080), media(width=1920, height=1088)),
        (media(width=100, height=100), media(width=102, height=100)),
        (media(width=1920), media(width=720, height=1280)),
        (media(height=1080), media(width=720, height=1280)),
        (media(width=1920, height=1080), media(width=720)),
        (media(width=1920, height=1080), media(height=1280)),
        (media(width=1920, height=1080), media(width=0, height=0)),
        (None, media(width=720, height=1280)),
        (media(width=1920, height=1080), None),
    ],
)
def test_the_same_aspect_ratio(source: Media | None, picture: Media | None) -> None:
    """Width and height may change, and the ratio by 2 %, as encoders round up; an unknown one is not compared."""
    judged = case("VideoDetext", {"a.mp4": facts(picture)}, source=facts(source))
    assert findings("same_aspect_ratio", judged) == []


@pytest.mark.parametrize(
    ("source", "file"),
    [
        (facts(media(width=720, height=576), pixel_aspect=64 / 45), facts(media(width=1024, height=576))),
        (facts(media(width=1024, height=576)), facts(media(width=720, height=576), pixel_aspect=64 / 45)),
    ],
)
def test_pixels_that_are_not_square(source: ObjectFacts, file: ObjectFacts) -> None:
    """The ratio as displayed is compared, and the message has the aspect ratio of the pixels."""
    assert findings("same_aspect_ratio", case("VideoDetext", {"a.mp4": file}, source=source)) == []
    judged = case("VideoDetext", {"a.mp4": facts(media(width=720, height=576), pixel_aspect=16 / 15)}, source=source)
    assert len(findings("same_aspect_ratio", judged)) == 1
    assert (
        "a.mp4: width × height 720 × 576 (pixel aspect ratio 1.067); input: "
        in findings("same_aspect_ratio", judged)[0]
    )


@pytest.mark.parametrize("function", ["VideoDelogo", "VideoDetext", "FaceBeauty"])
@pytest.mark.parametrize(("width", "height"), [(1080, 1920), (103, 100), (97, 100)])
def test_another_aspect_ratio(function: str, width: int, height: int) -> None:
    """Another ratio is found; the message has width and height of both."""
    judged = case(
        function,
        {"a.mp4": facts(media(width=width, height=height))},
        source=facts(media(width=100, height=100)),
    )
    assert findings("same_aspect_ratio", judged) == [
        f"oss://out/a.mp4: width × height {width} × {height}; input: 100 × 100"
    ]


@pytest.mark.parametrize(("source", "file"), [(16_000, 16_000), (None, 16_000), (16_000, None)])
def test_the_same_sample_rate(source: int | None, file: int | None) -> None:
    """GIVEN the same rate, or an unknown one THEN there is no finding."""
    files = {"a.wav": facts(media("wav", sample_rate_hz=file))}
    judged = case("SpeechDenoise", files, source=facts(media("wav", sample_rate_hz=source)))
    assert findings("same_sample_rate", judged) == []


@pytest.mark.parametrize(
    ("codec", "rate", "is_found"),
    [
        ("opus", 48_000, False),
        ("aac", 32_000, False),
        ("aac", 8_000, False),
        ("aac", 48_000, True),
        ("flac", 32_000, True),
        ("mp3", 48_000, True),
    ],
)
def test_a_codec_that_may_state_another_rate(codec: str, rate: int, is_found: bool) -> None:
    """Opus always states 48 kHz, and AAC may state half of the rate, be it the file or the input."""
    wav, other = media("wav", sample_rate_hz=16_000), media("ogg", sample_rate_hz=rate, audio_codec=codec)
    for file, source in ((wav, other), (other, wav)):
        found = findings("same_sample_rate", case("SpeechDenoise", {"a": facts(file)}, source=facts(source)))
        assert bool(found) is is_found


def test_a_rate_that_mp3_does_not_have() -> None:
    """GIVEN audio of 96 kHz as MP3, which has 48 kHz at most THEN the rates may be equal."""
    wav, other = media("wav", sample_rate_hz=96_000), media("mp3", sample_rate_hz=48_000, audio_codec="mp3")
    for file, source in ((wav, other), (other, wav)):
        assert findings("same_sample_rate", case("SpeechDenoise", {"a": facts(file)}, source=facts(source))) == []


def test_another_sample_rate() -> None:
    """Rates are whole numbers: there is no tolerance."""
    files = {"a.wav": facts(media("wav", sample_rate_hz=44_101))}
    judged = case("SpeechDenoise", files, source=facts(media("wav", sample_rate_hz=44_100)))
    assert findings("same_sample_rate", judged) == ["oss://out/a.wav: sample rate 44101 Hz; input: 44100 Hz"]


def written(day: int) -> ObjectFacts:
    """An input of twenty seconds that was last written on a day of May."""
    moment = datetime(2026, 5, day, tzinfo=timezone.utc)
    return facts(media(duration_seconds=20))._replace(last_modified=moment)


@pytest.mark.parametrize(
    ("source", "created", "is_found"),
    [
        (written(1), "2026-05-02T00:00:00Z", True),
        (written(2), "2026-05-01T23:55:00Z", True),
        (written(2), "2026-05-01T23:54:59Z", False),
        (written(3), "2026-05-02T00:00:00Z", False),
        (written(3), "", True),
        (facts(media(duration_seconds=20)), "2026-05-02T00:00:00Z", True),
        (facts(media(duration_seconds=20), defect=Defect("truncated", "")), "", False),
        (facts(media(duration_seconds=20))._replace(exists=None), "", False),
    ],
)
def test_an_input_that_is_not_what_ice_read_is_not_compared(source: ObjectFacts, created: str, is_found: bool) -> None:
    """An input that is damaged, or was written more than five minutes after the job was created, is not compared."""
    judged = case("FaceBeauty", {"a": facts(media(duration_seconds=10))}, source=source, fields={"CreateTime": created})
    assert bool(findings("same_duration", judged)) is is_found


def test_an_output_over_its_input_is_not_compared() -> None:
    """A job that writes its output in the place of its input leaves no input to compare with."""
    files = {"a": facts(media(duration_seconds=10), crc64="1"), "source.mp4": facts(crc64="1")}
    judged = case("FaceBeauty", files, source=facts(media(duration_seconds=20), crc64="1"))
    in_place = judged._replace(
        files=[judged.files[0], judged.files[1]._replace(uri="oss://input/source.mp4")],
    )
    assert findings("same_duration", judged) != []
    assert [findings(rule, in_place) for rule in ("same_duration", "input_copy")] == [[], []]
