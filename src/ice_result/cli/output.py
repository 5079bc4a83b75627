"""Texts and lines of the commands: for people on both streams, and JSON lines for programs on standard output."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timezone

from rich.console import Console
from rich.text import Text

from ice_result.core.redaction import redact
from ice_result.records.model import Manifest, Media, Record

_UNLIMITED_WIDTH = 100_000  # in a file or a pipe, no line is wrapped or cut
OUTCOME_COLOURS = {"ok": "green", "job_failed": "red", "false_success": "red"}
"""Colours of the outcomes of jobs; every other outcome is yellow."""


def standard_output() -> Console:
    """Make a console for standard output."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED_WIDTH
    return console


def standard_error() -> Console:
    """Make a console for standard error."""
    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def print_error(line: str) -> None:
    """Print an error on standard error, without secrets and control characters."""
    standard_error().print(Text(f"ice-result: {printable(line)}"), soft_wrap=True)


def print_note(line: str) -> None:
    """Print a line that is not an error, such as a count, on standard error."""
    standard_error().print(Text(printable(line)), soft_wrap=True)


def print_line(
    status: str, colour: str, name: str, *parts: str | None, note: str | None = None, console: Console | None = None
) -> None:
    """Print one line: the status and the name in colour, the parts that are known, and a note in parentheses."""
    line = Text(f"{status} ", style=colour).append(printable(name), style="bold")
    for part in parts:
        if part:
            line.append(f"  {printable(part)}", style="default")
    if note:
        line.append(f"  ({printable(note)})", style="default")
    (console or standard_output()).print(line, soft_wrap=True)


def write_line(json_text: str) -> None:
    """Write JSON as one line, without secrets, and flush it.

    Control characters, direction characters, and characters outside the encoding of the output become JSON escapes.
    """
    json_text, encoding = redact(json_text), sys.stdout.encoding or "utf-8"
    if not json_text.isprintable() or not _has(encoding, json_text):
        shown = (each if each.isprintable() and _has(encoding, each) else json.dumps(each)[1:-1] for each in json_text)
        json_text = "".join(shown)
    sys.stdout.write(f"{json_text}\n")
    sys.stdout.flush()


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Remove secrets, and escape control and direction characters, so that no name can rewrite the terminal."""
    shown = redact(text)  # documents of earlier versions may contain more secrets
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in shown)


_REQUEST_ID = re.compile(r": request id [^\s;]+")
_LONGEST_REASON = 200


def brief(reason: str) -> str:
    """Shorten a reason to what fits in a line: without ids of requests, and cut in the middle, where the address is.

    `--json`, the log and `parked show` have the whole text.
    """
    text = _REQUEST_ID.sub("", reason)
    if len(text) <= _LONGEST_REASON:
        return text
    begin = _LONGEST_REASON // 3
    return f"{text[:begin]}…{text[begin + 1 - _LONGEST_REASON :]}"


def counted(number: int, name: str) -> str:
    """Return a number and the noun that it counts: `1 job`, `2 jobs`."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def with_suspicious(reason: str | None, notes: int | None) -> str | None:
    """Add the number of suspicious notes, if there are any, to the reason why a job is not complete, if it has one."""
    suspicious = counted(notes, "suspicious note") if notes else None
    return "; ".join(filter(None, (reason, suspicious))) or None


def readable(value: object) -> Text:
    """Convert a value for people: times in UTC, yes and no, and a dash for an unknown value."""
    match value:
        case None | "":
            return Text("-", style="dim")
        case Text():
            return value
        case bool():
            return Text("yes" if value else "no", style="green" if value else "yellow")
        case datetime():
            return Text(f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%SZ}")
        case float():
            return Text(f"{value:.6g}")
        case _:
            return Text(printable(str(value)))


def outcome_text(outcome: str) -> Text:
    """Return the outcome of a job in its colour."""
    return Text(printable(outcome), style=OUTCOME_COLOURS.get(outcome, "yellow"))


def result_summary(record: Record) -> str:
    """Sum up the result of a job in one line: `2 covers, best at 28.3 s`, or the reason why there is none."""
    if record.outcome != "ok":
        return record.outcome.replace("_", " ")
    return record.result.one_line() or counted(record.file_count, "file")


def media_summary(media: Media | None) -> str | None:
    """Summarise the known facts of a file: `mp4, 12.5 s, h264 1920x1080 25 fps, aac 48000 Hz 2 ch`."""
    if media is None:
        return None
    audio = media.audio_codec, _with_unit(media.sample_rate_hz, "Hz"), _with_unit(media.channels, "ch")
    picture = (
        media.video_codec,
        f"{media.width}x{media.height}" if media.width is not None and media.height is not None else None,
        _with_unit(media.fps, "fps"),
        "alpha" if media.has_alpha else None,
    )
    groups = (
        (media.container,),
        (_with_unit(media.duration_seconds, "s"),),
        picture,
        (*audio, _with_unit(media.bits, "bit")),
    )
    return ", ".join(text for group in groups if (text := " ".join(filter(None, group))))


def _with_unit(value: float | None, unit: str) -> str | None:
    """Return a number in full; no integer is too large for it."""
    if value is None:
        return None
    return f"{value} {unit}" if isinstance(value, int) else f"{value:.10g} {unit}"


def files_summary(manifest: Manifest) -> str:
    """Count the files that exist: `2/2`, or `-` for a job without files."""
    seen = sum(file.exists is True for file in manifest.files)
    return f"{seen}/{len(manifest.files)}" if manifest.files else "-"
