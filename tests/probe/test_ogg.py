"""Ogg: each codec, long and short files, pages that are cut, and zeros."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fuzz_targets import TARGETS
from support.media_checks import agrees_with_ffprobe, not_truncated, zeroed
from support.media_files import made, probed, told_by_ffprobe

OPUS_FRAME = 0.02


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("a.opus", ["-c:a", "libopus"]),
        ("a.opus", ["-c:a", "libopus", "-ac", "6"]),
        ("a.ogg", ["-c:a", "libvorbis", "-ac", "2", "-metadata", "title=a song"]),
        ("a.oga", ["-c:a", "flac", "-sample_fmt", "s16"]),
        ("a.ogg", ["-c:a", "libspeex", "-ar", "16000"]),
    ],
)
def test_a_file_of_ffmpeg(tmp_path: Path, name: str, more: list[str]) -> None:
    """GIVEN audio in Ogg THEN codec, rate, channels and length are ffprobe's, and every cut is detected."""
    path = made(tmp_path / name, "-f", "lavfi", "-i", "sine=d=3.21:r=48000", *more)
    media = agrees_with_ffprobe(path, within=OPUS_FRAME)
    assert media.duration_seconds == pytest.approx(3.21, abs=OPUS_FRAME)
    assert not_truncated(path.read_bytes(), name) == []


def test_a_film(tmp_path: Path) -> None:
    """GIVEN Theora beside Vorbis THEN picture and audio are both known."""
    sources = ("-f", "lavfi", "-i", "testsrc2=s=160x90:d=2:r=25", "-f", "lavfi", "-i", "sine=d=2:r=44100")
    path = made(tmp_path / "a.ogv", *sources, "-c:v", "libtheora", "-c:a", "libvorbis")
    media = probed(path.read_bytes(), "a.ogv").media
    assert media
    assert (media.video_codec, media.width, media.height, media.fps) == ("theora", 160, 90, 25)
    assert (media.audio_codec, media.sample_rate_hz, media.channels) == ("vorbis", 44_100, 1)
    form = told_by_ffprobe(path)["format"]
    assert isinstance(form, dict)
    assert media.duration_seconds == pytest.approx(float(str(form["duration"])), abs=0.04)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Vorbis that is larger than all that is read of it."""
    path = tmp_path_factory.mktemp("ogg") / "a.ogg"
    return made(path, "-f", "lavfi", "-i", "anoisesrc=seed=7:d=6:r=44100", "-q:a", "10").read_bytes()


def test_a_long_file(noise: bytes) -> None:
    """GIVEN a long file THEN its last page tells the length, and every cut is detected."""
    assert len(noise) > 140_000
    found = probed(noise, "a.ogg")
    assert found.media
    assert found.media.duration_seconds == pytest.approx(6, abs=0.03)
    assert found.defect is None
    assert not_truncated(noise, "a.ogg") == []


def test_an_end_without_its_mark(noise: bytes) -> None:
    """GIVEN whole pages of which the last is not marked as the end, as recorders leave it THEN nothing is said."""
    last = noise.rindex(b"OggS")
    assert probed(noise[:last], "a.ogg").defect is None


@pytest.mark.parametrize("start", [4500, 50_000, 150_000])
def test_zeros_in_place_of_pages(noise: bytes, start: int) -> None:
    """GIVEN zeros up to the end THEN the file is empty or cut; a few after the last page are padding."""
    found = probed(zeroed(noise, start), "a.ogg").defect
    assert found
    assert found.code in {"empty", "truncated"}
    assert probed(noise + bytes(500), "a.ogg").defect is None


def test_zeros_between_pages(noise: bytes) -> None:
    """GIVEN zeros where a page should begin THEN the file is empty there."""
    last = noise.rindex(b"OggS")
    found = probed(noise[:last] + bytes(2000) + noise[last:], "a.ogg").defect
    assert found == ("empty", f"the file has zeros instead of data from byte {last}")


def test_an_unknown_codec() -> None:
    """GIVEN a stream of a codec that is not known THEN the container is all that is reported."""
    page = b"OggS\0\x06" + bytes(8) + b"\1\0\0\0" + bytes(8) + b"\1\x09" + b"SomeCodec"
    found = probed(page, "a.ogg")
    assert found.defect is None
    assert found.media
    assert found.media.model_dump(exclude_none=True) == {"container": "ogg"}


def test_a_first_page_that_is_none() -> None:
    """GIVEN a signature and no page of a stream THEN the type is wrong."""
    found = probed(b"OggS" + b"\1" * 100, "a.ogg").defect
    assert found
    assert found.code == "wrong_type"


def test_a_page_for_every_packet() -> None:
    """GIVEN hundreds of small pages at the end of a file THEN they take no more memory than any other file may."""
    serial = b"\xff" * 4
    first = b"OggS\0\2" + bytes(8) + serial + bytes(8) + b"\1\x13" + b"OpusHead\1\2" + bytes(9)
    pages = (b"OggS\0\0" + (2**40 + time).to_bytes(8, "little") + serial + bytes(8) + b"\1\x64" for time in range(469))
    data = first + b"".join(page + b"x" * 100 for page in pages)
    TARGETS["ogg"](b"\0\0" + len(first).to_bytes(2, "big") + data)


@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 30), (30, 2)])
def test_one_stream_after_another(tmp_path: Path, first: int, second: int) -> None:
    """GIVEN files that are joined, as RFC 3533 allows THEN the duration is not known, and a cut is seen."""
    parts = [
        made(
            tmp_path / f"{number}.ogg", "-f", "lavfi", "-i", f"anoisesrc=d={seconds}", "-c:a", "libvorbis"
        ).read_bytes()
        for number, seconds in enumerate((first, second))
    ]
    data = b"".join(parts)
    found = probed(data, "a.ogg")
    assert found.defect is None
    assert found.media
    assert found.media.audio_codec == "vorbis"
    assert found.media.duration_seconds is None
    if second < 30:  # else the first stream is too far from the end
        cut = probed(data[:-200], "a.ogg").defect
        assert cut
        assert cut.code == "truncated"


def test_the_same_stream_twice(tmp_path: Path) -> None:
    """GIVEN a file that is joined with itself, so that the streams have one number THEN the duration is not known."""
    one = made(tmp_path / "a.ogg", "-f", "lavfi", "-i", "anoisesrc=d=3", "-c:a", "libvorbis").read_bytes()
    found = probed(one + one, "a.ogg")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds is None
