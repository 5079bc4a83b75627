"""Job ids in a file or on standard input: one a line, or in the JSON lines that our own commands print."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ice_result.cli.inputs import standard_input, unreadable
from ice_result.jsontext import encoding_of
from ice_result.triggers import JobEvent, Malformed, job_event, parse
from ice_result.values import JobId

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
