"""`parked retry`: parked events, tried again by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import click

from ice_result.assembly import assemble
from ice_result.calls import Deadline
from ice_result.cli.console import Console, printable
from ice_result.cli.inputs import line_per_job, longest_wait
from ice_result.cli.parked_choice import Choice, Wanted, choose, complain, environment_looking_in, filters
from ice_result.cli.parked_lines import show_lines
from ice_result.credentials import Credentials
from ice_result.pipeline import Pipeline, Terms
from ice_result.settings import Settings
from ice_result.sinks.model import DEAD
from ice_result.upkeep import Envelope, Retried, read_each, retry

_DONE = {"recorded", "ignored"}


@click.command(name="retry")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@click.option("--dead", is_flag=True, help="Those too that were tried too often.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, those parked longest ago.")
@longest_wait()
@click.option("--dry-run", is_flag=True, help="Only list what would be tried.")
@line_per_job
def retry_parked(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    sinks: tuple[str, ...],
    dead: bool,
    limit: int | None,
    wait: float,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Try parked events again; what is then recorded is no longer parked. Without names or filters, all but the dead.

    --sink only says where to look: records go where ICE_RESULT_SINKS says, as always.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for usage.
    """
    wanted = _wanted(names, reasons, since, dead=dead)
    settings = Settings.from_environment(_environment(sinks))
    choice = choose(sinks, wanted)
    envelopes = islice(_readable(choice, reasons), limit)
    if dry_run:
        show_lines(envelopes, as_json=as_json)
        return 0 if choice.whole else 1
    pipeline = assemble(settings, Credentials())
    total = min(len(choice.found), limit or len(choice.found))
    clean = _retry(pipeline, envelopes, Terms(lambda: Deadline.after(wait)), Console(total=total, as_json=as_json))
    pipeline.close()
    return 0 if clean and choice.whole else 1


def _wanted(names: tuple[str, ...], reasons: tuple[str, ...], since: datetime | None, *, dead: bool) -> Wanted:
    """The dead lie in a folder of their own, whatever their reason."""
    if DEAD in reasons and not dead:
        raise click.UsageError("--reason dead: what was tried too often is tried again only with --dead")
    return Wanted(names, (*reasons, DEAD) if reasons and dead else reasons, since, dead)


def _environment(sinks: tuple[str, ...]) -> dict[str, str]:
    """The environment as it is; where it names no sinks, those given are where records go as well."""
    environment = environment_looking_in(())
    return environment if environment.get("ICE_RESULT_SINKS") else environment_looking_in(sinks)


def _readable(choice: Choice, reasons: tuple[str, ...]) -> Iterator[Envelope]:
    """The envelopes, read as they are needed; every call has a deadline of its own."""
    for envelope in read_each(choice.found, Deadline.after(math.inf)):
        if envelope.parked is None:
            complain(f"{printable(envelope.kept.key)} is damaged, and left alone")
        elif not reasons or envelope.kept.reason in reasons or envelope.parked.reason in reasons:
            yield envelope


def _retry(pipeline: Pipeline, envelopes: Iterator[Envelope], terms: Terms, console: Console) -> bool:
    """Whether all of it came to a good end."""
    clean = True
    with console:
        for retried in retry(pipeline, envelopes, terms):
            for outcome in retried.outcomes:
                console.ended(outcome)
                console.show(outcome)
            done = all(outcome.outcome in _DONE for outcome in retried.outcomes)
            clean = clean and done
            if done and not retried.removed:
                _tell_of_the_rest(retried)
    return clean


def _tell_of_the_rest(retried: Retried) -> None:
    complain(f"{printable(retried.envelope.kept.key)} is done with but could not be removed, or was parked anew")
