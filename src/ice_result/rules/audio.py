"""Rules about the files of MusicDemix and AudioMixing."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.records.model import Media
from ice_result.rules.formats import seconds
from ice_result.rules.inputs import known_sources, longest_source
from ice_result.rules.model import Case, Finding, Rule
from ice_result.rules.same import DURATION, may_have_same_rate

_SILENT = "no sound in the parts of the file that were read"


def _stems_same_duration(case: Case) -> Iterator[Finding]:
    first: float | None = None
    for file in case.files:
        duration = file.media.duration_seconds if file.media else None
        if first is None or duration is None:
            first = duration if first is None else first
        elif not DURATION.allows(first, duration):
            yield Finding(f"duration {seconds(duration)}; first file: {seconds(first)}", file.uri)


def _stems_same_rate(case: Case) -> Iterator[Finding]:
    first: Media | None = None
    for file in case.files:
        if file.media and file.media.sample_rate_hz:
            first = first or file.media
            if not may_have_same_rate(first, file.media):
                message = f"sample rate {file.media.sample_rate_hz} Hz; first file: {first.sample_rate_hz} Hz"
                yield Finding(message, file.uri)


def _stems_not_silent(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.facts.is_silent:
            yield Finding(_SILENT, file.uri)


def _not_silenced(case: Case) -> Iterator[Finding]:
    """Find silent outputs of inputs that are not silent. A source whose samples cannot be read is not considered."""
    loud = next((uri for uri, facts in known_sources(case) if facts.is_silent is False), None)
    for file in case.files:
        if loud and file.facts.is_silent:
            yield Finding(f"{_SILENT}; {loud} is not silent", file.uri)


def _mix_as_long_as_sources(case: Case) -> Iterator[Finding]:
    longest = longest_source(case)
    for file in case.files:
        duration = file.media.duration_seconds if file.media else None
        if longest and duration is not None and not DURATION.allows_down_to(longest.seconds, duration):
            yield Finding(f"duration {seconds(duration)}; source {longest.uri}: {seconds(longest.seconds)}", file.uri)


RULES = (
    Rule(
        name="stems_duration",
        functions=("MusicDemix",),
        requirement="All files have the same duration.",
        needs=("files", "other_files"),
        tolerance=DURATION,
        evidence="inferred",
        source="the files are parts of one recording",
        check=_stems_same_duration,
    ),
    Rule(
        name="stems_sample_rate",
        functions=("MusicDemix",),
        requirement="All files have the same sample rate.",
        needs=("files", "other_files"),
        tolerance=None,
        evidence="inferred",
        source="the files are parts of one recording",
        check=_stems_same_rate,
    ),
    Rule(
        name="stems_silent",
        functions=("MusicDemix",),
        requirement="No file is silent.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="a song has vocals and accompaniment; an instrumental piece has no vocals",
        check=_stems_not_silent,
    ),
    Rule(
        name="audio_silent",
        functions=("SpeechDenoise", "AudioMixing"),
        requirement="The file is not silent, unless its input is.",
        needs=("files", "input", "sources"),
        tolerance=None,
        evidence="inferred",
        source="speech and music remain; a recording that contains only noise can become silent",
        check=_not_silenced,
    ),
    Rule(
        name="mix_duration",
        functions=("AudioMixing",),
        requirement="The file is not shorter than its longest source.",
        needs=("files", "input", "sources"),
        tolerance=DURATION,
        evidence="inferred",
        source="a mix contains all sources in full; no page says that ICE truncates one",
        check=_mix_as_long_as_sources,
    ),
)
