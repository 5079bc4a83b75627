"""The command group, and what becomes of a user's mistake: one line on stderr, never a traceback."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

import click

from ice_result import __version__
from ice_result.cli.backfill import backfill
from ice_result.cli.doctor import doctor
from ice_result.cli.expect import expect
from ice_result.cli.inspect import decode, parse
from ice_result.cli.jobs_list import list_jobs
from ice_result.cli.output import printable
from ice_result.cli.parked import parked
from ice_result.cli.policy import policy
from ice_result.cli.process import process
from ice_result.cli.redecode import redecode, verify
from ice_result.cli.schema import schema
from ice_result.cli.setup import setup
from ice_result.cli.show import show
from ice_result.errors import IceResultError, SettingsError

_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ice-result")
def _group() -> None:
    """From a completion event of Alibaba Cloud ICE to a typed record and a verified manifest."""


for _command in (
    process,
    parse,
    decode,
    schema,
    setup,
    doctor,
    policy,
    show,
    list_jobs,
    parked,
    expect,
    backfill,
    redecode,
    verify,
):
    _group.add_command(_command)


def command(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 when all went well, 1 when something did not, 2 for usage."""
    _escape_what_cannot_be_encoded()
    try:
        status = _group.main(arguments, prog_name="ice-result", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        sys.exit(_USAGE)
    except click.ClickException as error:
        _complain(f"{error.format_message()}{_hint(error)}")
        sys.exit(_USAGE)
    except SettingsError as error:
        for variable, explanation in error.problems:
            _complain(f"{variable}: {explanation}")
        sys.exit(_USAGE)
    except IceResultError as error:
        _complain(str(error))
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted; what was recorded so far stays recorded, and running it again doubles nothing")
        sys.exit(130)
    except OSError as error:
        _end_output()
        if not isinstance(error, BrokenPipeError):  # the reader of our output went away, as `head` does
            _complain(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _escape_what_cannot_be_encoded() -> None:
    """A name may have characters that the encoding of a terminal has not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_output() -> None:
    """What Python would still write at its end would fail again."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(line: str) -> None:
    click.echo(f"ice-result: {printable(line)}", err=True)


def _hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" (see `{context.command_path} --help`)" if context else ""
