"""Rules about files that must differ. Two files are copies if size and checksum are equal."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.records.model import ObjectFacts
from ice_result.rules.inputs import known_input, known_sources
from ice_result.rules.model import Case, CheckedFile, Finding, Rule

_SHORTEST_CUE = 30  # bytes of `00:00:00,000 --> 00:00:01,000` and the end of its line


def _fingerprint(facts: ObjectFacts) -> tuple[str, int, str] | None:
    """Return the values that only copies share: size and CRC-64, or ETag if there is no CRC-64. None for no bytes."""
    if not facts.size_bytes:
        return None
    if facts.crc64 is not None:
        return "crc64", facts.size_bytes, facts.crc64
    return ("etag", facts.size_bytes, facts.etag) if facts.etag is not None else None


def _same_bytes(file: CheckedFile, other: str) -> Finding:
    return Finding(f"the file is a copy of {other} ({file.facts.size_bytes} bytes)", file.uri)


def _not_the_input(case: Case) -> Iterator[Finding]:
    source = known_input(case)
    fingerprint = _fingerprint(source) if source else None
    for file in case.files:
        if fingerprint and _fingerprint(file.facts) == fingerprint:
            yield _same_bytes(file, "the input")


def _no_source(case: Case) -> Iterator[Finding]:
    sources = {_fingerprint(facts): uri for uri, facts in known_sources(case)}
    for file in case.files:
        fingerprint = _fingerprint(file.facts)
        if fingerprint in sources and fingerprint:
            yield _same_bytes(file, f"the source {sources[fingerprint]}")


def _stems_differ(case: Case) -> Iterator[Finding]:
    """Find stems that are copies. Silent files can be the same: `stems_silent` finds them.

    A file that was not read may be silent.
    """
    first: dict[tuple[str, int, str], CheckedFile] = {}
    for file in case.files:
        fingerprint = _fingerprint(file.facts) if file.facts.is_read and not file.facts.is_silent else None
        if fingerprint and (other := first.setdefault(fingerprint, file)) is not file:
            yield _same_bytes(file, other.path)


def _languages_differ(case: Case) -> Iterator[Finding]:
    """Find captions that are copies. Files without a cue can be the same in both languages."""
    contents = {content.uri: content for content in case.contents}
    first: dict[tuple[str, int, str], CheckedFile] = {}
    for file in case.files:
        content = contents.get(file.uri or "")
        size = file.facts.size_bytes or 0
        if size < _SHORTEST_CUE or (content and not content.items):
            continue
        prints = [_fingerprint(file.facts), ("sha256", size, content.sha256) if content else None]
        others = [first.setdefault(each, file) for each in prints if each]
        other = next((each for each in others if each is not file), None)
        if other:
            yield _same_bytes(file, other.path)


RULES = (
    Rule(
        name="input_copy",
        functions=(
            *("VideoClip", "VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting"),
            *("SpeechDenoise", "MusicDemix"),
        ),
        requirement="No file is a copy of the input.",
        needs=("files", "input"),
        tolerance=None,
        evidence="inferred",
        source="the function makes a new file; its output when there is nothing to do is not documented",
        check=_not_the_input,
    ),
    Rule(
        name="mix_copy",
        functions=("AudioMixing",),
        requirement="The file is not a copy of one of its sources.",
        needs=("files", "input", "sources"),
        tolerance=None,
        evidence="inferred",
        source="the mix is a new file; the output when a source is silent is not documented",
        check=_no_source,
    ),
    Rule(
        name="stems_copy",
        functions=("MusicDemix",),
        requirement="No two files are the same.",
        needs=("files", "other_files"),
        tolerance=None,
        evidence="documented",
        source="Alibaba Cloud, overview of intelligent production: MusicDemix makes two separate files",
        check=_stems_differ,
    ),
    Rule(
        name="captions_copy",
        functions=("CaptionExtraction",),
        requirement="No two files with captions are the same.",
        needs=("files", "other_files", "contents"),
        tolerance=None,
        evidence="inferred",
        source="each file has one language; captions that contain only digits can be the same in both languages",
        check=_languages_differ,
    ),
)
