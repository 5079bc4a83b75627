"""Formats of values in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ice_result.records.model import ObjectFacts


def seconds(value: float) -> str:
    """Return `5.28 s`, to the millisecond."""
    return f"{f'{value:.3f}'.rstrip('0').rstrip('.')} s"


def width_and_height(facts: ObjectFacts) -> str:
    """Return `720 × 576`, and the aspect ratio of the pixels unless they are square; empty for a file without media."""
    if facts.media is None:
        return ""
    size = f"{facts.media.width} × {facts.media.height}"
    return f"{size} (pixel aspect ratio {facts.pixel_aspect:.3f})" if (facts.pixel_aspect or 1) != 1 else size
