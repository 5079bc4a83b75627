"""Reading what a user gives: a file or standard input, and the options that several commands have."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

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
