"""Reading what a user gives: a file or standard input, and options that stand in place of variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click


def read_input(name: str) -> bytes:
    """All bytes of the file `name`, or of standard input for `-`; a usage error when it cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.UsageError(f"{name}: {reason}: expected a readable file, or - for standard input") from error
    except ValueError as error:
        raise click.UsageError(f"{name!r}: not a file name: {error}") from error


def environment_with(sinks: Sequence[str]) -> dict[str, str]:
    """The environment with the sinks of the command line in it, so that both are checked alike."""
    return {**os.environ, **({"ICE_RESULT_SINKS": ",".join(sinks)} if sinks else {})}
