"""The printer of jobs that are worked on: one line for each, a progress bar, and a summary.

One console has lines, errors and the bar, so that none overwrites another: that of standard output where this is a
terminal, else that of standard error. Up to 20 jobs have a line each; of more, only those that were not recorded, or
with `--verbose` all.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text
from typing_extensions import Self

from ice_result.cli.output import (
    OUTCOME_COLOURS,
    brief,
    print_line,
    print_note,
    printable,
    standard_error,
    standard_output,
    with_suspicious,
    write_line,
)
from ice_result.core.json_text import dump
from ice_result.errors import IceResultError
from ice_result.processing.batch import JobOutcome

MOST_LINES = 20
"""Number of jobs up to which each has a line."""
_COLOURS = {"recorded": "yellow", "ignored": "dim", "parked": "yellow", "failed": "red"}


class OutputForm(NamedTuple):
    """Form of the output, as the options say: JSON lines, nothing but errors, or a line for every job."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


def progress_bar(console: Console, form: OutputForm) -> Progress:
    """Make the bar of a number of jobs, which is gone at its end. Only a terminal that can redraw lines shows it."""
    return Progress(
        TextColumn("jobs"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=form.as_json and sys.stdout.isatty(),  # JSON lines are written to the stream itself
        redirect_stderr=standard_error().is_terminal,
        disable=form.quiet or not console.is_terminal or console.is_dumb_terminal,
    )


class JobPrinter:
    """Printer of jobs: results on standard output, progress, errors and the summary on standard error."""

    def __init__(self, form: OutputForm, *, total: int | None, if_nothing: str = "nothing to do") -> None:
        """`total` is the number of events, or None when it is not known. `if_nothing` is the summary of no event."""
        self._form = form
        self._total = total
        self._if_nothing = if_nothing
        self._counts: Counter[str] = Counter()
        self._complete: Counter[str] = Counter()
        self._suspicious: Counter[str] = Counter()
        self._worked_on = self._lines = self._hidden = 0
        self._started = time.monotonic()
        self._console = standard_output()
        self._error_console = standard_error()
        self._screen = self._console if self._console.is_terminal and not form.as_json else self._error_console
        self._progress = progress_bar(self._screen, form)
        self._task = self._progress.add_task("jobs", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._form.as_json or self._form.quiet:
            return
        is_error = kind is not None and issubclass(kind, IceResultError)
        if kind is None or issubclass(kind, KeyboardInterrupt) or (is_error and self._counts):
            print_note(self._summary(is_interrupted=kind is not None and issubclass(kind, KeyboardInterrupt)))

    def _summary(self, *, is_interrupted: bool) -> str:
        seconds = time.monotonic() - self._started
        names = sorted(self._counts, key=lambda name: (name in self._complete, name))
        counts = ", ".join(map(self._counted, names)) or ("no job ended" if is_interrupted else self._if_nothing)
        rate = f", {self._worked_on / seconds:.1f} per second" if seconds and self._worked_on > 1 else ""
        hidden = "; -v prints a line for each job" if self._hidden else ""
        return f"{counts}{',' if self._complete else ''} in {seconds:.1f} s{rate}{hidden}"

    def _counted(self, name: str) -> str:
        """Format a count: `14 recorded: 13 complete, 1 not complete, 2 suspicious`, or only the number."""
        number, complete = self._counts[name], self._complete.get(name)
        if complete is None:
            return f"{number} {name}"
        rest = f", {number - complete} not complete" if complete < number else ""
        suspicious = f", {self._suspicious[name]} suspicious" if self._suspicious[name] else ""
        return f"{number} {name}: {complete} complete{rest}{suspicious}"

    def skip(self, name: str) -> None:
        """Count one event under this name that took no work."""
        self._counts[name] += 1
        self._progress.advance(self._task)

    def add(self, name: str, count: int, *, complete: int | None = None, suspicious: int = 0) -> None:
        """Count events under a name. `complete` is the number of complete ones, when that is counted.

        `suspicious` is the number of jobs with notes of rules; these can be complete.
        """
        self._counts[name] += count
        if complete is not None:
            self._complete[name] += complete
        self._suspicious[name] += suspicious
        self._worked_on += count
        self._progress.advance(self._task, count)

    def count(self, outcome: JobOutcome) -> None:
        """Count one event under its outcome. A job that is recorded, and not notified, is no complete one."""
        complete = outcome.complete if outcome.outcome == "recorded" else None
        suspicious = int(bool(outcome.suspicious))
        self.add(outcome.outcome, 1, complete=None if complete is None else int(complete), suspicious=suspicious)

    def print_error(self, line: str) -> None:
        """Print an error above the progress bar."""
        console = self._screen if self._error_console.is_terminal else self._error_console
        console.print(Text(f"ice-result: {printable(line)}"), soft_wrap=True)

    def show(self, outcome: JobOutcome) -> None:
        """Print the outcome of one job, without counting it."""
        if self._form.as_json:
            write_line(dump(outcome._asdict()))
            return
        name, colour = outcome.job_id or "-", _colour(outcome)
        if self._form.quiet:
            if outcome.outcome in {"failed", "parked"}:
                self.print_error(f"{outcome.outcome} {name}: {_reason(outcome)}")
            return
        address = outcome.record if self._form.verbose or self._total == 1 or outcome.outcome == "parked" else None
        parts = (outcome.function_name, outcome.job_outcome, address)
        reason = brief(_reason(outcome)) if outcome.reason and outcome.reason != outcome.job_outcome else None
        note = with_suspicious(reason, outcome.suspicious)
        is_kept_elsewhere = outcome.outcome in {"recorded", "ignored"}  # `list` shows a record that is not complete
        self.line(f"{outcome.outcome:<9}", colour, name, *parts, note=note, needs_attention=not is_kept_elsewhere)

    def line(
        self, status: str, colour: str, name: str, *parts: str | None, note: str | None, needs_attention: bool
    ) -> bool:
        """Print the line of a job, unless there are too many of them. Returns True for a line that was printed."""
        if self._form.quiet:
            return False
        self._lines += 1
        if not (self._form.verbose or needs_attention or (self._total or self._lines) <= MOST_LINES):
            self._hidden += 1
            return False
        print_line(status, colour, name, *parts, note=note, console=self._console)
        return True

    def detail(self, text: Text) -> None:
        """Print a line below that of a job."""
        self._console.print(text, soft_wrap=True)


def _reason(outcome: JobOutcome) -> str:
    """Return the reason for people: of a job that is recorded, without the token of why its event was not finished."""
    reason = outcome.reason or ""
    if outcome.outcome in {"failed", "parked"} and outcome.job_outcome:
        return f"recorded, {reason.partition(': ')[2]}"
    return reason


def _colour(outcome: JobOutcome) -> str:
    """Return the colour of a line: green is only a job without anything to look after."""
    if outcome.outcome == "recorded":
        if outcome.complete:
            return "yellow" if outcome.suspicious else "green"
        return "red" if OUTCOME_COLOURS.get(outcome.job_outcome or "") == "red" else "yellow"
    return _COLOURS[outcome.outcome]


class Closable(Protocol):
    """Thing that is closed when the work on its jobs has ended."""

    def close(self) -> None:
        """Wait for the work that is under way."""
        ...


ClosableT = TypeVar("ClosableT", bound=Closable)


@contextmanager
def finishing(target: ClosableT) -> Iterator[ClosableT]:
    """Close the target at the end. After Ctrl-C, the jobs that have begun are finished; a second Ctrl-C stops them."""
    try:
        yield target
    except KeyboardInterrupt:
        print_note("finishing the jobs that have begun; press Ctrl-C again to stop at once")
        raise
    finally:
        target.close()
