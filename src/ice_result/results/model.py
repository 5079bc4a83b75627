"""The typed results, one class per shape; docs/data-dictionary.md says where each field comes from."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from ice_result.core.types import JsonObject, JsonValue, Model


class DecodeWarning(Model):
    """Something in a Result that was not as documented. `path` is a JSON path from `$`, `code` a stable token."""

    path: str
    code: Literal["missing", "unreadable", "unexpected_key", "unexpected_data", "not_json", "not_saved", "unwrapped"]
    message: str


class Cover(Model):
    """One cover image. `rank` counts from 1 in ICE's own order, best first."""

    rank: int
    score: float | None
    time_seconds: float | None
    path: str | None
    uri: str | None


class Covers(Model):
    """Cover."""

    kind: Literal["covers"] = "covers"
    covers: tuple[Cover, ...] = ()


class SummarySegment(Model):
    """A part of the input that went into the summary video."""

    start_seconds: float | None
    end_seconds: float | None
    duration_seconds: float | None


class Summary(Model):
    """VideoClip."""

    kind: Literal["summary"] = "summary"
    segments: tuple[SummarySegment, ...] = ()


class MusicSegment(Model):
    """A chorus; `title` is as ICE sent it, in whichever language."""

    start_seconds: float | None
    end_seconds: float | None
    duration_seconds: float | None
    title: str | None


class MusicSegments(Model):
    """MusicSegmentDetect."""

    kind: Literal["music_segments"] = "music_segments"
    segments: tuple[MusicSegment, ...] = ()


class Rating(Model):
    """A quality from 0 (worst) to 5: over the whole channel, as ICE's grade, and at its worst moment."""

    score: float | None
    grade: str | None
    worst: float | None


class Loudness(Model):
    """Loudness from 0 to 5, as ICE's grade, and in dB (-90 to 0)."""

    score: float | None
    grade: str | None
    db: float | None


class Channel(Model):
    """The quality of one audio channel. Scores mean nothing unless `valid`; `tag` then says why."""

    channel: int | None
    tag: str | None
    valid: bool
    assessed_at: str | None
    duration_seconds: float | None
    mos: Rating
    noisiness: Rating
    discontinuity: Rating
    coloration: Rating
    loudness: Loudness
    speech_ratio_percent: float | None
    bad_mute_percent: float | None
    double_talk_percent: float | None
    saturated_percent: float | None


class AudioQuality(Model):
    """AudioQualityAssessment."""

    kind: Literal["audio_quality"] = "audio_quality"
    channels: tuple[Channel, ...] = ()


class Files(Model):
    """The functions whose outcome is their output files; `extra` is what their Result held all the same."""

    kind: Literal["files"] = "files"
    extra: JsonObject = Field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """The files that `extra` names as MPS, the predecessor of ICE, names them: each under `file`. [inferred]"""
        entries = self.extra.get("Result", self.extra)
        names = (
            entry.get("file")
            for entry in (entries if isinstance(entries, list) else [entries])
            if isinstance(entry, dict)
        )
        return tuple(name for name in names if isinstance(name, str))


class Unknown(Model):
    """A function this version does not know: its Result as JSON, or as text when it is not JSON."""

    kind: Literal["unknown"] = "unknown"
    data: JsonValue = None


Result: TypeAlias = Annotated[
    Covers | Summary | MusicSegments | AudioQuality | Files | Unknown, Field(discriminator="kind")
]
DecodeStatus: TypeAlias = Literal["decoded", "empty", "partial", "undecodable"]


class Decoded(Model):
    """What became of a Result text.

    decoded: all of it read; empty: ICE sent nothing; partial: some values are null, see the warnings;
    undecodable: not the documented shape at all. `result` is there in every case, empty in the last.
    """

    status: DecodeStatus
    warnings: tuple[DecodeWarning, ...] = ()
    result: Result
