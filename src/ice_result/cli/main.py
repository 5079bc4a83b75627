"""The command group `ice-result`. A mistake of the user ends with one line on standard error, not a traceback."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import click
from typing_extensions import override

from ice_result import __version__
from ice_result.cli.backfill import backfill
from ice_result.cli.doctor import doctor
from ice_result.cli.inspect import decode, parse, schema
from ice_result.cli.notify import notify
from ice_result.cli.options import given_names
from ice_result.cli.output import print_error
from ice_result.cli.parked import parked
from ice_result.cli.policy import policy
from ice_result.cli.process import expect, process
from ice_result.cli.redecode import redecode, verify
from ice_result.cli.report import report
from ice_result.cli.rules import rules
from ice_result.cli.search import search
from ice_result.cli.setup import setup, teardown
from ice_result.cli.stats import stats
from ice_result.cli.stored_jobs import list_jobs, show
from ice_result.cli.sweep import sweep
from ice_result.errors import IceResultError, SettingsError
from ice_result.processing.event_log import EVENT_LOG

_USAGE = 2
_INTERRUPTED = 130
_WIDEST = 80
_GROUPS: dict[str, tuple[click.Command, ...]] = {
    "Record jobs": (process, backfill, expect, sweep, notify),
    "See what is recorded": (list_jobs, show, search, report, stats),
    "See what was not finished": (parked,),
    "Write records again": (redecode, verify),
    "Deploy": (setup, doctor, policy, teardown),
    "Try one stage, without any call": (parse, decode, schema, rules),
}
"""The commands in the order of use, under the titles of the help."""


class _Commands(click.Group):
    """Group of commands that lists them by their use, and names options in place of variables."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [each.name or "" for commands in _GROUPS.values() for each in commands]

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(each.name or "", each.get_short_help_str(_WIDEST)) for each in commands])

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise given_names(ctx, error) from error


@click.group(
    cls=_Commands,
    commands=[each for commands in _GROUPS.values() for each in commands],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDEST},
    epilog="Try it without an account: make demo. Settings and examples: README.md, docs/configuration.md.",
)
@click.version_option(__version__, prog_name="ice-result")
def group() -> None:
    """Turn completion events of Alibaba Cloud ICE into typed records and verified manifests."""


class _Log(logging.Handler):
    """Handler that prints the warnings of the library as lines of the command. Lines of jobs are printed already."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return record.name != EVENT_LOG

    @override
    def emit(self, record: logging.LogRecord) -> None:
        print_error(record.getMessage())


_LOG = _Log(logging.WARNING)
_NO_LOG = logging.NullHandler()  # otherwise the warnings of SDKs, with their tracebacks, go to standard error


def command(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 when all went well, 1 when something did not, 2 for wrong usage."""
    _check_streams()
    _escape_unencodable_characters()
    logging.getLogger("ice_result").addHandler(_LOG)
    logging.getLogger().addHandler(_NO_LOG)
    try:
        status = group.main(arguments, prog_name="ice-result", standalone_mode=False)
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
        print_error("interrupted")
        sys.exit(_INTERRUPTED)
    except OSError as error:
        _discard_output()
        if not isinstance(error, BrokenPipeError):  # the reader of our output has ended, as `head` does
            print_error(f"{error.filename or 'standard output'}: {error.strerror or error}")
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _check_streams() -> None:
    """Check that there is a standard output, as `>&-` closes it. Without standard error, errors go nowhere."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  until the end of the process
    if sys.stdout is None:
        print_error("standard output is closed: expected it to be open")
        sys.exit(1)


def _escape_unencodable_characters() -> None:
    """Escape the characters of names that the encoding of the terminal does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Discard buffered output: Python would write it at its exit, and fail again."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
