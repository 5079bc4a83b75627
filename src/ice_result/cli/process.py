"""`process`: the whole pipeline, for job ids or for a payload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from ice_result.app import assemble
from ice_result.cli.inputs import environment_with, line_per_job, longest_wait, other_sinks, read_input, saved_jobs
from ice_result.cli.output import OutcomePrinter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump
from ice_result.processing.batch import RunContext
from ice_result.settings import Settings
from ice_result.triggers import TriggerEvent, TriggerOptions, parse


@click.command()
@click.argument("job_ids", nargs=-1, metavar="[JOB_ID]...")
@click.option("--event", metavar="FILE", help="A payload as a trigger sends it, or JSON lines; - is standard input.")
@saved_jobs
@other_sinks
@longest_wait()
@line_per_job
def process(
    *, job_ids: tuple[str, ...], event: str | None, jobs: str | None, sinks: tuple[str, ...], wait: float, as_json: bool
) -> int:
    """Ask ICE for jobs, and write a record and a manifest for each.

    Exit status: 0 when nothing was parked or failed, 1 otherwise, 2 for usage.
    """
    if not job_ids and event is None:
        raise click.UsageError("nothing to do: expected a JOB_ID, or --event FILE")
    settings = Settings.from_environment(environment_with(sinks, jobs))
    # No signature is checked: the owner of the file may process it, and a request in it was checked on arrival.
    options = replace(settings.triggers, callback=None)
    events = [*_events(job_ids, event, options)]
    pipeline = assemble(settings, Credentials())
    clean = True
    with OutcomePrinter(total=len(events), as_json=as_json) as console:
        for _, outcome in pipeline.process_events(events, RunContext(lambda: Deadline.after(wait))):
            clean = clean and outcome.outcome in {"recorded", "ignored"}
            console.count(outcome)
            console.show(outcome)
    pipeline.close()
    return 0 if clean else 1


def _events(job_ids: tuple[str, ...], event: str | None, options: TriggerOptions) -> Iterator[TriggerEvent]:
    if event is not None:
        triggered = parse(read_input(event), options)
        if triggered.refused:
            raise click.UsageError(f"{event}: an HTTP request that is refused: {triggered.refused}")
        yield from triggered.events
    for job_id in job_ids:
        yield from parse(dump({"JobId": job_id}), options).events
