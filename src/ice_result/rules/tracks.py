"""Rules about the tracks that every output file of a function has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal

from ice_result.rules.model import Case, Finding, Rule


def _has_track(kind: Literal["video", "audio"], case: Case) -> Iterator[Finding]:
    """Find files without a track of this kind. A file of which not all tracks are known is not checked."""
    for file in case.files:
        if file.kinds is not None and kind not in file.kinds:
            others = ", ".join(sorted(file.kinds - {"text"}))
            yield Finding(f"no {kind} track; the content is {file.content}{others and f' ({others})'}", file.uri)


RULES = (
    Rule(
        name="video_track",
        functions=(*("VideoClip", "VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting"),),
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
)
