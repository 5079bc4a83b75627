"""`process` and `expect`: jobs that the user names, processed now, or noted so that the timer looks them up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click

from ice_result import expecting
from ice_result.app import assemble
from ice_result.cli.inputs import (
    environment_with,
    line_per_job,
    longest_wait,
    open_input,
    other_sinks,
    parse_duration,
    read_input,
    read_lines,
    saved_jobs,
)
from ice_result.cli.keys import usable_credentials
from ice_result.cli.output import OutcomePrinter, printable, write_line
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
    options = settings.triggers._replace(callback=None)
    events = [*_events(job_ids, event, options)]
    pipeline = assemble(settings, usable_credentials(settings))
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


def _read_duration(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    duration = parse_duration(text)
    if duration is None:
        raise click.BadParameter(f"{text!r} is not a duration: use 90s, 30m, 2h or 7d")
    return duration


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@click.option(
    "--within",
    callback=_read_duration,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="Ask ICE for a job that is not recorded after this time: 90s, 30m, 2h.",
)
@click.option("--function", "function_name", metavar="NAME", help="Function of the jobs, such as Cover: saves calls.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per job.")
def expect(*, job_ids: tuple[str, ...], within: timedelta, function_name: str | None, as_json: bool) -> None:
    """Note that jobs were submitted. The JOB_ID - reads more ids from standard input, one per line.

    The timer asks ICE for every job that is not recorded in time.
    """
    try:
        unique = list(dict.fromkeys(_all_ids(job_ids)))
        notes = expecting.expect(unique, within=within, function_name=function_name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for job_id, note in zip(unique, notes, strict=True):
        if as_json:
            write_line(dump({"job_id": job_id, "note": note}))
        else:
            click.echo(printable(f"expected  {job_id}  {note}"))


def _all_ids(job_ids: tuple[str, ...]) -> Iterator[str]:
    for job_id in job_ids:
        if job_id != "-":
            yield job_id
            continue
        with open_input("-") as lines:
            for line in read_lines(lines):
                if line.job_id is None:
                    raise ValueError(line.problem)
                yield line.job_id
