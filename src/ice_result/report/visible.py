"""Values as text for people: without secrets, with hidden characters made visible, and with their units."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache

from ice_result.core.redaction import redact

_MAYBE_HIDDEN = re.compile(r"[^\n\t -~]")
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1000
_MOST_BYTES = 999 * 10**15
_MOST_SECONDS = 1e9
_MOST_KNOWN = 1e15
_LONGEST_REPEATED = 200
"""Characters of texts that are remembered: names, units and headings stand on every page."""


def visible(text: str) -> str:
    """Remove secrets, and escape the characters that nobody sees: control and direction characters, and the like.

    Every kind of space stays, and so do line ends.
    """
    return _visible(text) if len(text) > _LONGEST_REPEATED else _visible_repeated(text)


def characters_visible(text: str) -> str:
    """Escape the characters that nobody sees in a text that has no secrets."""
    return text if text.isprintable() else _MAYBE_HIDDEN.sub(_escaped, text)


def _visible(text: str) -> str:
    return characters_visible(redact(text))  # documents of earlier versions may contain more secrets


_visible_repeated = lru_cache(maxsize=4096)(_visible)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    is_seen = character.isprintable() or unicodedata.category(character) == "Zs"
    return character if is_seen else repr(character)[1:-1]


def cut(text: str, most: int) -> str:
    """Cut a text to at most this many characters, with an ellipsis at its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def utc(moment: datetime) -> str:
    """Format a time in UTC to the second: `2026-03-02 08:16:02 UTC`."""
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(' ', 'seconds')} UTC"


def size(count: int) -> str:
    """Format a number of bytes with three digits: `1.23 MB`, in steps of 1,000; an absurd one with an exponent."""
    if count >= _MOST_BYTES:
        return f"{Decimal(count):.2e} B"
    value, unit = float(count), 0
    while value >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{count} B" if not unit else f"{value:.3g} {_UNITS[unit]}"


def number(value: float) -> str:
    """Format a number with up to four digits behind the point, and commas between thousands.

    A whole number has all its digits. A float whose digits before the point are not all known has an exponent.
    """
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= _MOST_KNOWN:
        return f"{value:.4g}".replace("inf", "∞")
    shown = f"{round(value, 4) + 0.0:,.4f}"  # the sum has no negative zero
    return shown.rstrip("0").rstrip(".")


def clock(seconds: float) -> str:
    """Format a position in a recording: `1:03.85`, or `1:02:03`. One beyond any recording is in seconds: `1e+308 s`."""
    if abs(seconds) >= _MOST_SECONDS:
        return f"{seconds:.4g} s"
    hundredths = round(abs(seconds) * 100)
    sign = "-" if seconds < 0 and hundredths else ""
    whole, rest = divmod(hundredths, 100)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{sign}{hours}:{minute:02d}:{second:02d}{fraction}" if hours else f"{sign}{minute}:{second:02d}{fraction}"
