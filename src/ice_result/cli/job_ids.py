"""Job ids in a file or on standard input: one a line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ice_result.cli.inputs import unreadable
from ice_result.triggers import JobEvent, job_event
from ice_result.values import JobId

_NOT_ONE_ID = re.compile(r"[\s,;\"']")
_ONE_A_LINE = "expected one job id a line; of a CSV file, cut out the column first"


class Line(NamedTuple):
    """A line that is neither blank nor a comment: a job id, or what is wrong with it."""

    job_id: JobId | None
    problem: str = ""


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """What each line says. Blank ones are skipped, and those that begin with #; space around an id is no part of it."""
    for number, raw in enumerate(lines, start=1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            yield Line(None, f"line {number}: not UTF-8; {_ONE_A_LINE}")
            continue
        if text and not text.startswith("#"):
            yield _read(text, f"line {number}")


def _read(text: str, place: str) -> Line:
    if _NOT_ONE_ID.search(text):
        return Line(None, f"{place}: found more than a job id; {_ONE_A_LINE}")
    event = job_event(text, place)
    return Line(event.job_id) if isinstance(event, JobEvent) else Line(None, event.reason)


@contextmanager
def open_lines(name: str) -> Iterator[Iterable[bytes]]:
    """The lines of the file `name`, or of standard input for `-`; a usage error when it cannot be opened."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115  closed below: what fails there is another error
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    with file:
        yield file
