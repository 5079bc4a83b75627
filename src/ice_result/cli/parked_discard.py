"""`parked discard`: parked events, removed for good."""

from __future__ import annotations

import math
from datetime import datetime

import click

from ice_result.calls import Deadline
from ice_result.cli.console import printable, write_line
from ice_result.cli.parked_choice import Choice, Wanted, choose, complain, filters
from ice_result.cli.parked_lines import facts, show_lines
from ice_result.errors import IceResultError
from ice_result.jsontext import dump
from ice_result.upkeep import Envelope, discard, read_each

_SECONDS_EACH = 60.0


@click.command(name="discard")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, those parked longest ago.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per event that was removed.")
def discard_parked(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    sinks: tuple[str, ...],
    limit: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove parked events for good: nothing else holds them. One that is parked anew meanwhile stays.

    Exit status: 0 when all were removed, 1 otherwise, 2 for usage.
    """
    if not (names or reasons or since):
        raise click.UsageError("nothing to remove: expected a JOB_ID, a KEY, --reason or --since")
    choice = choose(sinks, Wanted(names, reasons, since))
    choice = Choice(choice.found[:limit], choice.whole)
    if dry_run:
        show_lines(read_each(choice.found, Deadline.after(math.inf)), as_json=as_json)
        return 0 if choice.whole else 1
    if choice.found and not yes and not _confirmed(choice):
        complain("nothing was removed")
        return 1
    removed = [_discard(envelope, as_json=as_json) for envelope in read_each(choice.found, Deadline.after(math.inf))]
    return 0 if choice.whole and all(removed) else 1


def _confirmed(choice: Choice) -> bool:
    try:
        return click.confirm(f"{choice.counts()}. Remove them for good?", err=True)
    except click.Abort as error:
        raise click.UsageError("not confirmed: nobody answers; --yes removes without asking") from error


def _discard(envelope: Envelope, *, as_json: bool) -> bool:
    key = printable(envelope.kept.key)
    try:
        if not discard(envelope, Deadline.after(_SECONDS_EACH)):
            complain(f"{key} stays: it was parked anew meanwhile")
            return False
    except IceResultError as error:
        complain(printable(str(error)))
        return False
    if as_json:
        write_line(dump(facts(envelope)))
    else:
        click.echo(f"removed  {key}")
    return True
