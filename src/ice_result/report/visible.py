"""Values as text for people: without secrets, with hidden characters made visible, and with their units."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timezone

from ice_result.core.redaction import redact

_KEPT = "\n\t"
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1000


def visible(text: str) -> str:
    """Remove secrets, and escape the characters that nobody sees: control and direction characters, and the like.

    Every kind of space stays, and so do line ends.
    """
    shown = redact(text)  # documents of earlier versions may contain more secrets
    return shown if shown.isprintable() else "".join(map(_visible, shown))


def _visible(character: str) -> str:
    if character.isprintable() or character in _KEPT or unicodedata.category(character) == "Zs":
        return character
    return repr(character)[1:-1]


def cut(text: str, most: int) -> str:
    """Cut a text to at most this many characters, with an ellipsis at its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def utc(moment: datetime) -> str:
    """Format a time in UTC to the second: `2026-03-02 08:16:02 UTC`."""
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(' ', 'seconds')} UTC"


def size(count: int) -> str:
    """Format a number of bytes with three digits: `1.23 MB`, in steps of 1,000."""
    value, unit = float(count), 0
    while value >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{count} B" if not unit else f"{value:.3g} {_UNITS[unit]}"


def number(value: float) -> str:
    """Format a number with up to four digits behind the point, and commas between thousands."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def clock(seconds: float) -> str:
    """Format a position in a recording: `1:03.85`, or `1:02:03`."""
    hundredths = round(seconds * 100)
    whole, rest = divmod(hundredths, 100)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{hours}:{minute:02d}:{second:02d}{fraction}" if hours else f"{minute}:{second:02d}{fraction}"
