"""Spans of time as people write them: 90s, 30m, 2h, 7d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str) -> timedelta | None:
    """The span, or None for what is none."""
    span = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None
