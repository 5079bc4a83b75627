"""Inputs of the commands: job ids, files, standard input, and lists of job ids."""

from __future__ import annotations

import csv
import re
import shlex
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import click

from ice_result.cli.output import print_note
from ice_result.core.json_text import encoding_of, valid_text
from ice_result.core.types import JobId
from ice_result.triggers import JobEvent, Malformed, job_event, parse


def read_job_id(argument: str) -> JobId:
    """Return the job id of an argument, without the blanks around it. Text that is no job id stays as it is."""
    text = valid_text(argument)
    event = job_event(text, "JOB_ID")
    return event.job_id if isinstance(event, JobEvent) else JobId(text)


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
        if sys.stdin.isatty():
            print_note("reading standard input; end it with Ctrl-D")
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
_ONE_PER_LINE = "expected one job id per line; for a CSV file, name its column with --column"
_NAMES_OF_A_COLUMN = {"jobid", "jobids", "id"}
_DELIMITERS = ",;\t|"
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
    for number, whole in enumerate(_decode_lines(lines), start=1):
        text, place = whole.strip(), f"line {number}"
        if text.startswith("{"):
            for event in parse(text).events:
                if isinstance(event, JobEvent):
                    yield Line(event.job_id)
                elif isinstance(event, Malformed):
                    yield Line(None, f"{place}: {event.reason}")
        elif number == 1 and _is_header(text):
            yield Line(None, f"{place}: {text!r} looks like a column header: use --column {shlex.quote(text)}")
        elif text and not text.startswith("#"):
            yield _one_id(text, place)


def _is_header(text: str) -> bool:
    return _UNDECODABLE not in text and "".join(filter(str.isalnum, text)).casefold() in _NAMES_OF_A_COLUMN


def _one_id(text: str, place: str) -> Line:
    if _UNDECODABLE in text:
        return Line(None, f"{place}: not UTF-8 or UTF-16; {_ONE_PER_LINE}")
    named = job_event(text, place)
    if _NOT_ONE_ID.search(named.job_id if isinstance(named, JobEvent) else text):
        return Line(None, f"{place}: found more than a job id; {_ONE_PER_LINE}")
    return Line(named.job_id) if isinstance(named, JobEvent) else Line(None, named.reason)


def read_column(lines: Iterable[bytes], column: str) -> Iterator[Line]:
    """Read job ids from a column of a CSV file: by its name in the first row, or by its number, from 1.

    The values are separated by commas, semicolons, tabs or `|`, whichever the first row has most of. With a number,
    the first row is data too. Raises UsageError when the file has no such column.
    """
    texts = (f"{line.rstrip(chr(13))}\n" for line in _decode_lines(lines))
    first = next((line for line in texts if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(chain([first], texts), delimiter=delimiter)
    try:
        if column.isdecimal():
            place = int(column) - 1
            if place < 0:
                raise click.UsageError("--column 0: columns are counted from 1")
        else:
            names = [name.strip() for name in next(rows, [])]
            if column not in names:
                known = ", ".join(names) or "none: the file is empty"
                raise click.UsageError(f"--column {column}: no such column; the first row has {known}")
            place = names.index(column)
        for row in rows:
            cell = row[place].strip() if 0 <= place < len(row) else ""
            if cell:
                yield _one_id(cell, f"line {rows.line_num}")
            elif any(map(str.strip, row)):
                yield Line(None, f"line {rows.line_num}: no value in column {column}")
    except csv.Error:
        yield Line(None, f"line {rows.line_num + 1}: not CSV")


def _decode_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Decode the lines. Undecodable bytes become U+FFFD."""
    remaining = iter(lines)
    first = next(remaining, b"")
    decoder = getincrementaldecoder(encoding_of(first))(errors="replace")
    begun = ""
    for raw in chain([first], remaining):
        *whole, begun = (begun + decoder.decode(raw)).split("\n")
        yield from whole
    yield begun + decoder.decode(b"", True)
