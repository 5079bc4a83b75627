"""Rules about what a function keeps of its input: the length, the shape, the sample rate."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.records.model import Media
from ice_result.rules.formats import seconds
from ice_result.rules.inputs import input_media, input_seconds
from ice_result.rules.model import Case, Finding, Rule, Tolerance

DURATION = Tolerance(seconds=0.5, percent=2)
"""Tolerance of lengths: encoders add frames and drop some, and a container counts its longest track."""
_SHAPE = Tolerance(percent=2)  # encoders round sizes up to even numbers, some to multiples of 16


def _same_length(case: Case) -> Iterator[Finding]:
    expected = input_seconds(case)
    for file in case.files:
        actual = file.media.duration_seconds if file.media else None
        if expected is not None and actual is not None and not DURATION.allows(expected, actual):
            yield Finding(f"the file is {seconds(actual)} long, and the input {seconds(expected)}", file.uri)


def _same_shape(case: Case) -> Iterator[Finding]:
    source = input_media(case)
    for file in case.files:
        if (
            source
            and source.width
            and source.height
            and (media := file.media)
            and media.width
            and media.height
            and not _SHAPE.allows(source.width / source.height, media.width / media.height)
        ):
            message = f"the picture is {media.width} × {media.height}, and that of the input "
            yield Finding(f"{message}{source.width} × {source.height}", file.uri)


def _same_rate(case: Case) -> Iterator[Finding]:
    source = input_media(case)
    for file in case.files:
        if source and file.media and not _may_have_one_rate(source, file.media):
            message = (
                f"the sample rate is {file.media.sample_rate_hz} Hz, and that of the input {source.sample_rate_hz} Hz"
            )
            yield Finding(message, file.uri)


def _may_have_one_rate(one: Media, other: Media) -> bool:
    """Tell if two recordings may have one rate. Opus states 48 kHz for each; HE-AAC may state half. [documented]"""
    codecs = {one.audio_codec, other.audio_codec}
    if not one.sample_rate_hz or not other.sample_rate_hz or "opus" in codecs:
        return True
    lower, higher = sorted((one.sample_rate_hz, other.sample_rate_hz))
    return lower == higher or ("aac" in codecs and 2 * lower == higher)


RULES = (
    Rule(
        name="same_duration",
        functions=(
            *("VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting"),
            *("SpeechDenoise", "MusicDemix"),
        ),
        requirement="Each file is as long as the input.",
        needs=("files", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="the function changes pictures or sound, and leaves none out",
        check=_same_length,
    ),
    Rule(
        name="same_aspect_ratio",
        functions=("VideoDelogo", "VideoDetext", "FaceBeauty"),
        requirement="Width divided by height is as in the input.",
        needs=("files", "input"),
        tolerance=_SHAPE,
        evidence="inferred",
        source="the function changes what is in the picture, and no page requirement that it crops",
        check=_same_shape,
    ),
    Rule(
        name="same_sample_rate",
        functions=("SpeechDenoise",),
        requirement="The sample rate is that of the input.",
        needs=("files", "input"),
        tolerance=None,
        evidence="inferred",
        source="the function removes noise, and no page requirement that it resamples",
        check=_same_rate,
    ),
)
