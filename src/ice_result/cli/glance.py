"""What came out of a job, in a few words for a table."""

from __future__ import annotations

from ice_result.records.model import Manifest, Record
from ice_result.results.model import AudioQuality, Covers, Files, MusicSegments, Result, Summary, Unknown


def glance(record: Record) -> str:
    """The gist of a record's result: `2 covers, best at 28.3 s`, or why there is none."""
    if record.outcome != "ok":
        return record.outcome.replace("_", " ")
    return _gist(record.result) or f"{record.file_count} file{'' if record.file_count == 1 else 's'}"


def glance_files(manifest: Manifest) -> str:
    """How many of the files were seen: `2/2`, or `-` when there are none."""
    seen = sum(file.exists is True for file in manifest.files)
    return f"{seen}/{len(manifest.files)}" if manifest.files else "-"


def _gist(result: Result) -> str:
    match result:
        case Covers(covers=[best, *_] as covers):
            return f"{len(covers)} covers, best at {_number(best.time_seconds)} s"
        case Summary(segments=[first, *_] as segments):
            return f"{len(segments)} segment, from {_number(first.start_seconds)} to {_number(first.end_seconds)} s"
        case MusicSegments(segments=[first, *_] as segments):
            return f"{len(segments)} choruses, first at {_number(first.start_seconds)} s"
        case AudioQuality(channels=[first, *_] as channels):
            return f"{len(channels)} channel, MOS {_number(first.mos.score)} ({first.mos.grade or first.tag})"
        case Files() | Unknown() | Covers() | Summary() | MusicSegments() | AudioQuality():
            return ""


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
