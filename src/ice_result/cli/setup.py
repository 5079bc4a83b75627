"""`setup`: what must be there before the first job, made once by somebody who may."""

from __future__ import annotations

import os

import click

from ice_result.assembly import sink_context
from ice_result.calls import Deadline
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
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def setup(*, tables: bool, sinks: tuple[str, ...], dry_run: bool) -> int:
    """Make what the sinks need before the first job. What is there already is checked and left as it is.

    Exit status: 0 when all is there or could be made, 1 otherwise, 2 for usage.
    """
    if not tables:
        raise click.UsageError("nothing to do: expected --tables")
    options = {"ICE_RESULT_SINKS": ",".join(sinks)} if sinks else {}
    settings = Settings.for_looking_up({**os.environ, **options})
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
