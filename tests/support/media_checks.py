"""Comparison of what a reader says with what ffprobe says, and ways to damage a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ice_result.core.types import JsonObject
from ice_result.probe import Probed
from ice_result.records.model import Media
from support.media_files import probed, told_by_ffprobe

PARTS = 16


def agrees_with_ffprobe(path: Path, *, within: float = 0.001) -> Media:
    """Check that an audio file is faultless and that each fact is ffprobe's; the length within so many seconds."""
    found = probed(path.read_bytes(), path.name)
    assert found.defect is None
    media, said = found.media, told_by_ffprobe(path)
    assert media is not None
    stream = _stream(said, "audio")
    assert (media.audio_codec, media.channels) == (stream["codec_name"], stream["channels"])
    assert media.sample_rate_hz == int(str(stream["sample_rate"]))
    bits = stream["bits_per_sample"] or int(str(stream.get("bits_per_raw_sample") or 0))
    assert media.bits in {bits, None}
    if media.duration_seconds is not None:
        assert abs(media.duration_seconds - _seconds(said)) <= within
    return media


def picture_agrees_with_ffprobe(path: Path) -> Media:
    """Check that a picture is faultless and has the size that ffprobe tells."""
    found = probed(path.read_bytes(), path.name)
    assert found.defect is None
    assert found.media is not None
    stream = _stream(told_by_ffprobe(path), "video")
    assert (found.media.width, found.media.height) == (stream["width"], stream["height"])
    return found.media


def cuts(data: bytes, name: str) -> Iterator[tuple[int, Probed]]:
    """Probe a file that was cut at every sixteenth."""
    for part in range(1, PARTS):
        yield part, probed(data[: len(data) * part // PARTS], name)


def not_truncated(data: bytes, name: str) -> list[int]:
    """Return the sixteenths at which a cut is not told."""
    return [part for part, found in cuts(data, name) if not found.defect or found.defect.code != "truncated"]


def zeroed(data: bytes, start: int, end: int | None = None) -> bytes:
    """Return a file with zeros in place of the data in a range."""
    end = len(data) if end is None else end
    return data[:start] + bytes(end - start) + data[end:]


def _stream(said: JsonObject, kind: str) -> JsonObject:
    streams = said["streams"]
    assert isinstance(streams, list)
    for stream in streams:
        if isinstance(stream, dict) and stream["codec_type"] == kind:
            return stream
    raise AssertionError(f"ffprobe finds no {kind}")


def _seconds(said: JsonObject) -> float:
    form = said["format"]
    assert isinstance(form, dict)
    return float(str(form["duration"]))
