"""Captions: the cues of a SubRip file (SRT), however it was written.

    1                                       the number, which is not read
    00:00:01,500 --> 00:00:03,000           the times; hours may be missing, and `.` may stand for `,`
    the first line                          the text, up to the line before the next times
    the second line

The reader is ours. pysubs2 [measured, 1.8] takes 50 ms to import, keeps cues without text, passes over times without
hours, and reads one encoding that the caller must know: too little is gained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ice_result.contents.items import Items, TimedText, UnreadableError, arranged
from ice_result.errors import shorten

_CLOCK = r"(?:([0-9]{1,4}):)?([0-9]{1,4}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?"
_TIMES = re.compile(rf"[ \t\u3000\ufeff]*{_CLOCK}[ \t]*-{{1,2}}>[ \t]*{_CLOCK}(?![0-9:])")
_NUMBER = re.compile(r"[ \t\ufeff]*[0-9]{1,9}[ \t]*\Z")
_NOT_SHOWN = dict.fromkeys([*range(9), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0), 0xFEFF])
"""Control characters that are neither blanks nor ends of lines, and byte order marks within a text."""


def read_cues(text: str) -> Items:
    """Read all cues, sorted. Cues without a text are dropped and counted. Raises UnreadableError for another text.

    A file with only whitespace has no cues [inferred].
    """
    lines = text.translate(_NOT_SHOWN).splitlines()
    found = [(number, times) for number, line in enumerate(lines) if "->" in line and (times := _TIMES.match(line))]
    if not found:
        shown = next((line.strip() for line in lines if line.strip()), None)
        if shown is None:
            return arranged(())
        expected = "expected times such as 00:00:01,000 --> 00:00:02,000"
        raise UnreadableError(f"no cue in the text, which begins with {shorten(shown)[:80]!r}; {expected}")
    first = found[0][0]
    is_numbered = first > 0 and _NUMBER.match(lines[first - 1]) is not None
    cues, empty = list[TimedText](), 0
    starts = [number for number, _ in found]
    for (line, following), (_, times) in zip(pairwise([*starts, len(lines)]), found, strict=True):
        words = "\n".join(_words(lines[line + 1 : following], is_numbered=is_numbered and following < len(lines)))
        if not words:
            empty += 1
            continue
        hours, minutes, seconds, rest, *end = times.groups()
        cues.append(TimedText(_seconds(hours, minutes, seconds, rest), _seconds(*end), words))
    before = sum(1 for line in lines[: first - is_numbered] if line.strip())
    return arranged(cues, empty=empty, skipped=before)


def _words(lines: Sequence[str], *, is_numbered: bool) -> Iterator[str]:
    """Yield the lines of a text that are not blank, without the number of the next cue."""
    last = len(lines) - 1
    for number, line in enumerate(lines):
        if line.strip() and not (is_numbered and number == last and _NUMBER.match(line)):
            yield line.strip()


def _seconds(hours: str | None, minutes: str | None, seconds: str | None, rest: str | None) -> float:
    """Return the seconds of a time, to the millisecond; `rest` is a decimal fraction, so `,5` is half a second."""
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return round(whole + float(f"0.{rest or 0}"), 3)
