"""Rules about the files of MusicDemix and AudioMixing."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.rules.formats import seconds
from ice_result.rules.inputs import known_sources, longest_source
from ice_result.rules.model import Case, Finding, Rule
from ice_result.rules.same import DURATION


def _stems_of_one_length(case: Case) -> Iterator[Finding]:
    first: float | None = None
    for file in case.files:
        length = file.media.duration_seconds if file.media else None
        if first is None or length is None:
            first = length if first is None else first
        elif not DURATION.allows(first, length):
            yield Finding(f"the file is {seconds(length)} long, and the first one {seconds(first)}", file.uri)


def _stems_of_one_rate(case: Case) -> Iterator[Finding]:
    first: int | None = None
    for file in case.files:
        rate = file.media.sample_rate_hz if file.media else None
        first = first or rate
        if rate and rate != first:
            yield Finding(f"the sample rate is {rate} Hz, and that of the first file {first} Hz", file.uri)


def _stems_with_sound(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.facts.is_silent:
            yield Finding("the file is silent: each sample that was read is zero", file.uri)


def _not_silenced(case: Case) -> Iterator[Finding]:
    """Find silence that was made of sound. Of a source whose samples cannot be read, nothing is known."""
    loud = next((uri for uri, facts in known_sources(case) if facts.is_silent is False), None)
    for file in case.files:
        if loud and file.facts.is_silent:
            yield Finding(f"the file is silent: each sample that was read is zero, and {loud} has sound", file.uri)


def _mix_as_long_as_sources(case: Case) -> Iterator[Finding]:
    longest = longest_source(case)
    for file in case.files:
        length = file.media.duration_seconds if file.media else None
        if longest and length is not None and not DURATION.allows_down_to(longest.seconds, length):
            message = f"the file is {seconds(length)} long, and its source {longest.uri} {seconds(longest.seconds)}"
            yield Finding(message, file.uri)


RULES = (
    Rule(
        name="stems_duration",
        functions=("MusicDemix",),
        requirement="The files are as long as one another.",
        needs=("files",),
        tolerance=DURATION,
        evidence="inferred",
        source="the files are parts of one recording",
        check=_stems_of_one_length,
    ),
    Rule(
        name="stems_sample_rate",
        functions=("MusicDemix",),
        requirement="The files have one sample rate.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="the files are parts of one recording",
        check=_stems_of_one_rate,
    ),
    Rule(
        name="stems_silent",
        functions=("MusicDemix",),
        requirement="No file is silent.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="a song has a voice and music; an instrumental piece has no voice",
        check=_stems_with_sound,
    ),
    Rule(
        name="audio_silent",
        functions=("SpeechDenoise", "AudioMixing"),
        requirement="The file is not silent, unless its input is.",
        needs=("files", "input", "sources"),
        tolerance=None,
        evidence="inferred",
        source="speech and music remain; a recording of noise alone may become silent",
        check=_not_silenced,
    ),
    Rule(
        name="mix_duration",
        functions=("AudioMixing",),
        requirement="The file is not shorter than its longest source.",
        needs=("files", "input", "sources"),
        tolerance=DURATION,
        evidence="inferred",
        source="a mix has all of its sources; no page requirement that ICE cuts one",
        check=_mix_as_long_as_sources,
    ),
)
