"""Drawn pictures for the demo: a landscape for every name, each with its own sky, sun and hills."""

from __future__ import annotations

import hashlib
import io
import math
import random

from PIL import Image, ImageDraw

_SIZE = (640, 360)
_SKIES = (
    ((24, 40, 92), (246, 150, 90)),
    ((16, 92, 140), (236, 226, 190)),
    ((60, 28, 84), (244, 120, 120)),
    ((12, 60, 70), (250, 206, 130)),
    ((38, 44, 60), (150, 190, 214)),
)
_HILLS = 4
_NIGHT = (14, 22, 34)


def picture(name: str) -> bytes:
    """Draw a JPEG for this name. The same name gives the same picture."""
    dice = random.Random(hashlib.sha256(name.encode()).digest())  # noqa: S311  # nosec B311 # drawn, not guarded
    above, below = dice.choice(_SKIES)
    image = Image.new("RGB", _SIZE)
    draw = ImageDraw.Draw(image)
    width, height = _SIZE
    for y in range(height):
        draw.line([(0, y), (width, y)], fill=_between(above, below, y / height))
    x, y, radius = dice.randint(120, 520), dice.randint(70, 170), dice.randint(28, 54)
    for step in range(8, 0, -1):  # the glow around the sun
        draw.circle(
            (x, y), radius + step * 7, fill=_between(_between(above, below, y / height), (255, 240, 205), 0.5 / step)
        )
    draw.circle((x, y), radius, fill=(255, 246, 222))
    for hill in range(_HILLS):
        base, size = 190 + hill * 44, 46 - hill * 6
        first, second = dice.uniform(90, 200), dice.uniform(30, 70)
        shift = dice.uniform(0, 6)
        line = [
            (at, base + size * math.sin(at / first + shift) + size / 3 * math.sin(at / second + 2 * shift))
            for at in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *line, (width, height)], fill=_between(below, _NIGHT, 0.35 + hill * 0.2))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=82)
    return written.getvalue()


def _between(one: tuple[int, int, int], other: tuple[int, int, int], part: float) -> tuple[int, int, int]:
    """Mix two colours."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue
