"""`list`: the recorded jobs of a store, in short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import islice
from typing import get_args

import click
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ice_result.cli.inputs import SECONDS, open_named_sink, parse_span
from ice_result.cli.output import page, printable, table, write_line
from ice_result.core.deadline import Deadline, time_limit
from ice_result.records.model import Outcome, RecordState
from ice_result.sinks.base import JobFilter, JobLine

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(rf"{_DATE.pattern}[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_since(text: str, now: datetime) -> datetime:
    """The moment meant by RFC 3339, by a date (UTC), or by a span before `now` such as 90m, 24h, 7d or 2w.

    Raises ValueError for anything else.
    """
    span = parse_span(text)
    try:
        if span is not None:
            return now - span
        moment = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
        if _MOMENT.fullmatch(moment):
            return TypeAdapter(AwareDatetime).validate_python(moment)
    except ValidationError:
        pass
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer ago than there are years") from error
    raise ValueError(
        f"{text!r} is no moment: write 2026-03-02T08:00:00Z, 2026-03-02 (UTC), or a span such as 24h or 7d"
    )


def read_since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """For click: see parse_since."""
    try:
        return None if text is None else parse_since(text, datetime.now(timezone.utc))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(name="list")
@click.option("--function", "function_name", metavar="NAME", help="Only jobs of this function, as Cover.")
@click.option("--state", type=click.Choice(get_args(RecordState)), help="Only jobs in this state.")
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only jobs that came out so.")
@click.option("--incomplete", is_flag=True, help="Only jobs whose manifest is not complete.")
@click.option("--since", callback=read_since, metavar="TIME", help="Only jobs finished since: RFC 3339, a date, or 7d.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many jobs.")
@click.option("--sink", metavar="URL", help="Where to look, in place of the first of ICE_RESULT_SINKS.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per job.")
def list_jobs(
    *,
    function_name: str | None,
    state: RecordState | None,
    outcome: Outcome | None,
    incomplete: bool,
    since: datetime | None,
    limit: int,
    sink: str | None,
    as_json: bool,
) -> None:
    """List recorded jobs, newest first."""
    wanted = JobFilter(function_name=function_name, state=state, outcome=outcome, since=since, incomplete=incomplete)
    store = open_named_sink(sink)
    if store.reads_everything(wanted):
        click.echo(f"ice-result: without --since, all of {printable(store.url)} may have to be read", err=True)
    with time_limit(Deadline.after(SECONDS)):
        jobs = store.jobs(wanted)
        shown = islice(jobs, limit)
        if as_json:
            _show_lines(shown)
        else:
            _show_table(shown)
        if next(jobs, None) is not None:
            click.echo(f"ice-result: there are more than these {limit}: see --limit and --since", err=True)


def _show_lines(jobs: Iterator[JobLine]) -> None:
    for job in jobs:
        write_line(job.model_dump_json())


def _show_table(jobs: Iterator[JobLine]) -> None:
    rows: list[dict[str, object]] = [
        {
            "job": job.job_id,
            "function": job.function_name,
            "state": job.state,
            "outcome": job.outcome,
            "finished": job.finish_time,
            "seconds": job.duration_seconds,
            "files": job.file_count,
            "complete": job.complete,
        }
        for job in jobs
    ]
    if rows:
        page().print(table(rows))
