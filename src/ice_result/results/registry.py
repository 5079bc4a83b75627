"""Which function has which kind of Result, and the decoding of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ice_result.core.types import JsonValue
from ice_result.results import audio_quality, covers, files, music_segments, summary, unknown
from ice_result.results.model import Decoded, Result
from ice_result.results.reader import Report

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


def decode(function_name: str, result: JsonValue, bucket: str | None = None) -> Decoded:
    """Read what stood in the Result field of a job: usually a JSON text, sometimes null or JSON already.

    It is taken as it is: the `result` of a Job has no secrets in it. Paths in it are relative to `bucket`, the job's
    output bucket; None when it is not known.
    Never raises for what ICE sent: what cannot be read is null, or the whole undecodable, and a warning says why.
    """
    report = Report(bucket)
    decoder = DECODERS.get(function_name, unknown.decode)
    typed = decoder(result, report)
    return Decoded(status=report.status, warnings=report.warnings, result=typed)
