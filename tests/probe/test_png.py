"""PNG: pictures of any size, with and without alpha, whole, cut, and with bytes after their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.media_checks import not_truncated, picture_agrees_with_ffprobe, zeroed
from support.media_files import made, probed

NOISE = ("-f", "lavfi", "-i", "nullsrc=s=512x384,geq=random(1)*255:128:128", "-frames:v", "1")


@pytest.mark.parametrize("pixels", ["rgb24", "rgba", "gray", "ya8", "rgb48be", "rgba64be", "monob"])
def test_a_picture(tmp_path: Path, pixels: str) -> None:
    """GIVEN a picture THEN its size and its alpha are known, and every cut is detected."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1")
    path = made(tmp_path / "a.png", *source, "-pix_fmt", pixels)
    media = picture_agrees_with_ffprobe(path)
    assert media.container == "png"
    assert media.has_alpha is pixels.startswith(("rgba", "ya"))
    assert not_truncated(path.read_bytes(), "a.png") == []


def test_an_animation(tmp_path: Path) -> None:
    """GIVEN an animated PNG THEN it is read as its first picture."""
    path = made(tmp_path / "a.apng", "-f", "lavfi", "-i", "testsrc2=size=64x48:d=1", "-f", "apng")
    assert picture_agrees_with_ffprobe(path).container == "png"


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Picture that is larger than all that is read of it."""
    return made(tmp_path_factory.mktemp("png") / "a.png", *NOISE).read_bytes()


def test_a_large_picture(noise: bytes) -> None:
    """GIVEN a large picture THEN its end is looked at; what follows the end chunk does not count."""
    assert len(noise) > 140_000
    assert probed(noise, "a.png").defect is None
    assert probed(noise + b"other bytes" * 100, "a.png").defect is None
    assert not_truncated(noise, "a.png") == []


def test_a_transparent_colour(noise: bytes) -> None:
    """GIVEN a colour that is named as transparent THEN the picture has alpha."""
    chunk = b"\0\0\0\6tRNS" + bytes(6) + bytes(4)
    media = probed(noise[:33] + chunk + noise[33:], "a.png").media
    assert media
    assert media.has_alpha is True


@pytest.mark.parametrize("start", [200, 100_000])
def test_zeros_in_place_of_the_picture(noise: bytes, start: int) -> None:
    """GIVEN zeros up to the end THEN the file is empty or truncated."""
    found = probed(zeroed(noise, start), "a.png").defect
    assert found
    assert found.code in {"empty", "truncated"}


def test_a_file_without_its_header(noise: bytes) -> None:
    """GIVEN the signature of PNG and something else after it THEN the type is wrong."""
    found = probed(noise[:8] + b"words and more words", "a.png")
    assert found.media is None
    assert found.defect == ("wrong_type", "expected png by the file extension; the content has no PNG header")
