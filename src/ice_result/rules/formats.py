"""Formats of values in messages."""

from __future__ import annotations


def seconds(value: float) -> str:
    """Return `5.28 s`, to the millisecond."""
    return f"{f'{value:.3f}'.rstrip('0').rstrip('.')} s"
