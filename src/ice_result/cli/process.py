"""`process` and `expect`: jobs that the user names, processed now, or noted so that they are looked up later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import click

from ice_result.app import assemble
from ice_result.cli.inputs import open_input, read_input, read_lines
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import usable_credentials
from ice_result.cli.options import (
    Overrides,
    concurrency,
    longest_wait,
    no_verify,
    of_function,
    other_sinks,
    output_form,
    overriding,
    park,
    parse_duration,
    region,
    saved_jobs,
)
from ice_result.cli.output import printable, write_line
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump, valid_text
from ice_result.library.expect import expect as leave_notes
from ice_result.processing.batch import RunContext
from ice_result.settings import BY_HAND, EVERYTHING, Settings
from ice_result.triggers import Malformed, TriggerEvent, TriggerOptions, job_event, parse
from ice_result.triggers.cleaning import without_secrets

_MOST_PROBLEMS = 10


@click.command(
    short_help="Ask ICE for jobs and record them.", epilog="Example: ice-result process JOB_ID --sink file:./out"
)
@click.argument("job_ids", nargs=-1, metavar="[JOB_ID]...")
@click.option(
    "--event",
    type=click.Path(),
    metavar="FILE",
    help="Read a payload as a trigger sends it, or JSON lines; - is standard input.",
)
@overriding(saved_jobs, other_sinks, region, concurrency, no_verify)
@park
@longest_wait()
@output_form
def process(
    *,
    job_ids: tuple[str, ...],
    event: str | None,
    overrides: Overrides,
    park: bool,
    wait: float,
    form: OutputForm,
) -> int:
    """Ask ICE for jobs, and write a record and a manifest for each.

    A payload that cannot be read is an error, and so is a job that ICE does not know. Nothing is parked without --park.

    Exit status: 0 when every job was recorded, 1 otherwise, 2 for wrong usage and for an unreadable payload.
    """
    if not job_ids and event is None:
        raise click.UsageError("nothing to do: expected a JOB_ID, or --event FILE")
    settings = Settings.from_environment(overrides.environment(), EVERYTHING if park else BY_HAND)
    # No signature is checked: the owner of the file may process it, and a request in it was checked on arrival.
    options = settings.triggers._replace(callback=None)
    events = [*_events(job_ids, event, options)]
    if not park:
        _check(events)
    credentials = usable_credentials(settings, parks=park)
    clean = True
    with (
        JobPrinter(form, total=len(events)) as printer,
        finishing(assemble(settings, credentials, parks=park)) as pipeline,
    ):
        for _, outcome in pipeline.process_events(events, RunContext(lambda: Deadline.after(wait))):
            clean = clean and outcome.outcome in {"recorded", "ignored"}
            printer.count(outcome)
            printer.show(outcome)
    return 0 if clean else 1


def _events(job_ids: tuple[str, ...], event: str | None, options: TriggerOptions) -> Iterator[TriggerEvent]:
    if event is not None:
        place = "standard input" if event == "-" else event
        payload = read_input(event)
        if not payload.strip():
            raise click.UsageError(f"{place}: empty; expected a payload as a trigger sends it, or JSON lines")
        triggered = parse(payload, options)
        if triggered.refused:
            raise click.UsageError(f"{event}: an HTTP request that is refused: {triggered.refused}")
        for each in triggered.events:
            yield replace(each, reason=f"{place}: {each.reason}") if isinstance(each, Malformed) else each
    for job_id in map(valid_text, job_ids):
        yield replace(job_event(job_id, "JOB_ID"), payload=without_secrets({"JobId": job_id}))


def _check(events: list[TriggerEvent]) -> None:
    """Check that every event can be read. Raises UsageError with the reasons of those that cannot."""
    problems = [event.reason for event in events if isinstance(event, Malformed)]
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise click.UsageError(f"{'; '.join(problems[:_MOST_PROBLEMS])}{more}; nothing was processed")


def _read_duration(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    duration = parse_duration(text)
    if duration is None:
        raise click.BadParameter(f"{text!r} is not a duration: use 90s, 30m, 2h or 7d")
    return duration


@click.command(
    short_help="Leave a note for each submitted job.",
    epilog="Example: ice-result expect JOB_ID --within 2h --function Cover",
)
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@click.option(
    "--within",
    callback=_read_duration,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="Ask ICE for a job that is not recorded after this time: 90s, 30m, 2h.",
)
@of_function("Function of the jobs, such as Cover. The lookup then needs fewer calls.")
@click.option(
    "--sink",
    "sinks",
    metavar="URL",
    multiple=True,
    help="Write the notes to the first of these stores that keeps notes, instead of ICE_RESULT_SINKS.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per job.")
def expect(
    *, job_ids: tuple[str, ...], within: timedelta, function_name: str | None, sinks: tuple[str, ...], as_json: bool
) -> None:
    """Leave a note for each submitted job, so that a missed event is noticed.

    The JOB_ID - reads more ids from standard input, one per line.

    The function's timer, or `ice-result sweep`, asks ICE for every job that is not recorded in time.

    Exit status: 0 when every job was noted, 1 otherwise, 2 for wrong usage.
    """
    try:
        unique = list(dict.fromkeys(_all_ids(job_ids)))
        environment = Overrides(sinks).environment()
        notes = leave_notes(unique, within=within, function_name=function_name, environment=environment)
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
                    raise ValueError(line.problem.partition("; for a CSV file")[0])
                yield line.job_id
