"""The command group `ice-result`. A mistake of the user ends with one line on standard error, not a traceback."""

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
from ice_result.cli.inspect import decode, parse, schema
from ice_result.cli.output import print_error
from ice_result.cli.parked import parked
from ice_result.cli.policy import policy
from ice_result.cli.process import expect, process
from ice_result.cli.redecode import redecode, verify
from ice_result.cli.report import report
from ice_result.cli.setup import setup, teardown
from ice_result.cli.stored_jobs import list_jobs, show
from ice_result.errors import IceResultError, SettingsError

_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ice-result")
def _group() -> None:
    """Turn completion events of Alibaba Cloud ICE into typed records and verified manifests."""


for _command in (
    process,
    parse,
    decode,
    schema,
    setup,
    teardown,
    doctor,
    policy,
    show,
    list_jobs,
    report,
    parked,
    expect,
    backfill,
    redecode,
    verify,
):
    _group.add_command(_command)


def command(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 when all went well, 1 when something did not, 2 for usage."""
    _escape_unencodable_characters()
    try:
        status = _group.main(arguments, prog_name="ice-result", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        sys.exit(_USAGE)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see `{context.command_path} --help`)" if context else ""
        print_error(f"{error.format_message()}{hint}")
        sys.exit(_USAGE)
    except SettingsError as error:
        for variable, explanation in error.problems:
            print_error(f"{variable}: {explanation}")
        sys.exit(_USAGE)
    except IceResultError as error:
        print_error(str(error))
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        print_error("interrupted; what was recorded so far stays recorded, and running it again doubles nothing")
        sys.exit(130)
    except OSError as error:
        _discard_output()
        if not isinstance(error, BrokenPipeError):  # the reader of our output has ended, as `head` does
            print_error(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _escape_unencodable_characters() -> None:
    """Escape the characters of names that the encoding of the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Discard buffered output: Python would write it at its exit, and fail again."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
