"""`list`: the recorded jobs of a store, one line each."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import get_args

import click

from ice_result.cli.inputs import SECONDS, open_named_sink, read_since
from ice_result.cli.output import print_error, standard_output, table, write_line
from ice_result.core.deadline import Deadline, time_limit
from ice_result.records.model import Outcome, RecordState
from ice_result.sinks.base import JobFilter


@click.command(name="list")
@click.option("--function", "function_name", metavar="NAME", help="Only jobs of this function, such as Cover.")
@click.option("--state", type=click.Choice(get_args(RecordState)), help="Only jobs in this state.")
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only jobs with this outcome.")
@click.option("--incomplete", is_flag=True, help="Only jobs whose manifest is not complete.")
@click.option("--since", callback=read_since, metavar="TIME", help="Only jobs finished since: RFC 3339, a date, or 7d.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Maximum number of jobs.")
@click.option("--sink", metavar="URL", help="Read this store, in place of the first of ICE_RESULT_SINKS.")
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
        print_error(f"without --since, all of {store.url} may have to be read")
    with time_limit(Deadline.after(SECONDS)):
        jobs = store.jobs(wanted)
        rows: list[dict[str, object]] = []
        for job in islice(jobs, limit):
            if as_json:
                write_line(job.model_dump_json())
                continue
            row: dict[str, object] = {
                "job": job.job_id,
                "function": job.function_name,
                "state": job.state,
                "outcome": job.outcome,
                "finished": job.finish_time,
                "seconds": job.duration_seconds,
                "files": job.file_count,
                "complete": job.complete,
            }
            rows.append(row)
        if rows:
            standard_output().print(table(rows))
        if next(jobs, None) is not None:
            print_error(f"there are more than these {limit}: see --limit and --since")
