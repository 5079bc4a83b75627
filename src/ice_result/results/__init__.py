"""The third stage: the Result of a job, decoded into a typed value that says what was odd about it."""

from __future__ import annotations

from ice_result.core.oss_address import is_not_saved
from ice_result.results.model import (
    AudioQuality,
    Channel,
    Cover,
    Covers,
    Decoded,
    DecodeStatus,
    DecodeWarning,
    Files,
    Loudness,
    MusicSegment,
    MusicSegments,
    Rating,
    Result,
    Summary,
    SummarySegment,
    Unknown,
)
from ice_result.results.registry import decode

__all__ = [
    "AudioQuality",
    "Channel",
    "Cover",
    "Covers",
    "DecodeStatus",
    "DecodeWarning",
    "Decoded",
    "Files",
    "Loudness",
    "MusicSegment",
    "MusicSegments",
    "Rating",
    "Result",
    "Summary",
    "SummarySegment",
    "Unknown",
    "decode",
    "is_not_saved",
]
