r"""Captions: the cues of a SubRip file (SRT) or a WebVTT file, however it was written.

    1                                       the number, which is not read
    00:00:01,500 --> 00:00:03,000           the times; hours may be missing, and `.` may stand for `,`
    the first line                          the text, up to the line before the next times
    the second line

Of the markup, the text keeps `<i>`, `<b>` and `<u>`, which players of SRT and of WebVTT know. Fonts, colours, positions
(`{\an8}`) and the names of speakers are not what a viewer reads. Blocks of WebVTT that are no cues are passed over.

The reader is ours. pysubs2 [measured, 1.8] takes 50 ms to import, keeps cues without text, passes over times without
hours, and reads one encoding that the caller must know: too little is gained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, pairwise

from ice_result.contents.items import Items, TimedText, UnreadableError, arranged
from ice_result.contents.model import LONGEST_TEXT, MOST_ITEMS
from ice_result.errors import shorten

_CLOCK = r"(?:([0-9]{1,4}):)?([0-9]{1,4}):([0-9]{1,2})(?:[.,]([0-9]{1,9}))?"
_TIMES = re.compile(rf"[ \t\u3000\ufeff]*{_CLOCK}[ \t]*-{{1,2}}>[ \t]*{_CLOCK}(?![0-9:])")
_NUMBER = re.compile(r"[ \t\ufeff]*[0-9]{1,9}[ \t]*\Z")
_NOT_SHOWN = dict.fromkeys([*range(9), *range(0x0E, 0x1C), 0x1F, *range(0x7F, 0x85), *range(0x86, 0xA0), 0xFEFF])
"""Control characters that are neither blanks nor ends of lines, and byte order marks within a text."""

_ENDS_OF_LINES = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # beside those of every system
_WEBVTT = re.compile(r"WEBVTT(?:[ \t]|\Z)")
_MARKUP = re.compile(r"<(/?)([ibu])[ \t]*>|</?font\b[^<>\n]*>|\{\\[^{}\n]*\}", re.IGNORECASE)
_MARKUP_OF_WEBVTT = re.compile(
    r"<(/?)([ibu])(?:\.[^<>\n]*)?[ \t]*>|</?(?:c|v|lang|ruby|rt)(?:[ .\t][^<>\n]*)?>|<[0-9:.]+>", re.IGNORECASE
)
_MOST_PASSES = 4
_ESCAPES = {"&lt;": "<", "&gt;": ">", "&nbsp;": "\u00a0", "&lrm;": "", "&rlm;": "", "&amp;": "&"}
_ESCAPE = re.compile("|".join(_ESCAPES))
_LOOKED_AT = 1000  # characters of a line that may be long, of which a message shows the first
MOST_LINES = 400_000
"""Lines of one file, which take more memory than their text: twenty for each cue."""


def read_cues(text: str) -> Items:
    """Read all cues, sorted. Cues without a text are dropped and counted. Raises UnreadableError for another text.

    A file with only whitespace has no cues [inferred].
    """
    lines = _lines(text)
    cues = ((number, times) for number, line in enumerate(lines) if "->" in line and (times := _TIMES.match(line)))
    found = [*islice(cues, MOST_ITEMS)]
    if more := sum(1 for _ in cues):
        raise UnreadableError(f"{len(found) + more} items, at most {MOST_ITEMS} are read", "too_large")
    is_webvtt = bool(lines) and _WEBVTT.match(lines[0]) is not None
    if not found:
        shown = next((line.strip() for line in lines if line.strip()), None)
        if shown is None or is_webvtt:
            return arranged(())
        expected = "expected times such as 00:00:01,000 --> 00:00:02,000"
        raise UnreadableError(f"no cue in the text, which begins with {shorten(shown[:_LOOKED_AT])[:80]!r}; {expected}")
    first = found[0][0]
    is_numbered = first > 0 and _NUMBER.match(lines[first - 1]) is not None
    starts = [number for number, _ in found]
    texts = (lines[line + 1 : following] for line, following in pairwise([*starts, len(lines)]))
    if is_webvtt:
        words_of, before = _words_of_webvtt, 0
    else:
        words_of = partial(_words, is_numbered=is_numbered)
        before = sum(1 for line in lines[: first - is_numbered] if line.strip())
    timed, empty = list[TimedText](), 0
    for place, (of_cue, (_, times)) in enumerate(zip(texts, found, strict=True), start=1):
        words = words_of(of_cue, is_last=place == len(found))
        if not words:
            empty += 1
            continue
        hours, minutes, seconds, rest, *end = times.groups()
        timed.append(TimedText(_seconds(hours, minutes, seconds, rest), _seconds(*end), words))
    return arranged(timed, empty=empty, skipped=before)


def _lines(text: str) -> list[str]:
    number = max(text.count("\n"), text.count("\r")) + sum(map(text.count, _ENDS_OF_LINES))
    if number > MOST_LINES:
        raise UnreadableError(f"{number} lines, at most {MOST_LINES} are read", "too_large")
    return text.translate(_NOT_SHOWN).splitlines()


def _words(lines: Sequence[str], *, is_last: bool, is_numbered: bool) -> str:
    """Return the lines of a text that are not blank, without the number of the next cue."""
    if is_numbered and not is_last and lines and _NUMBER.match(lines[-1]):
        lines = lines[:-1]
    return _plain("\n".join(_not_blank(lines)), _MARKUP)


def _words_of_webvtt(lines: Sequence[str], *, is_last: bool) -> str:
    """Return the lines up to the first blank one: what follows is the identifier of the next cue, or a comment."""
    del is_last
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    words = _plain("\n".join(_not_blank(lines[:end])), _MARKUP_OF_WEBVTT)
    meant = [*_not_blank(_ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], words).split("\n"))]
    return _plain(words if _has_times(meant) else "\n".join(meant), _MARKUP)


def _not_blank(lines: Sequence[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip())


def _plain(words: str, markup: re.Pattern[str]) -> str:
    """Remove markup but for `<i>`, `<b>` and `<u>`. A text whose rest would be markup again stays whole."""
    if ("<" not in words and "{" not in words) or len(words) > LONGEST_TEXT:
        return words
    text = words
    for _ in range(_MOST_PASSES):
        before, text = text, markup.sub(_kept, text)
        if text == before:
            lines = [*_not_blank(text.split("\n"))]
            return words if _has_times(lines) else "\n".join(lines)
    return words


def _has_times(lines: Sequence[str]) -> bool:
    """Tell if a line would begin a cue of its own in the repaired file."""
    return any(map(_TIMES.match, lines))


def _kept(tag: re.Match[str]) -> str:
    return f"<{tag[1]}{tag[2].lower()}>" if tag[2] else ""


def _seconds(hours: str | None, minutes: str | None, seconds: str | None, rest: str | None) -> float:
    """Return the seconds of a time, to the millisecond; `rest` is a decimal fraction, so `,5` is half a second."""
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return round(whole + float(f"0.{rest or 0}"), 3)
