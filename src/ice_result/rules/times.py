"""Rules about times: those in Result, and those in the files whose content is read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ice_result.rules.formats import seconds
from ice_result.rules.inputs import input_seconds
from ice_result.rules.model import Case, Finding, Rule
from ice_result.rules.same import DURATION
from ice_result.rules.spans import KnownSpan, latest, reversed_segments, spans


def _in_order(case: Case) -> Iterator[Finding]:
    """Find segments that begin before the start of the previous segment, and files that are not in order."""
    segments = spans(case.record, "music_segments")
    yield from reversed_segments(segments)
    for number, (before, after) in enumerate(pairwise(segments), start=2):
        if before.start is not None and after.start is not None and after.start < before.start:
            first = f"segment {number - 1} begins at {seconds(before.start)}"
            yield Finding(f"segment {number} begins at {seconds(after.start)}; {first}")
    for content in case.contents:
        if content.kind == "captions":
            continue
        if not content.in_order:
            yield Finding(f"the {len(content.items)} times in the file are not in order", content.uri)
        if content.reversed_count:
            counts = f"{content.reversed_count} of {len(content.items)}"
            yield Finding(f"{counts} entries of the file end before they begin", content.uri)


def _within_input(case: Case) -> Iterator[Finding]:
    duration = input_seconds(case)
    if duration is None:
        return
    ends: list[tuple[float | None, str | None]] = [(latest(spans(case.record, "summary", "music_segments")), None)]
    for content in case.contents:
        in_file = [KnownSpan(item.start_seconds, item.end_seconds) for item in content.items]
        ends.append((latest(in_file), content.uri))
    for time, uri in ends:
        if time is not None and not DURATION.allows_up_to(duration, time):
            yield Finding(f"the last time is {seconds(time)}; the input is {seconds(duration)} long", uri)


def _assessed_duration(case: Case) -> Iterator[Finding]:
    duration = input_seconds(case)
    if duration is None or case.record.result.kind != "audio_quality":
        return
    rows = (each.model_dump(include={"channel", "valid", "duration_seconds"}) for each in case.record.result.items())
    for row in rows:
        assessed: float | None = row["duration_seconds"]
        if row["valid"] and assessed is not None and not DURATION.allows(duration, assessed):
            name = "a channel" if row["channel"] is None else f"channel {row['channel']}"
            yield Finding(f"Total Duration of {name} is {seconds(assessed)}; the input is {seconds(duration)} long")


RULES = (
    Rule(
        name="times_in_order",
        functions=("MusicSegmentDetect", "AudioBeatDetection"),
        requirement="Beats and choruses are in order.",
        needs=("result", "contents"),
        tolerance=None,
        evidence="inferred",
        source="the sample in ICE's documentation is in order; no page states it",
        check=_in_order,
    ),
    Rule(
        name="times_within_input",
        functions=("VideoClip", "CaptionExtraction", "MusicSegmentDetect", "AudioBeatDetection"),
        requirement="Each time is not later than the end of the input.",
        needs=("result", "contents", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="the times are positions in the input; the unit of times in files is not documented",
        check=_within_input,
    ),
    Rule(
        name="quality_duration",
        functions=("AudioQualityAssessment",),
        requirement="Total Duration equals the duration of the input.",
        needs=("result", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="the unit, seconds, is inferred from the values",
        check=_assessed_duration,
    ),
)
