"""MPEG audio: with and without a header that counts, constant and variable rates, tags of every kind, and cuts."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from support.media_checks import agrees_with_ffprobe, not_truncated, zeroed
from support.media_files import made, probed

NOISE = ("-f", "lavfi", "-i", "anoisesrc=seed=7:d=5:r=44100:a=0.5")
FRAME = 1152 / 44_100
ID3V1 = b"TAG" + b"a song".ljust(125, b"\0")
APE = b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\0".ljust(32, b"\0")
LYRICS = b"LYRICSBEGIN" + b"words" * 9 + b"000056LYRICS200"


def id3v2(size: int, *, flags: int = 0) -> bytes:
    """Return a tag at the start with a picture of so many bytes, which have what looks like the start of a frame."""
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0" + bytes([flags]) + length + (b"\xff\xfb\x90\x44" * (size // 4 + 1))[:size]


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Audio at a constant rate, with no header that counts frames and without tags."""
    path = tmp_path_factory.mktemp("mp3") / "a.mp3"
    quiet = ("-write_xing", "0", "-id3v2_version", "0")
    return made(path, *NOISE, "-b:a", "320k", *quiet).read_bytes()


@pytest.mark.parametrize(
    "more",
    [
        ["-b:a", "320k"],
        ["-q:a", "0"],
        ["-q:a", "9", "-ac", "2"],
        ["-b:a", "320k", "-write_xing", "0"],
        ["-ar", "22050", "-b:a", "64k"],
        ["-ar", "8000", "-b:a", "16k", "-write_xing", "0"],
        ["-ar", "48000", "-ac", "2", "-joint_stereo", "0", "-metadata", "title=a song", "-write_id3v1", "1"],
        ["-c:a", "mp2", "-b:a", "384k", "-f", "mp2", "-t", "4.87"],
    ],
    ids=" ".join,
)
def test_a_file_of_ffmpeg(tmp_path: Path, more: list[str]) -> None:
    """GIVEN audio of any rate THEN codec, rate, channels and length are ffprobe's, and every cut is detected."""
    path = made(tmp_path / "a.mp3", *NOISE, *more)
    media = agrees_with_ffprobe(path, within=0.08)
    assert media.duration_seconds is not None
    assert 4.87 <= media.duration_seconds <= 5.2
    assert not_truncated(path.read_bytes(), "a.mp3") == []


def test_a_cut_between_frames(constant: bytes) -> None:
    """GIVEN no header that counts THEN a cut between two frames cannot be detected, and one within a frame can."""
    frame = 1044  # bytes of the first frame at 320,000 bits per second
    assert probed(constant[:frame] * 9, "a.mp3").defect is None
    cut = probed((constant[:frame] * 9)[:-1], "a.mp3").defect
    assert cut == ("truncated", f"the last frame ends at byte {9 * frame}; the audio ends at byte {9 * frame - 1}")


def test_a_variable_rate_without_a_header(tmp_path: Path) -> None:
    """GIVEN frames of several rates and no count THEN the length is known only of a file that is known whole."""
    arguments = ("-q:a", "0", "-write_xing", "0")
    long = made(
        tmp_path / "a.mp3", "-f", "lavfi", "-i", "anoisesrc=seed=7:d=8:a=0.5,volume=eval=frame:volume=t/8", *arguments
    )
    found = probed(long.read_bytes(), "a.mp3")
    assert found.media
    assert found.media.duration_seconds is None
    short = made(tmp_path / "b.mp3", *NOISE, "-t", "1", *arguments)
    found = probed(short.read_bytes(), "b.mp3")
    assert found.media
    assert found.media.duration_seconds == pytest.approx(1, abs=2.5 * FRAME)


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (id3v2(1000), b""),
        (id3v2(300) + id3v2(200), ID3V1),
        (id3v2(70_000), b""),
        (id3v2(900, flags=0x80), APE),
        (b"", APE + ID3V1),
        (b"APETAGEX\xd0\x07\0\0\x09\0\0\0" + bytes(16) + b"some word", b""),
        (b"", LYRICS + ID3V1),
        (id3v2(100) + bytes(300), b"any other bytes"),
    ],
)
def test_tags(constant: bytes, front: bytes, behind: bytes) -> None:
    """GIVEN tags at the start and the end THEN they are no part of the audio, and no sign of a cut."""
    found = probed(front + constant + behind, "a.mp3")
    assert found.defect is None
    assert found.media
    assert (found.media.audio_codec, found.media.sample_rate_hz, found.media.channels) == ("mp3", 44_100, 1)
    if len(front) < 65_536:
        assert found.media.duration_seconds == pytest.approx(5, abs=3 * FRAME)


def test_a_tag_that_is_larger_than_the_file() -> None:
    """GIVEN a file that ends within its tag THEN it is truncated."""
    found = probed(id3v2(90_000)[:80_000], "a.mp3").defect
    assert found
    assert found == ("truncated", "the tags before the audio need 90010 bytes; the file has 80000")


