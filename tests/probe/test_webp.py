"""WebP: lossy, lossless, extended and animated; the length in the header shows a cut."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from PIL import Image

from support.media_checks import not_truncated, zeroed
from support.media_files import probed

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


def webp(
    mode: str = "RGB",
    options: Mapping[str, object] = NO_OPTIONS,
    *,
    frames: int = 1,
    size: tuple[int, int] = (321, 123),
) -> bytes:
    """Return a picture of noise, or an animation of several."""
    pictures = [Image.effect_noise(size, 90 + number).convert(mode) for number in range(frames)]
    if mode == "RGBA":
        pictures[0].putalpha(100)
    file = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:], "duration": 40} if frames > 1 else {}
    pictures[0].save(file, "WEBP", **more, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0" + b"some words" * 9}])
def test_a_picture(mode: str, options: dict[str, object]) -> None:
    """GIVEN a picture of any kind THEN its size and its alpha are known, and every cut is detected."""
    data = webp(mode, options)
    found = probed(data, "a.webp")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == (321, 123)
    assert found.media.has_alpha is (mode == "RGBA")
    assert not_truncated(data, "a.webp") == []
    assert probed(data + b"other bytes", "a.webp").defect is None


def test_an_animation() -> None:
    """GIVEN an animation that is known whole THEN its length and rate are reported; otherwise not."""
    found = probed(webp(frames=5, size=(64, 48)), "a.webp")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == (64, 48)
    assert (found.media.duration_seconds, found.media.fps) == (0.2, 25.0)
    large = webp("RGB", {"lossless": True}, frames=3, size=(400, 300))
    assert len(large) > 140_000
    media = probed(large, "a.webp").media
    assert media
    assert media.duration_seconds is None


@pytest.mark.parametrize("start", [12, 30, 5000])
def test_zeros_in_place_of_the_picture(start: int) -> None:
    """GIVEN zeros up to the end THEN the file is empty."""
    found = probed(zeroed(webp("RGB", {"quality": 90}), start), "a.webp").defect
    assert found
    assert found.code == "empty"


def test_the_smallest_picture() -> None:
    """GIVEN a picture of one colour, which takes eight bytes THEN it is whole."""
    data = b"RIFF\x14\0\0\0WEBPVP8L\x08\0\0\0/\x63\xc0\x18\0\x07\0\0"
    found = probed(data, "a.webp")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.height) == (100, 100)


def test_no_picture() -> None:
    """GIVEN a header and nothing after it THEN the file is empty."""
    found = probed(b"RIFF\x04\0\0\0WEBP", "a.webp").defect
    assert found == ("empty", "no picture follows the WebP header")


def test_an_unknown_first_chunk() -> None:
    """GIVEN a file of WebP that begins with another chunk THEN the type is wrong."""
    data = webp()
    found = probed(data[:12] + b"WORD" + data[16:], "a.webp").defect
    assert found
    assert found.code == "wrong_type"
