"""Zeros after the end that a format requires, and zeros that are the content of padding: neither is missing data."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.films import KEPT
from support.media_checks import zeroed
from support.media_files import probed
from support.paths import TESTS

FILES = TESTS / "probe" / "files"
ENDED = [
    *("pictures/plain.jpg", "pictures/grey.jpeg", "pictures/plain.png", "pictures/palette.png"),
    *("pictures/animation.apng", "pictures/animation.gif", "pictures/plain.webp", "pictures/lossless.webp"),
    *("pictures/animation.webp", "sound/sound.flac", "sound/bits24.flac", "sound/flac.oga", "sound/counted.mp3"),
    *("sound/plain.mp3", "sound/layer2.mp2", "sound/sound.aac"),
    *("sound/vorbis.ogg", "sound/sound.opus", "sound/theora.ogv", "sound/stereo.wav"),
    *("film/behind.mp4", "film/in-front.mp4", "film/samples.mov", "film/sound.m4a", "film/fragments.mp4"),
    *("film/indexed.mp4", "film/vp8.webm", "film/film.mkv"),
]
LIVE = "film/live.webm"


def padded(path: str, count: int) -> bytes:
    """Return a file with so many zeros after its end."""
    return (FILES / path).read_bytes() + bytes(count)


@pytest.mark.parametrize("path", ENDED)
@pytest.mark.parametrize("count", [4096, 60_000])
def test_zeros_after_the_end(path: str, count: int) -> None:
    """GIVEN zeros after the end of a whole file WHEN it is read THEN it has no fault, and its facts are the same."""
    found = probed(padded(path, count), Path(path).name)

    assert found.defect is None
    assert found.media == probed(padded(path, 0), Path(path).name).media


@pytest.mark.parametrize("path", [path for path in ENDED if not path.endswith((".wav", ".mov", "indexed.mp4"))])
def test_zeros_in_place_of_the_end(path: str) -> None:
    """GIVEN the same file with zeros from half of it on, and more after it WHEN it is read THEN that is a fault."""
    data = padded(path, 4096)

    found = probed(zeroed(data, (len(data) - 4096) // 2 - 7), Path(path).name).defect  # not where a frame ends

    assert found
    assert found.code in {"empty", "truncated"}


@pytest.mark.parametrize("path", ["sound/plain.mp3", "sound/layer2.mp2", "sound/sound.aac"])
def test_frames_that_no_header_counts(path: str) -> None:
    """GIVEN zeros that begin within a frame WHEN the file is read THEN they are in place of data."""
    data = padded(path, 5000)
    found = probed(zeroed(data, len(data) - 5040), path).defect

    assert found
    assert found.code == "empty"


@pytest.mark.parametrize("kind", [b"free", b"skip"])
@pytest.mark.parametrize("name", ["behind.mp4", "in-front.mp4", "fragments.mp4", "samples.mov"])
@pytest.mark.parametrize("count", [5000, 90_000])
def test_a_box_of_zeros(kind: bytes, name: str, count: int) -> None:
    """GIVEN a box for padding at the end, whose content is zeros WHEN the file is read THEN it has no fault."""
    box = (8 + count).to_bytes(4, "big") + kind + bytes(count)

    assert probed((KEPT / name).read_bytes() + box, name).defect is None


def test_fragments_with_a_large_box_of_zeros() -> None:
    """GIVEN fragments that are larger than the first part, and padding at the end THEN nothing is missing."""
    data = (KEPT / "fragments.mp4").read_bytes()
    start = data.index(b"moof") - 4
    end = data.index(b"mfra") - 4 if b"mfra" in data else len(data)
    large = data[:start] + data[start:end] * 20

    assert len(large) > 100_000
    assert probed(large + (40_000).to_bytes(4, "big") + b"free" + bytes(39_992), "a.mp4").defect is None
    assert probed(large + bytes(40_000), "a.mp4").defect


@pytest.mark.parametrize("count", [5000, 40_000])
def test_an_element_of_zeros(count: int) -> None:
    """GIVEN an element for padding at the end of a recording WHEN it is read THEN it has no fault."""
    void = b"\xec\x01" + count.to_bytes(7, "big") + bytes(count)

    assert probed(padded(LIVE, 0) + void, "a.webm").defect is None
    assert probed(padded(LIVE, count), "a.webm").defect


def test_silence_at_the_end_of_audio_in_quicktime() -> None:
    """GIVEN samples without compression that end in zeros, after the movie box THEN that is silence, and no fault."""
    data = (KEPT / "samples.mov").read_bytes()
    mdat = data.index(b"mdat")
    end = mdat - 4 + int.from_bytes(data[mdat - 4 : mdat], "big")

    assert probed(zeroed(data, mdat + 1000, end), "a.mov").defect is None
