"""PNG: pictures of any size, with and without alpha, whole and cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.media_files import made, probed


@pytest.mark.parametrize("pixels", ["rgb24", "rgba"])
def test_a_picture(tmp_path: Path, pixels: str) -> None:
    """GIVEN a picture THEN its size and its alpha are known, and a cut one is truncated."""
    path = made(tmp_path / "a.png", "-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1", "-pix_fmt", pixels)
    data = path.read_bytes()
    found = probed(data, "a.png")
    assert found.defect is None
    assert found.media
    assert (found.media.container, found.media.width, found.media.height) == ("png", 320, 180)
    assert found.media.has_alpha is (pixels == "rgba")
    cut = probed(data[: len(data) // 2], "a.png").defect
    assert cut
    assert cut.code == "truncated"
