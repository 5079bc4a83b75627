"""Which decoder reads the Result of which FunctionName; `unknown` reads the rest. A new function is one new line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ice_result.results import audio_quality, covers, files, music_segments, summary
from ice_result.results.model import Result
from ice_result.results.report import Report
from ice_result.values import JsonValue

Decoder: TypeAlias = Callable[[JsonValue, Report], Result]

DECODERS: dict[str, Decoder] = {
    "Cover": covers.decode,
    "VideoClip": summary.decode,
    "VideoDelogo": files.decode,
    "VideoDetext": files.decode,
    "CaptionExtraction": files.decode,
    "VideoGreenScreenMatting": files.decode,
    "FaceBeauty": files.decode,
    "VideoH2V": files.decode,
    "MusicSegmentDetect": music_segments.decode,
    "AudioBeatDetection": files.decode,
    "AudioQualityAssessment": audio_quality.decode,
    "SpeechDenoise": files.decode,
    "AudioMixing": files.decode,
    "MusicDemix": files.decode,
}
