"""Small files of each container, which FFmpeg made: the facts of each are known without it. See tests/probe/files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ice_result.probe import PartialFile, probe
from ice_result.probe.model import ReadPart
from support.media_checks import not_truncated
from support.media_files import partial, probed
from support.memory import with_peak_of_memory
from support.paths import TESTS

FILES = TESTS / "probe" / "files"
KNOWN = sorted(path for name in ("sound", "pictures") for path in (FILES / name).iterdir() if path.suffix[1:] in {
    "wav", "mp3", "mp2", "aac", "flac", "opus", "ogg", "oga", "ogv", "png", "apng", "jpg", "jpeg", "gif", "webp",
})  # fmt: skip
READ_BYTES = 65_536 + 64_000
BETWEEN_FRAMES = {"layer2.mp2": [2, 4, 6, 8, 10, 12, 14], "plain.mp3": [8], "sound.aac": [6]}
"""Sixteenths at which a cut is between two frames of a file without a header that counts them: nothing tells it."""


def cut_short(data: bytes, length: int) -> ReadPart:
    """Return a way to read a file that gives at most so many bytes."""
    return lambda start, end: data[start:end][:length]


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_the_facts_of_a_file(path: Path) -> None:
    """GIVEN a file THEN its facts are those that are written beside it, and it has no fault."""
    expected = json.loads((path.parent / "facts.json").read_text())[path.name]
    found = probed(path.read_bytes(), path.name)
    assert found.defect is None
    assert found.is_silent is expected.pop("is_silent", None)
    assert found.media
    assert found.media.model_dump(exclude_none=True) == expected


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_every_cut(path: Path) -> None:
    """GIVEN a file that is cut at a sixteenth THEN it is truncated, except where nothing can tell it."""
    assert not_truncated(path.read_bytes(), path.name) == BETWEEN_FRAMES.get(path.name, [])


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_parts_that_cannot_be_had(path: Path) -> None:
    """GIVEN fewer bytes than were asked for THEN no fault is made up, and a fact is the file's or not known."""
    data = path.read_bytes()
    whole = probed(data, path.name).media
    assert whole
    for first in (100, 300, 1000):
        for second in (0, 10, 100):
            found = probe(path.name, PartialFile(len(data), data[:first], cut_short(data, second)))
            assert found.defect is None
            facts = found.media.model_dump(exclude_none=True) if found.media else {}
            assert facts.items() <= whole.model_dump().items()


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_memory(path: Path) -> None:
    """GIVEN a file of 300 KB that begins like this one THEN no more than twice the bytes that are read is taken."""
    data = path.read_bytes()
    for large in (data + bytes(300_000), (data * (300_000 // len(data) + 1)), data[:2000] + b"\xff\xf8" * 150_000):
        file = partial(large)
        probed(large[:100], path.name)  # imports the reader
        _, peak = with_peak_of_memory(lambda file=file: probe(path.name, file))  # type: ignore[misc]
        assert peak <= 2 * READ_BYTES
