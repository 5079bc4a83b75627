"""Output of the commands: lines, tables, and summaries of a job."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from types import TracebackType

import click
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typing_extensions import Self

from ice_result.core.json_text import dump
from ice_result.core.redaction import redact
from ice_result.errors import IceResultError
from ice_result.processing.batch import JobOutcome
from ice_result.records.model import Manifest, Record

_COLOURS = {"recorded": "yellow", "ignored": "dim", "parked": "yellow", "failed": "red"}


class OutcomePrinter:
    """Printer of outcomes: results on standard output, progress and the summary on standard error."""

    def __init__(self, *, total: int | None, as_json: bool, nothing: str = "nothing to do") -> None:
        """`total` is the number of events, or None when it is not known; `nothing` sums up a run without any."""
        self._nothing = nothing
        self._as_json = as_json
        self._counts: Counter[str] = Counter()
        self._complete: Counter[str] = Counter()
        self._worked_on = 0
        self._started = time.monotonic()
        self._err = Console(file=sys.stderr, highlight=False, markup=False)
        self._progress = Progress(
            TextColumn("jobs"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # else results would go to the terminal in place of their file
            disable=not self._err.is_terminal,
        )
        self._task = self._progress.add_task("jobs", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if not self._as_json and (kind is None or issubclass(kind, (IceResultError, KeyboardInterrupt))):
            seconds = time.monotonic() - self._started
            names = sorted(self._counts, key=lambda name: (name in self._complete, name))
            counts = ", ".join(map(self._counted, names)) or self._nothing
            rate = f", {self._worked_on / seconds:.1f} a second" if self._worked_on > 1 else ""
            self._err.print(f"{counts}{',' if self._complete else ''} in {seconds:.1f} s{rate}")

    def _counted(self, name: str) -> str:
        """Format a count: `14 recorded: 13 complete, 1 not`, or only the number."""
        number, complete = self._counts[name], self._complete.get(name)
        if complete is None:
            return f"{number} {name}"
        rest = f", {number - complete} not" if complete < number else ""
        return f"{number} {name}: {complete} complete{rest}"

    def skip(self, name: str) -> None:
        """Count one event under this name that took no work."""
        self._counts[name] += 1
        self._progress.advance(self._task)

    def add(self, name: str, count: int, *, complete: int | None = None) -> None:
        """Count events under a name. `complete` is the number of complete ones, when that is counted."""
        self._counts[name] += count
        if complete is not None:
            self._complete[name] += complete
        self._worked_on += count
        self._progress.advance(self._task, count)

    def count(self, outcome: JobOutcome) -> None:
        """Count one event under its outcome."""
        self.add(outcome.outcome, 1, complete=None if outcome.complete is None else int(outcome.complete))

    def print_error(self, line: str) -> None:
        """Print an error above the progress bar."""
        self._err.print(Text(f"ice-result: {printable(line)}"), soft_wrap=True)

    def show(self, outcome: JobOutcome) -> None:
        """Print the outcome of one job, without counting it."""
        if self._as_json:
            write_line(dump(outcome._asdict()))
        else:
            colour = "green" if outcome.complete else _COLOURS[outcome.outcome]
            parts = (outcome.function_name, outcome.state, outcome.record)
            print_line(f"{outcome.outcome:<9}", colour, outcome.job_id or "-", *parts, note=outcome.reason)


def print_line(status: str, colour: str, name: str, *parts: str | None, note: str | None = None) -> None:
    """Print one line: the status and the name in colour, the parts that are known, and a note in parentheses."""
    line = Text(f"{status} ", style=colour).append(printable(name), style="bold")
    for part in parts:
        if part:
            line.append(f"  {printable(part)}", style="default")
    if note:
        line.append(f"  ({printable(note)})", style="default")
    standard_output().print(line, soft_wrap=True)


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


def cut(text: str, most: int) -> str:
    """Cut a text to at most this many characters, with an ellipsis at its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


_NOTHING = (None, "")
_INDENT = (0, 0, 0, 2)
_UNLIMITED_WIDTH = 100_000  # in a file or a pipe, no line is wrapped or cut


def print_error(line: str) -> None:
    """Print an error on standard error, without secrets and control characters."""
    click.echo(f"ice-result: {printable(line)}", err=True)


def standard_output() -> Console:
    """Make a console for standard output."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNLIMITED_WIDTH
    return console


def table(rows: list[dict[str, object]]) -> Table:
    """Lay out one or more rows with the same columns. A column without known values is left out.

    A value that is too long for the terminal continues in the next line.
    """
    shown = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    names = [name for name in rows[0] if any(row[name] not in _NOTHING for row in rows)]
    for name in names:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*(readable(row[name]) for name in names))
    return shown


def name_value_table(known: Mapping[str, object]) -> Table:
    """Lay out one line for each name and value. An unknown value is left out."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column()
    shown.add_column(overflow="fold")
    for name, value in known.items():
        if value not in _NOTHING:
            shown.add_row(Text(name, style="dim"), readable(value))
    return shown


def indented(shown: Table) -> Padding:
    """Indent a table that follows a title."""
    return Padding(shown, _INDENT, expand=False)


def readable(value: object) -> Text:
    """Convert a value for people: times in UTC, yes and no, and a dash for an unknown value."""
    match value:
        case None | "":
            return Text("-", style="dim")
        case bool():
            return Text("yes" if value else "no", style="green" if value else "red")
        case datetime():
            return Text(f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%SZ}")
        case float():
            return Text(f"{value:.6g}")
        case _:
            return Text(printable(str(value)))


def result_summary(record: Record) -> str:
    """Sum up the result of a job in one line: `2 covers, best at 28.3 s`, or the reason why there is none."""
    if record.outcome != "ok":
        return record.outcome.replace("_", " ")
    return record.result.one_line() or f"{record.file_count} file{'' if record.file_count == 1 else 's'}"


def files_summary(manifest: Manifest) -> str:
    """Count the files that exist: `2/2`, or `-` for a job without files."""
    seen = sum(file.exists is True for file in manifest.files)
    return f"{seen}/{len(manifest.files)}" if manifest.files else "-"
