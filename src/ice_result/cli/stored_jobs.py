"""`list` and `show`: the recorded jobs of a store, one line each, or one job with its record and manifest."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import get_args

import click
from rich.console import Console
from rich.text import Text

from ice_result.cli.inputs import SECONDS, open_named_sink, read_since
from ice_result.cli.output import (
    files_summary,
    indented,
    name_value_table,
    print_error,
    printable,
    readable,
    result_summary,
    standard_output,
    table,
    write_line,
)
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump, valid_text
from ice_result.core.types import JobId, JsonObject, Model
from ice_result.errors import IceResultError
from ice_result.records.model import Manifest, Outcome, RecordState
from ice_result.sinks.base import JobFilter, StoredJob
from ice_result.triggers import JobEvent, job_event

_COLOURS = {"ok": "green", "job_failed": "red", "false_success": "red", "outputs_missing": "yellow"}


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


@click.command()
@click.argument("job_id")
@click.option("--sink", metavar="URL", help="Read this store, in place of the first of ICE_RESULT_SINKS.")
@click.option("--json", "as_json", is_flag=True, help="The record and the manifest as one JSON line.")
def show(*, job_id: str, sink: str | None, as_json: bool) -> None:
    """Show the record and the manifest of a job.

    Exit status: 0 when the job is there, 1 when it is not, 2 for usage.
    """
    store = open_named_sink(sink)
    event = job_event(valid_text(job_id), "JOB_ID")
    name = event.job_id if isinstance(event, JobEvent) else JobId(valid_text(job_id))
    with time_limit(Deadline.after(SECONDS)):
        found = store.find(name)
    if found is None:
        raise IceResultError(f"no job {printable(name)} in {printable(store.url)}")
    if as_json:
        manifest = None if found.manifest is None else _json(found.manifest)
        rest: JsonObject = {"left_out": [*found.left_out], "whole_uri": found.whole_uri} if found.left_out else {}
        write_line(dump({"record": _json(found.record), "manifest": manifest, **rest}))
    else:
        _show(found, standard_output())


def _json(document: Model) -> JsonObject:
    return document.model_dump(mode="json", by_alias=True)


def _show(found: StoredJob, console: Console) -> None:
    record, manifest = found.record, found.manifest
    title = readable(record.job_id)
    title.stylize("bold")
    outcome = Text(record.outcome.replace("_", " "), style=_COLOURS.get(record.outcome, "yellow"))
    console.print(Text("  ").join((title, readable(record.function_name), outcome)))
    known: dict[str, object] = {
        "state": f"{record.state} ({record.status})",
        "name": record.name,
        "region": record.region,
        "created": record.create_time,
        "finished": record.finish_time,
        "took": None if record.duration_seconds is None else f"{record.duration_seconds:.6g} s",
        "input": record.input.media,
        "output": record.output.media or record.output.output_url,
        "template": record.template_id,
        "user data": record.user_data if isinstance(record.user_data, str) else dump(record.user_data),
        "decoded": record.decode.status,
    }
    console.print(indented(name_value_table(known)))
    if found.left_out:
        whole = f": the whole record is {found.whole_uri}" if found.whole_uri else ""
        _section(console, f"too large for this store, and left out: {', '.join(found.left_out)}{whole}", [])
    _section(console, f"result: {result_summary(record)}", record.result.shown_rows())
    if manifest is None:
        _section(console, "files: no manifest yet, so none was looked up", [])
    else:
        _show_manifest(manifest, console, has_files="files" not in found.left_out)
    if record.decode.warnings:
        _section(console, "warnings", [warning.model_dump() for warning in record.decode.warnings])


def _show_manifest(manifest: Manifest, console: Console, *, has_files: bool) -> None:
    files: list[dict[str, object]] = [
        {
            "exists": "not checked" if file.exists is None else file.exists,
            "size_bytes": file.size_bytes,
            "role": file.role,
            "media_type": file.media_type,
            "uri": file.uri,
            "media_id": file.media_id,
        }
        for file in manifest.files
    ]
    if has_files:
        _section(console, f"files: {files_summary(manifest)} there" if files else "files: none", files)
    if manifest.problems:
        _section(console, "problems", [problem.model_dump() for problem in manifest.problems])


def _section(console: Console, title: str, rows: list[dict[str, object]]) -> None:
    """Print a title, and a table of `rows` if there are any."""
    console.print()
    console.print(Text(printable(title), style="bold"))
    if rows:
        console.print(indented(table(rows)))
