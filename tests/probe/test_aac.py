"""AAC in ADTS: rates and channels, the length of short files, and cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ice_result.probe import Probed
from ice_result.records.model import Media
from support.media_checks import agrees_with_ffprobe, not_truncated, zeroed
from support.media_files import made, probed


@pytest.mark.parametrize(("channels", "rate"), [(1, 44_100), (2, 48_000), (6, 48_000), (1, 16_000)])
def test_a_file_of_ffmpeg(tmp_path: Path, channels: int, rate: int) -> None:
    """GIVEN AAC THEN rate and channels are ffprobe's and the length is that of its frames; every cut is detected."""
    source = f"sine=d=2:r={rate}"
    path = made(tmp_path / "a.aac", "-f", "lavfi", "-i", source, "-ac", str(channels), "-ar", str(rate))
    media = agrees_with_ffprobe(path, within=0.3)  # ffprobe estimates
    assert media.duration_seconds == pytest.approx(2, abs=2.5 * 1024 / rate)
    assert not_truncated(path.read_bytes(), "a.aac") == []


def test_a_long_file(tmp_path: Path) -> None:
    """GIVEN a file that is not known whole THEN its length is not told; a cut and zeros at its end are."""
    path = made(tmp_path / "a.aac", "-f", "lavfi", "-i", "anoisesrc=seed=7:d=8:r=44100", "-b:a", "256k")
    data = path.read_bytes()
    assert len(data) > 140_000
    media = agrees_with_ffprobe(path)
    assert media.duration_seconds is None
    assert len(not_truncated(data, "a.aac")) <= 1  # a cut may be just between two frames, which nothing tells
    found = probed(zeroed(data, 1024), "a.aac").defect
    assert found
    assert found.code == "empty"


def test_aac_behind_a_tag(tmp_path: Path) -> None:
    """GIVEN an ID3 tag at the start THEN the audio after it is AAC all the same, also when the tag is large."""
    data = made(tmp_path / "a.aac", "-f", "lavfi", "-i", "sine=d=1:r=44100").read_bytes()
    for length in (b"\0\0\x01\x00", b"\0\x05\0\0"):
        size = length[1] << 14 | length[2] << 7
        found = probed(b"ID3\x04\0\0" + length + bytes(size) + data, "a.aac")
        assert found.defect is None
        assert found.media
        assert (found.media.container, found.media.sample_rate_hz) == ("aac", 44_100)
        assert probed(b"ID3\x04\0\0" + length + bytes(size + 50) + data, "a.aac") == found


def test_two_frames_and_a_tag(tmp_path: Path) -> None:
    """GIVEN two frames before a tag at the end THEN they are AAC all the same."""
    data = made(tmp_path / "a.aac", "-f", "lavfi", "-i", "sine=d=1:r=44100").read_bytes()
    second = data.index(data[:4], 4)
    third = data.index(data[:4], second + 4)
    found = probed(data[:third] + b"TAG".ljust(128, b"x"), "a.aac")
    assert found.defect is None
    assert found.media
    assert (found.media.container, found.media.sample_rate_hz) == ("aac", 44_100)


def test_the_older_form() -> None:
    """GIVEN AAC with one header at its start, as it once was stored THEN only that is reported."""
    assert probed(b"ADIF" + bytes(range(200)), "a.aac") == Probed(
        Media(container="aac", audio_codec="aac"), kinds=frozenset({"audio"})
    )


def test_what_is_no_aac() -> None:
    """GIVEN an extension that means AAC and other bytes THEN the type is wrong."""
    found = probed(b"words and more words " * 50, "a.aac").defect
    assert found
    assert found.code == "wrong_type"


@pytest.mark.parametrize("start", [20_000, 60_000])
def test_zeros_in_place_of_the_start(tmp_path: Path, start: int) -> None:
    """GIVEN zeros in place of the first frames THEN the file is not correct AAC."""
    path = made(tmp_path / "a.aac", "-f", "lavfi", "-i", "anoisesrc=seed=7:d=8:r=44100", "-b:a", "256k")
    assert probed(zeroed(path.read_bytes(), 0, start), "a.aac").defect