@pytest.mark.parametrize("start", [1000, 40_000, 150_000])
def test_zeros_in_place_of_frames(constant: bytes, start: int) -> None:
    """GIVEN a file whose rest is zeros THEN it is empty; a few zeros after the audio are padding."""
    found = probed(zeroed(constant, start), "a.mp3").defect
    assert found
    assert found.code == "empty"
    assert probed(constant + bytes(500), "a.mp3").defect is None


def test_a_gap_of_zeros(constant: bytes) -> None:
    """GIVEN zeros between frames THEN the file is empty there."""
    found = probed(zeroed(constant, 20_000, 30_000), "a.mp3").defect
    assert found
    assert found.code == "empty"


def test_a_false_frame() -> None:
    """GIVEN bytes that begin like one frame, with no second after it THEN they are not of the type that they claim."""
    found = probed(b"\xff\xfb\x90\x44" + b"words " * 500, "a.mp3")
    assert found.media is None
    assert found.defect
    assert found.defect.code == "wrong_type"


def test_a_vbri_header(constant: bytes) -> None:
    """GIVEN the count of Fraunhofer's encoders in the first frame THEN it tells the length and a cut."""
    header = b"VBRI\0\1\0\0\0\0" + (len(constant)).to_bytes(4, "big") + (200).to_bytes(4, "big")
    data = constant[:36] + header + constant[36 + len(header) :]
    found = probed(data, "a.mp3")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == pytest.approx(200 * FRAME, abs=1e-5)
    cut = probed(data[: len(data) // 2], "a.mp3").defect
    assert cut
    assert cut.message.startswith(f"the header declares {len(constant)} bytes of audio; the file has ")


@pytest.mark.parametrize(
    ("more", "seconds"), [(("-b:a", "128k"), 15), (("-q:a", "4"), None)], ids=["constant", "variable"]
)
def test_files_one_after_the_other(tmp_path: Path, more: tuple[str, ...], seconds: float | None) -> None:
    """GIVEN files with counts that are joined THEN the first count is not the duration, and a cut is seen."""
    one = made(tmp_path / "a.mp3", *NOISE, *more, "-id3v2_version", "0").read_bytes()
    found = probed(one * 3, "a.mp3")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds == (seconds and pytest.approx(seconds, abs=0.3))
    cut = probed((one * 3)[:-50], "a.mp3").defect
    assert cut
    assert cut.code == "truncated"


@pytest.mark.parametrize("behind", [ID3V1, APE], ids=["id3v1", "ape"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_frame_or_two_and_a_tag(number: int, behind: bytes) -> None:
    """GIVEN so few frames before a tag at the end THEN they are MPEG audio all the same."""
    frame = b"\xff\xfb\x90\x44".ljust(417, b"\x55")
    found = probed(frame * number + behind, "a.mp3")
    assert found.defect is None
    assert found.media
    assert (found.media.audio_codec, found.media.sample_rate_hz) == ("mp3", 44_100)
    assert found.media.duration_seconds == pytest.approx(number * FRAME, abs=1e-5)


def test_files_with_tags_one_after_the_other(tmp_path: Path) -> None:
    """GIVEN files with counts and tags that are joined THEN the count of the first is not the duration of all."""
    one = made(tmp_path / "a.mp3", *NOISE, "-b:a", "128k", "-metadata", "title=a song").read_bytes()
    found = probed(one * 3, "a.mp3")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds is None or found.media.duration_seconds > 14


@pytest.mark.parametrize("behind", [b"any other bytes" * 1400, id3v2(16_000).replace(b"\xff\xfb", b"\xff\x0b")])
def test_bytes_behind_the_audio_that_are_no_audio(tmp_path: Path, behind: bytes) -> None:
    """GIVEN counted frames and other bytes after them THEN the count is the duration."""
    one = made(tmp_path / "a.mp3", *NOISE, "-b:a", "128k", "-id3v2_version", "0").read_bytes()
    found, known = probed(one + behind, "a.mp3"), probed(one, "a.mp3")
    assert found.media == known.media
    assert known.media
    assert known.media.duration_seconds == pytest.approx(5, abs=3 * FRAME)


def test_a_tag_at_the_end_with_what_looks_like_a_frame(constant: bytes) -> None:
    """GIVEN a large tag in which the second part begins, and a false header in it THEN nothing is reported."""
    picture = bytearray(b"\x55" * 100_000)
    tag = b"APETAGEX" + struct.pack("<IIII8x", 2000, len(picture) + 32, 1, 0)
    place = len(picture) + 32 - 64_000 + 500
    picture[place : place + 4] = b"\xff\xfb\x90\x44"
    found = probed(constant + bytes(picture) + tag, "a.mp3")
    assert found.defect is None
    assert found.media
    assert found.media.duration_seconds is None


def test_an_impossible_tag_at_the_end() -> None:
    """GIVEN text, and a tag that declares more than the file THEN the type is wrong, and not the length."""
    tag = b"APETAGEX" + struct.pack("<IIII8x", 2000, 1 << 31, 1, 0)
    found = probed(b"words and \xff\xfb\x90\x44 more words " * 50 + tag, "a.mp3").defect
    assert found
    assert found.code == "wrong_type"
