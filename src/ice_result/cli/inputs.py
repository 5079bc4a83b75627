"""Inputs of the commands: options, settings, times, job ids, and files of job ids."""

from __future__ import annotations

import os
import re
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import click
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ice_result.app import sink_context
from ice_result.cli.keys import credentials_of_stores
from ice_result.core.json_text import encoding_of
from ice_result.core.types import JobId
from ice_result.settings import STORES, Settings
from ice_result.sinks import Store, open_sink
from ice_result.triggers import JobEvent, Malformed, job_event, parse

T = TypeVar("T", bound=Callable[..., object])
saved_jobs = click.option("--jobs", metavar="DIR", help="Read saved responses <job id>.json from here; do not ask ICE.")
other_sinks = click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Write records here, in place of ICE_RESULT_SINKS."
)
line_per_job = click.option("--json", "as_json", is_flag=True, help="One JSON line per job on standard output.")


def options(*added: Callable[[T], T]) -> Callable[[T], T]:
    """Make a decorator that adds these options to a command, in this order."""

    def add(command: T) -> T:
        for option in reversed(added):
            command = option(command)
        return command

    return add


def longest_wait(what: str = "one job, with the wait for its end") -> Callable[[T], T]:
    """Make the option `--wait`."""
    return click.option(
        "--wait",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        default=60.0,
        show_default=True,
        help=f"Time limit of {what}.",
    )


def environment_with(sinks: Sequence[str], jobs: str | None = None) -> dict[str, str]:
    """Return the environment with the values of options in place of its variables, so that both are checked alike."""
    values = {}
    if jobs is not None:
        values["ICE_RESULT_JOBS"] = f"file:{jobs}"
    if sinks:
        values["ICE_RESULT_SINKS"] = ",".join(sinks)
    return {**os.environ, **values}


def environment_of_deployment(
    sinks: Sequence[str], queue: str | None, output_buckets: Sequence[str] = ()
) -> dict[str, str]:
    """Return the environment with the names that options give. Raises UsageError for one that is empty."""
    environment = environment_with(sinks)
    for option, variable, names in (
        ("--queue", "DEPLOY_QUEUE", () if queue is None else (queue,)),
        ("--output-bucket", "DEPLOY_OUTPUT_BUCKETS", output_buckets),
    ):
        if not all(name.strip() for name in names):
            raise click.UsageError(f"{option} is empty: expected a name")
        if names:
            environment[variable] = ",".join(names)
    return environment


SECONDS = 600.0
"""Time limit of looking jobs up: a store without an index is read from end to end."""


def open_named_sink(sink: str | None) -> Store:
    """Open `sink`, or the first store of ICE_RESULT_SINKS. Raises SettingsError."""
    settings = Settings.from_environment(environment_with(() if sink is None else (sink,)), STORES)
    credentials = credentials_of_stores(settings, settings.sinks[:1])
    return open_sink(settings.sinks[0], sink_context(settings, credentials))


_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(rf"{_DATE.pattern}[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Parse a duration such as 90s, 30m, 2h, 7d or 2w. Returns None for any other text."""
    duration = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[duration[2]]: int(duration[1])}) if duration else None


def parse_since(text: str, now: datetime) -> datetime:
    """Parse a time in RFC 3339, a date (UTC), or a duration before `now`. Raises ValueError for any other text."""
    duration = parse_duration(text)
    try:
        if duration is not None:
            return now - duration
        time = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
        if _TIME.fullmatch(time):
            return TypeAdapter(AwareDatetime).validate_python(time)
    except ValidationError:
        pass
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer ago than there are years") from error
    raise ValueError(f"{text!r} is not a time: use 24h, 7d, a date, or 2026-03-02T08:00:00Z")


def read_since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """Read the value of `--since`; see parse_since."""
    try:
        return None if text is None else parse_since(text, datetime.now(timezone.utc))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def read_input(name: str) -> bytes:
    """Read a file, or standard input for `-`. Raises UsageError when it cannot be opened or read."""
    with open_input(name) as file:
        try:
            return file.read()
        except OSError as error:
            raise _unreadable(name, error) from error


@contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input for `-`. Raises UsageError when it cannot be opened."""
    if name == "-":
        if sys.stdin is None:
            raise click.UsageError("standard input is closed: expected it to be open, or a file")
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  closed below: an error in the block is another one
    except ValueError as error:
        raise click.UsageError(f"{name!r}: not a file name: {error}") from error
    except OSError as error:
        raise _unreadable(name, error) from error
    with file:
        yield file


def _unreadable(name: str, error: OSError) -> click.UsageError:
    reason = error.strerror or type(error).__name__
    return click.UsageError(f"{name}: {reason}: expected a readable file, or - for standard input")


_NOT_ONE_ID = re.compile(r"[\s,;\"']")
_ONE_PER_LINE = "expected one job id per line; of a CSV file, cut out the column first"
_UNDECODABLE = "\ufffd"


class Line(NamedTuple):
    """A line that is neither blank nor a comment: a job id, or the problem of the line."""

    job_id: JobId | None
    problem: str = ""


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """Read job ids, one per line. Blank lines, and lines that begin with #, are skipped; space around an id is removed.

    A line that is a JSON object is read as an event. It may name several jobs, or none, such as the line of an ignored
    message. The lines are UTF-8, or UTF-16 with a byte order mark.
    """
    for number, text in enumerate(_decode_lines(lines), start=1):
        place = f"line {number}"
        if _UNDECODABLE in text:
            yield Line(None, f"{place}: not UTF-8 or UTF-16; {_ONE_PER_LINE}")
        elif text.startswith("{"):
            for event in parse(text).events:
                if isinstance(event, JobEvent):
                    yield Line(event.job_id)
                elif isinstance(event, Malformed):
                    yield Line(None, f"{place}: {event.reason}")
        elif text and not text.startswith("#"):
            named = job_event(text, place)
            if _NOT_ONE_ID.search(named.job_id if isinstance(named, JobEvent) else text):
                yield Line(None, f"{place}: found more than a job id; {_ONE_PER_LINE}")
            else:
                yield Line(named.job_id) if isinstance(named, JobEvent) else Line(None, named.reason)


def _decode_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Decode and strip the lines. Undecodable bytes become U+FFFD."""
    remaining = iter(lines)
    first = next(remaining, b"")
    decoder = getincrementaldecoder(encoding_of(first))(errors="replace")
    begun = ""
    for raw in chain([first], remaining):
        *whole, begun = (begun + decoder.decode(raw)).split("\n")
        yield from (line.strip() for line in whole)
    yield (begun + decoder.decode(b"", True)).strip()
