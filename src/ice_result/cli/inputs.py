"""Reading what a user names on the command line: a file, or `-` for standard input."""

from __future__ import annotations

import sys
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
