"""FLAC: rates, bits, channels, large metadata, tags around it, and its last frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicloud_local.media.files import media_file
from support.media_checks import agrees_with_ffprobe, not_truncated, zeroed
from support.media_files import made, probed

NOISE = "anoisesrc=seed=7:d=2:r=44100:a=0.5"


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """FLAC of 250 KB, larger than all that is read of it."""
    return made(tmp_path_factory.mktemp("flac") / "a.flac", "-f", "lavfi", "-i", NOISE).read_bytes()


def without_total(data: bytes) -> bytes:
    """Return a file whose header does not tell the number of samples."""
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


@pytest.mark.parametrize(
    "more",
    [
        ["-ac", "1"],
        ["-ac", "2", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
        ["-ac", "6", "-ar", "48000"],
        ["-ar", "8000"],
        ["-ar", "96000", "-metadata", "title=a song"],
        ["-frame_size", "1000"],
    ],
    ids=" ".join,
)
def test_a_file_of_ffmpeg(tmp_path: Path, more: list[str]) -> None:
    """GIVEN FLAC THEN rate, channels, bits and length are ffprobe's, and every cut is detected."""
    path = made(tmp_path / "a.flac", "-f", "lavfi", "-i", NOISE, *more)
    media = agrees_with_ffprobe(path)
    assert media.duration_seconds == 2.0
    assert media.bits in {16, 24}
    assert not_truncated(path.read_bytes(), "a.flac") == []


def test_silence_and_a_cut_within_the_last_frame(noise: bytes) -> None:
    """GIVEN a file that lacks its last bytes THEN the checksum of the last frame tells it."""
    found = probed(noise[:-100], "a.flac").defect
    assert found == ("truncated", "the checksum of the last frame is wrong")


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (b"", b"TAG" + bytes(125)),
        (b"ID3\x03\0\0\0\0\x02\0" + bytes(256), b""),
        (b"ID3\x03\0\0\0\x06\0\0" + bytes(6 << 14), b""),
        (b"", b"other bytes"),
        (b"", bytes(1000)),
    ],
)
def test_bytes_around_it(noise: bytes, front: bytes, behind: bytes) -> None:
    """GIVEN tags or other bytes around FLAC THEN it is whole, and its length is known."""
    found = probed(front + noise + behind, "a.flac")
    assert found.defect is None
    assert found.media
    assert (found.media.container, found.media.duration_seconds) == ("flac", 2.0)


def test_a_large_picture(noise: bytes) -> None:
    """GIVEN a picture of 100 KB among the metadata THEN the facts are known, and the end is looked at."""
    picture = b"\x06" + (100_000).to_bytes(3, "big") + bytes(range(250)) * 400
    data = noise[:42] + picture + noise[42:]
    assert probed(data, "a.flac").defect is None
    assert not_truncated(data, "a.flac") == []


def test_an_encoder_that_did_not_know_the_length(noise: bytes) -> None:
    """GIVEN no total in the header THEN the last frame tells the length, and nothing is truncated."""
    unknown = without_total(noise)
    for behind in (b"", b"other bytes", bytes(1000), b"TAG" + bytes(125)):
        found = probed(unknown + behind, "a.flac")
        assert found.defect is None
        assert found.media
        assert found.media.duration_seconds == 2.0


def test_cuts_of_a_file_whose_length_an_encoder_did_not_know(noise: bytes) -> None:
    """GIVEN no total in the header WHEN the file ends within a frame THEN its checksum tells it, else nothing does."""
    unknown = without_total(noise)
    cuts = [probed(unknown[:size], "a.flac").defect for size in range(150_000, len(noise), 997)]
    assert set(cuts) == {None, ("truncated", "the checksum of the last frame is wrong")}
    assert cuts.count(None) < len(cuts) / 6  # cuts within the header of a frame, and checksums that fit by chance
    assert probed(unknown[: noise.index(b"\xff\xf8") + 5000], "a.flac").defect is None


@pytest.mark.parametrize("start", [42, 9000, 240_000])
def test_zeros_in_place_of_frames(noise: bytes, start: int) -> None:
    """GIVEN zeros up to the end THEN the file is empty or truncated there."""
    found = probed(zeroed(noise, start), "a.flac").defect
    assert found
    assert found.code in {"empty", "truncated"}


def test_frames_of_several_sizes_in_the_old_way(noise: bytes) -> None:
    """GIVEN a header with two block sizes and frames that are counted THEN neither samples nor cuts are reported."""
    two_sizes = noise[:8] + b"\x10\x00\x12\x00" + noise[12:]
    assert probed(two_sizes, "a.flac").defect is None
    assert probed(two_sizes[:150_000], "a.flac").defect is None


def test_a_small_file_that_ends_within_its_first_frame() -> None:
    """GIVEN a file that is known as a whole, and ends before the head of its first frame does THEN it is truncated."""
    whole = media_file("a.flac")[0]
    first = whole.index(b"\xff\xf8")
    for end in (first + 1, first + 7):
        found = probed(whole[:end], "a.flac").defect
        assert found == ("truncated", f"the last {end - first} bytes of the audio contain no frame")
