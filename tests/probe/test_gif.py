"""GIF: size, transparency, the length of short animations, and cuts."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.media_checks import not_truncated, picture_agrees_with_ffprobe, zeroed
from support.media_files import made, probed, told_by_ffprobe

HEAD = b"GIF89a\x04\0\x03\0\x80\0\0" + bytes(6)
TRAILER = b";"


def frame(delay: int | None = None, *, transparent: bool = False) -> bytes:
    """Return a frame of four pixels by three, shown for so many hundredths."""
    control = b"" if delay is None else b"!\xf9\4" + bytes([transparent]) + delay.to_bytes(2, "little") + b"\0\0"
    return control + b",\0\0\0\0\4\0\3\0\0\2\4\x84\x8f\x09\5\0"


@pytest.mark.parametrize("rate", [10, 25])
def test_an_animation_of_ffmpeg(tmp_path: Path, rate: int) -> None:
    """GIVEN an animation THEN size, length and rate are ffprobe's, and every cut is detected."""
    path = made(tmp_path / "a.gif", "-f", "lavfi", "-i", f"testsrc2=size=64x48:d=1.6:r={rate}")
    media = picture_agrees_with_ffprobe(path)
    form = told_by_ffprobe(path)["format"]
    assert isinstance(form, dict)
    assert media.duration_seconds == pytest.approx(float(str(form["duration"])), abs=1 / rate)
    assert media.fps == pytest.approx(rate, rel=0.02)
    assert not_truncated(path.read_bytes(), "a.gif") == []


def test_a_large_animation(tmp_path: Path) -> None:
    """GIVEN a file that is not known whole THEN length and rate are not told; a cut is."""
    source = "nullsrc=s=320x240:d=0.5,geq=random(1)*255:128:128"
    data = made(tmp_path / "a.gif", "-f", "lavfi", "-i", source).read_bytes()
    assert len(data) > 140_000
    found = probed(data, "a.gif")
    assert found.defect is None
    assert found.media
    assert (found.media.width, found.media.duration_seconds, found.media.fps) == (320, None, None)
    assert probed(data + b"other", "a.gif").defect is None
    assert not_truncated(data, "a.gif") == []
    zeros = probed(zeroed(data, 1000), "a.gif").defect
    assert zeros
    assert zeros.code == "empty"


@pytest.mark.parametrize(("first", "has_alpha"), [(True, True), (False, False)])
def test_transparency(first: bool, has_alpha: bool) -> None:
    """GIVEN a first frame with and without a transparent colour THEN that is the picture's alpha."""
    media = probed(HEAD + frame(5, transparent=first) + frame(5, transparent=not first) + TRAILER, "a.gif").media
    assert media
    assert media.has_alpha is has_alpha


def test_delays() -> None:
    """GIVEN a delay of zero, which players do not take as it is THEN it counts as ten hundredths, as in FFmpeg."""
    media = probed(HEAD + frame(0) + frame(30) + frame(20) + TRAILER, "a.gif").media
    assert media
    assert (media.duration_seconds, media.fps) == (0.6, 5.0)


def test_a_pause_at_the_end() -> None:
    """GIVEN a last frame that is shown for longer, before the first comes again THEN the rate is that of the others."""
    media = probed(HEAD + frame(4) * 4 + frame(100) + TRAILER, "a.gif").media
    assert media
    assert (media.duration_seconds, media.fps) == (1.16, 25.0)


def test_a_picture_without_motion() -> None:
    """GIVEN one frame THEN the picture has no length."""
    found = probed(HEAD + frame() + TRAILER + b"bytes behind", "a.gif")
    assert found.media
    assert found.defect is None
    assert found.media.duration_seconds is None


@pytest.mark.parametrize("comment", [b"", b"a", b"ab"])
def test_a_short_comment_at_the_end(comment: bytes) -> None:
    """GIVEN an extension of a few bytes before the end mark THEN the picture is whole."""
    extension = b"!\xfe" + (bytes([len(comment)]) + comment if comment else b"") + b"\0"
    assert probed(HEAD + frame(10) + extension + TRAILER, "a.gif").defect is None


def test_no_frame() -> None:
    """GIVEN a header and an end THEN the file is empty."""
    found = probed(HEAD + TRAILER, "a.gif").defect
    assert found
    assert found.code == "empty"
