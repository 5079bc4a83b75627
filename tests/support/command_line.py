"""Runs of the command line with only the given environment: in this process, or as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from ice_result.cli import command
from ice_result.core.types import JsonObject
from support.paths import SOURCE

_LONGEST_SECONDS = 300
_USUAL = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "PYTHONPATH": str(SOURCE),
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
}


class Finished(NamedTuple):
    """Exit status and output of a command."""

    returncode: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.stdout_bytes.decode()

    @property
    def stderr(self) -> str:
        """Standard error as text."""
        return self.stderr_bytes.decode()

    @property
    def documents(self) -> list[JsonObject]:
        """The lines of standard output, each of them JSON."""
        return [json.loads(line) for line in self.stdout_bytes.splitlines()]


def ice_result(*arguments: str, **environment: str) -> Finished:
    """Run `ice-result ARGUMENTS` in this process, with nothing on standard input.

    Imports, signals and the streams' encodings are those of this process: where they matter, use
    `ice_result_process`. An error that ends in a traceback there is raised here.
    """
    return ice_result_given(b"", *arguments, **environment)


def ice_result_given(stdin: bytes, *arguments: str, **environment: str) -> Finished:
    """Run `ice-result ARGUMENTS` in this process, with `stdin` on standard input."""
    returncode, stdout, stderr, _ = _run(stdin, arguments, environment)
    return Finished(returncode, stdout, stderr)


def ice_result_shown(stdin: bytes, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run it, and return the exit status and both streams as one text, in the order of writing."""
    returncode, _, _, both = _run(stdin, arguments, environment)
    return returncode, both.decode()


def _run(stdin: bytes, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, bytes, bytes, bytes]:
    replaced = {**dict.fromkeys(os.environ), **_USUAL, **environment}
    with CliRunner().isolation(input=stdin, env=replaced) as (stdout, stderr, both):
        with pytest.raises(SystemExit) as ended:
            command(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    assert isinstance(ended.value.code, int)
    return ended.value.code, stdout.getvalue(), stderr.getvalue(), both.getvalue()


def ice_result_process(*arguments: str, **environment: str) -> Finished:
    """Run `python -m ice_result ARGUMENTS` to its end, as a process of its own."""
    done = subprocess.run(
        process_arguments(*arguments),
        capture_output=True,
        check=False,
        timeout=_LONGEST_SECONDS,
        env=process_environment(environment),
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def process_arguments(*arguments: str) -> list[str]:
    """Return the arguments that start `ice-result ARGUMENTS` as a process."""
    return [sys.executable, "-m", "ice_result", *arguments]


def process_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of such a process, with the variables of coverage where it is measured."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {**_USUAL, **coverage, **environment}
