"""What a user gives a command: settings, times, job ids and files of them."""

from __future__ import annotations

import os
import re
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import click

from ice_result.app import sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.json_text import encoding_of
from ice_result.core.types import JobId
from ice_result.settings import STORES, Settings
from ice_result.sinks import Store, open_sink
from ice_result.triggers import JobEvent, Malformed, job_event, parse

T = TypeVar("T", bound=Callable[..., object])
saved_jobs = click.option(
    "--jobs", metavar="DIR", help="Read saved responses <job id>.json from here in place of asking ICE."
)
other_sinks = click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Where records go, in place of ICE_RESULT_SINKS."
)
line_per_job = click.option("--json", "as_json", is_flag=True, help="One JSON line per job on standard output.")


def longest_wait(what: str = "one job may take, waiting for it to finish included") -> Callable[[T], T]:
    """The option `--wait`."""
    return click.option(
        "--wait",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        default=60.0,
        show_default=True,
        help=f"How long {what}.",
    )


def read_input(name: str) -> bytes:
    """All bytes of the file `name`, or of standard input for `-`; a usage error when it cannot be read."""
    if name == "-":
        return standard_input().read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error


def standard_input() -> BinaryIO:
    """Standard input; a usage error when it is closed."""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed: expected it to be open, or a file")
    return sys.stdin.buffer


def unreadable(name: str, error: OSError | ValueError) -> click.UsageError:
    """The usage error of a file that cannot be opened; ValueError is of a name that no file can have."""
    if isinstance(error, ValueError):
        return click.UsageError(f"{name!r}: not a file name: {error}")
    reason = error.strerror or type(error).__name__
    return click.UsageError(f"{name}: {reason}: expected a readable file, or - for standard input")


def environment_with(sinks: Sequence[str], jobs: str | None = None) -> dict[str, str]:
    """The environment with what the options say in place of its variables, so that both are checked alike."""
    options = {}
    if jobs is not None:
        options["ICE_RESULT_JOBS"] = f"file:{jobs}"
    if sinks:
        options["ICE_RESULT_SINKS"] = ",".join(sinks)
    return {**os.environ, **options}


_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str) -> timedelta | None:
    """The span, or None for what is none."""
    span = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else None


_NOT_ONE_ID = re.compile(r"[\s,;\"']")
_ONE_A_LINE = "expected one job id a line; of a CSV file, cut out the column first"
_LOST = "\ufffd"


class Line(NamedTuple):
    """A line that is neither blank nor a comment: a job id, or what is wrong with it."""

    job_id: JobId | None
    problem: str = ""


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """What each line says. Blank ones are skipped, and those that begin with #; space around an id is no part of it.

    A line that is a JSON object is read as an event: it may name several jobs, or none, as a line about a message that
    was ignored. The lines are UTF-8, or UTF-16 with its byte order mark.
    """
    for number, text in enumerate(_texts(lines), start=1):
        if _LOST in text:
            yield Line(None, f"line {number}: not UTF-8 or UTF-16; {_ONE_A_LINE}")
        elif text.startswith("{"):
            yield from _read_json(text, f"line {number}")
        elif text and not text.startswith("#"):
            yield _read(text, f"line {number}")


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines as text, without blanks at the ends; what cannot be decoded is U+FFFD there."""
    remaining = iter(lines)
    first = next(remaining, b"")
    decoder = getincrementaldecoder(encoding_of(first))(errors="replace")
    begun = ""
    for raw in chain([first], remaining):
        *whole, begun = (begun + decoder.decode(raw)).split("\n")
        yield from (line.strip() for line in whole)
    yield (begun + decoder.decode(b"", True)).strip()


def _read(text: str, place: str) -> Line:
    event = job_event(text, place)
    if _NOT_ONE_ID.search(event.job_id if isinstance(event, JobEvent) else text):
        return Line(None, f"{place}: found more than a job id; {_ONE_A_LINE}")
    return Line(event.job_id) if isinstance(event, JobEvent) else Line(None, event.reason)


def _read_json(text: str, place: str) -> Iterator[Line]:
    for event in parse(text).events:
        if isinstance(event, JobEvent):
            yield Line(event.job_id)
        elif isinstance(event, Malformed):
            yield Line(None, f"{place}: {event.reason}")


@contextmanager
def open_lines(name: str) -> Iterator[Iterable[bytes]]:
    """The lines of the file `name`, or of standard input for `-`; a usage error when it cannot be opened."""
    if name == "-":
        yield standard_input()
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  closed below: what fails there is another error
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    with file:
        yield file


SECONDS = 600.0
"""How long looking up may take: a store without an index is read from end to end."""


def open_named_sink(sink: str | None) -> Store:
    """Open `sink`, or the first store of ICE_RESULT_SINKS. Raises SettingsError."""
    option = {} if sink is None else {"ICE_RESULT_SINKS": sink}
    settings = Settings.from_environment({**os.environ, **option}, STORES)
    return open_sink(settings.sinks[0], sink_context(settings, Credentials()))
