"""Rules about the tracks that every output file of a function has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from ice_result.rules.inputs import known_input
from ice_result.rules.model import Case, Finding, Rule


def _has_track(kind: Literal["video", "audio"], case: Case) -> Iterator[Finding]:
    """Find files without a track of this kind. A file of which not all tracks are known is not checked."""
    for file in case.files:
        if file.kinds is not None and kind not in file.kinds:
            others = ", ".join(sorted(file.kinds - {"text"}))
            yield Finding(f"no {kind} track; the content is {file.content}{others and f' ({others})'}", file.uri)


def _audio_kept(case: Case) -> Iterator[Finding]:
    """Find videos without audio of an input that has audio."""
    source = known_input(case)
    if source is None or source.defect or source.kinds is None or "audio" not in source.kinds:
        return
    for file in case.files:
        if file.kinds is not None and "video" in file.kinds and "audio" not in file.kinds:
            yield Finding("no audio track; the input has one", file.uri)


_FOR_VIEWERS = ("VideoClip", "VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V")

RULES = (
    Rule(
        name="video_track",
        functions=(*_FOR_VIEWERS, "VideoGreenScreenMatting"),
        requirement="The file has a video track.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="the function makes a video",
        check=partial(_has_track, "video"),
    ),
    Rule(
        name="audio_track",
        functions=("SpeechDenoise", "AudioMixing", "MusicDemix"),
        requirement="The file has an audio track.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="the function makes audio",
        check=partial(_has_track, "audio"),
    ),
    Rule(
        name="audio_kept",
        functions=_FOR_VIEWERS,
        requirement="If the input has an audio track, the file has one.",
        needs=("files", "input"),
        tolerance=None,
        evidence="inferred",
        source="the function changes the picture or selects parts; no page says that it removes the audio",
        check=_audio_kept,
    ),
)
