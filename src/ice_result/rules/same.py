"""Rules about properties that are the same in input and output: duration, aspect ratio, sample rate."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.records.model import Media
from ice_result.rules.formats import seconds, width_and_height
from ice_result.rules.inputs import input_media, input_seconds, known_input
from ice_result.rules.model import Case, Finding, Rule, Tolerance

DURATION = Tolerance(seconds=0.5, percent=2, most_seconds=5)
"""Tolerance of durations: encoders add and drop frames, and a container has the duration of its longest track.

FFmpeg's encoders and filters change a duration by less than 0.2 seconds, however long it is [measured].
"""
_MOST_HERTZ_OF_MP3 = 48_000
_ASPECT_RATIO = Tolerance(percent=2)  # encoders round width and height up to even numbers, some to multiples of 16


def _same_duration(case: Case) -> Iterator[Finding]:
    expected = input_seconds(case)
    for file in case.files:
        actual = file.media.duration_seconds if file.media else None
        if expected is not None and actual is not None and not DURATION.allows(expected, actual):
            yield Finding(f"duration {seconds(actual)}; input: {seconds(expected)}", file.uri)


def _same_aspect_ratio(case: Case) -> Iterator[Finding]:
    source = known_input(case)
    expected = source.aspect_ratio if source and source.defect is None else None
    for file in case.files:
        actual = file.facts.aspect_ratio if file.media else None
        if source and expected and actual and not _ASPECT_RATIO.allows(expected, actual):
            message = f"width × height {width_and_height(file.facts)}; input: {width_and_height(source)}"
            yield Finding(message, file.uri)


def _same_sample_rate(case: Case) -> Iterator[Finding]:
    source = input_media(case)
    for file in case.files:
        if source and file.media and not may_have_same_rate(source, file.media):
            message = f"sample rate {file.media.sample_rate_hz} Hz; input: {source.sample_rate_hz} Hz"
            yield Finding(message, file.uri)


def may_have_same_rate(one: Media, other: Media) -> bool:
    """Return whether the rates may be equal.

    Opus always states 48 kHz; HE-AAC may state half; MP3 has no rate above 48 kHz. [documented]
    """
    codecs = {one.audio_codec, other.audio_codec}
    if not one.sample_rate_hz or not other.sample_rate_hz or "opus" in codecs:
        return True
    lower, higher = sorted((one.sample_rate_hz, other.sample_rate_hz))
    may_be_lower = "mp3" in codecs and higher > _MOST_HERTZ_OF_MP3
    return lower == higher or may_be_lower or ("aac" in codecs and 2 * lower == higher)


RULES = (
    Rule(
        name="same_duration",
        functions=(
            *("VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting"),
            *("SpeechDenoise", "MusicDemix"),
        ),
        requirement="The duration equals that of the input.",
        needs=("files", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="the function changes picture or audio, and removes no part",
        check=_same_duration,
    ),
    Rule(
        name="same_aspect_ratio",
        functions=("VideoDelogo", "VideoDetext", "FaceBeauty"),
        requirement="The aspect ratio equals that of the input.",
        needs=("files", "input"),
        tolerance=_ASPECT_RATIO,
        evidence="inferred",
        source="the function changes the content of the picture; no page says that it crops",
        check=_same_aspect_ratio,
    ),
    Rule(
        name="same_sample_rate",
        functions=("SpeechDenoise",),
        requirement="The sample rate equals that of the input.",
        needs=("files", "input"),
        tolerance=None,
        evidence="inferred",
        source="the function removes noise; no page says that it resamples",
        check=_same_sample_rate,
    ),
)
