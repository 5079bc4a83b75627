"""JPEG: sizes, thumbnails, large metadata, bytes after the end, and cuts."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from PIL import Image

from support.media_checks import not_truncated, picture_agrees_with_ffprobe, zeroed
from support.media_files import made, probed

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


def jpeg(
    width: int = 320, height: int = 240, options: Mapping[str, object] = NO_OPTIONS, *, noise: bool = True
) -> bytes:
    """Return a picture, of noise or of one grey."""
    picture = Image.effect_noise((width, height), 90) if noise else Image.new("L", (width, height), 128)
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj444p", "gray"])
def test_a_picture_of_ffmpeg(tmp_path: Path, pixels: str) -> None:
    """GIVEN a picture THEN its size is ffprobe's, and every cut is detected."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=322x182", "-frames:v", "1")
    path = made(tmp_path / "a.jpg", *source, "-pix_fmt", pixels)
    media = picture_agrees_with_ffprobe(path)
    assert (media.container, media.has_alpha) == ("jpeg", False)
    assert not_truncated(path.read_bytes(), "a.jpg") == []


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "quality": 95}])
def test_a_picture_of_pillow(options: dict[str, object]) -> None:
    """GIVEN a picture of any kind, longer than what is read THEN its size is known and every cut is detected."""
    data = jpeg(900, 700, options)
    assert len(data) > 140_000
    found = probed(data, "a.jpeg")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == (900, 700)
    assert not_truncated(data, "a.jpeg") == []


def test_a_thumbnail_is_not_the_picture() -> None:
    """GIVEN a whole picture within EXIF THEN the size is the outer one, and its end marker is not taken for the end."""
    data = jpeg()
    data = data[:2] + segment(0xE1, b"Exif\0\0" + jpeg(160, 120)) + data[2:]
    found = probed(data, "a.jpg")
    assert found.media
    assert (found.media.width, found.media.height) == (320, 240)
    assert found.defect is None
    assert not_truncated(data, "a.jpg") == []


def test_metadata_larger_than_the_first_part() -> None:
    """GIVEN profiles of 90 KB before the header THEN the second read finds it."""
    data = jpeg()
    large = b"".join(segment(0xE2, bytes([number]) * 30_000) for number in range(1, 4))
    found = probed(data[:2] + large + data[2:], "a.jpg")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == (320, 240)


@pytest.mark.parametrize("behind", [b"other bytes", bytes(300), b"\0\0\0\x18ftypmp42" + b"\xff\x01\x02" * 30_000])
def test_bytes_behind_the_end(behind: bytes) -> None:
    """GIVEN padding, or a video as phones append it THEN the picture is whole."""
    assert probed(jpeg() + behind, "a.jpg").defect is None


def test_bytes_between_segments() -> None:
    """GIVEN bytes that are no marker, which decoders pass by THEN the picture is read."""
    data = jpeg()
    found = probed(data[:2] + b"\xff\xff\xff" + data[3:20] + b"\0words" + data[20:], "a.jpg")
    assert found.media
    assert (found.media.width, found.defect) == (320, None)


def test_a_picture_of_one_grey_is_no_zeros() -> None:
    """GIVEN a picture whose data an encoder made zeros THEN it is whole; the same zeros in a small one are not."""
    plain = jpeg(2000, 2000, {"optimize": True, "quality": 50}, noise=False)
    assert probed(plain, "a.jpg").defect is None
    data = jpeg(200, 200)
    scan = data.index(b"\xff\xda") + 14
    found = probed(zeroed(data, scan, len(data) - 2), "a.jpg").defect
    assert found
    assert found.code == "empty"


def test_nothing_but_a_marker() -> None:
    """GIVEN the first marker and zeros THEN the file is empty."""
    found = probed(b"\xff\xd8\xff" + bytes(5000), "a.jpg").defect
    assert found
    assert found.code == "empty"
