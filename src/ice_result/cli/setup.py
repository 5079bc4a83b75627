"""`setup`: what must be there before the first job, made once by somebody who may."""

from __future__ import annotations

import click

from ice_result.assembly import sink_context
from ice_result.calls import Deadline
from ice_result.cli.inputs import environment_with
from ice_result.cli.setup_callback import set_up_callback
from ice_result.credentials import Credentials
from ice_result.errors import IceResultError
from ice_result.settings import Settings
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.tables import TableStore

_SECONDS_PER_SINK = 60.0
_WORDS = {"present": "is there", "created": "created", "missing": "would be created"}


@click.command()
@click.option("--tables", is_flag=True, help="Make the tables of every ots: and sqlite: sink.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Which sinks, in place of ICE_RESULT_SINKS.")
@click.option("--callback", is_flag=True, help="Show where ICE sends its events, and with --yes, send ours to us.")
@click.option("--queue", metavar="NAME", help="Send them to this MNS queue, in place of ICE_RESULT_CALLBACK_URL.")
@click.option("--yes", is_flag=True, help="Write the callback, which takes the place of the present one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def setup(*, tables: bool, sinks: tuple[str, ...], callback: bool, queue: str | None, yes: bool, dry_run: bool) -> int:
    """Make what is needed before the first job: tables, and ICE's callback.

    What is there already is checked, and left as it is or merged.
    Exit status: 0 when all is there or could be made, 1 otherwise, 2 for usage.
    """
    if not tables and not callback:
        raise click.UsageError("nothing to do: expected --tables or --callback")
    if (queue or yes) and not callback:
        raise click.UsageError("--queue and --yes belong to --callback")
    if callback:
        set_up_callback(queue, write=yes and not dry_run)
    return _set_up_tables(sinks, dry_run=dry_run) if tables else 0


def _set_up_tables(sinks: tuple[str, ...], *, dry_run: bool) -> int:
    settings = Settings.for_looking_up(environment_with(sinks))
    context = sink_context(settings, Credentials())
    done = [_prepare(url, context, dry_run=dry_run) for url in dict.fromkeys(settings.sinks)]
    return 0 if all(done) else 1


def _prepare(url: str, context: SinkContext, *, dry_run: bool) -> bool:
    """Prepare one sink and say so; False, with the reason on standard error, when that failed."""
    sink = open_sink(url, context)
    if not isinstance(sink, TableStore):
        click.echo(f"{url}: has no tables, nothing to do")
        return True
    try:
        for table, state in sink.prepare(Deadline.after(_SECONDS_PER_SINK), dry_run=dry_run):
            click.echo(f"{url}: {table} {_WORDS[state]}")
    except IceResultError as error:
        click.echo(f"ice-result: {error}", err=True)
        return False
    return True
