"""`list` and `show`: the recorded jobs of a store, one line each or counted, and single jobs with all that is known."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice
from typing import get_args

import click
from rich.console import Console
from rich.text import Text

from ice_result.cli.inputs import read_job_id
from ice_result.cli.options import (
    SECONDS,
    Overrides,
    most,
    of_function,
    one_sink,
    open_first_sink,
    overriding,
    read_since,
    region,
)
from ice_result.cli.output import (
    counted,
    files_summary,
    media_summary,
    outcome_text,
    print_error,
    print_note,
    printable,
    readable,
    result_summary,
    standard_output,
    write_line,
)
from ice_result.cli.tables import Row, print_objects, print_table, print_values
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject, Model
from ice_result.records.model import Manifest, Note, Outcome, Problem, RecordState
from ice_result.sinks.base import JobFilter, JobLine, Store, StoredJob
from ice_result.sinks.job_counts import GROUPINGS, Counted, Grouping, JobCounts

_FIRST_PAGE = 50
_CSV_COLUMNS = tuple(JobLine.model_fields)
_INDENT = 2
_SLOW_SECONDS = 3.0


@click.command(
    name="list",
    short_help="List or count recorded jobs.",
    epilog="Example: ice-result list --since 24h --incomplete",
)
@of_function()
@click.option("--state", type=click.Choice(get_args(RecordState)), help="Only jobs in this state.")
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only jobs with this outcome.")
@click.option("--incomplete", is_flag=True, help="Only jobs whose manifest is not complete.")
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: 24h, 7d, a date (UTC), or RFC 3339."
)
@most(f"Maximum number of jobs.  [default: {_FIRST_PAGE}, in a table]")
@overriding(one_sink, region)
@click.option("--count", is_flag=True, help="Print counts instead of jobs.")
@click.option("--by", type=click.Choice(GROUPINGS), help="With --count: one line for each function, outcome or day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per job, or per line of --count.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header row.")
@click.option("--ids", "only_ids", is_flag=True, help="Print only job ids, one per line.")
def list_jobs(
    *,
    function_name: str | None,
    state: RecordState | None,
    outcome: Outcome | None,
    incomplete: bool,
    since: datetime | None,
    limit: int | None,
    overrides: Overrides,
    count: bool,
    by: Grouping | None,
    as_json: bool,
    as_csv: bool,
    only_ids: bool,
) -> None:
    """List recorded jobs, newest first, or count them.

    A table has at most 50 jobs without --limit; all other forms have all jobs.

    Exit status: 0 when the store could be read, even if no job is found, 1 otherwise, 2 for wrong usage.
    """
    if by and not count:
        raise click.UsageError("--by needs --count")
    if as_json + as_csv + only_ids > 1 or (only_ids and count):
        raise click.UsageError("use only one of --json, --csv and --ids; --ids cannot be used with --count")
    wanted = JobFilter(function_name=function_name, state=state, outcome=outcome, since=since, incomplete=incomplete)
    store = open_first_sink(overrides)
    with time_limit(Deadline.after(SECONDS)), note_when_slow(store, wanted):
        store.check_exists()
        jobs = store.jobs(wanted)
        if count:
            _print_counts(_count(islice(jobs, limit)), by, as_json=as_json, as_csv=as_csv)
        elif as_json or as_csv or only_ids:
            _print_all(islice(jobs, limit), as_json=as_json, as_csv=as_csv)
        else:
            _print_page(jobs, limit or _FIRST_PAGE, store, is_filtered=wanted != JobFilter())


@contextmanager
def note_when_slow(store: Store, wanted: JobFilter) -> Iterator[None]:
    """After some seconds, say why a listing takes its time, and what makes it shorter."""
    note = threading.Timer(_SLOW_SECONDS, print_note, (f"reading all jobs of {store.url}; --since makes this faster",))
    if store.reads_everything(wanted):
        note.start()
    try:
        yield
    finally:
        note.cancel()


def _count(jobs: Iterator[JobLine]) -> JobCounts:
    counts = JobCounts()
    for job in jobs:
        counts.add(job)
    return counts


def _print_counts(counts: JobCounts, by: Grouping | None, *, as_json: bool, as_csv: bool) -> None:
    groups = counts.by(by) if by else [("all", counts.total)]
    rows = [{by or "jobs of": name, **number._asdict()} for name, number in groups]
    if as_json:
        for row in rows:
            write_line(dump(row if by else {name: row[name] for name in Counted._fields}))
    elif as_csv:
        names = ([by] if by else []) + [*Counted._fields]
        _print_csv(names, ({name: row[name] for name in names} for row in rows))
    elif by:
        print_table(standard_output(), [*rows, {by: "all", **counts.total._asdict()}] if len(rows) > 1 else rows)
        if not rows:
            print_note("0 jobs")
    else:
        print_values(standard_output(), counts.total._asdict())


def _print_all(jobs: Iterator[JobLine], *, as_json: bool, as_csv: bool) -> None:
    if as_csv:
        _print_csv(_CSV_COLUMNS, (job.model_dump(mode="json") for job in jobs))
        return
    for job in jobs:
        if as_json:
            write_line(job.model_dump_json())
        else:
            click.echo(printable(job.job_id))


def _print_csv(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Print rows as RFC 4180 has them, without secrets; an unknown value is empty."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    for values in chain([names], ([row[name] for name in names] for row in rows)):
        writer.writerow([_csv_cell(value) for value in values])
        click.echo(line.getvalue(), nl=False)
        line.seek(0)
        line.truncate()


def _csv_cell(value: object) -> str | int | float:
    """Return a value of a cell. A text that a spreadsheet would read as a formula is quoted with an apostrophe."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case _:
            text = printable(str(value))
            return f"'{text}" if text.startswith(_FORMULA) else text


_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width ones too


def _print_page(jobs: Iterator[JobLine], limit: int, store: Store, *, is_filtered: bool) -> None:
    """Print a table of at most `limit` jobs, and say what is not in it."""
    page = list(islice(jobs, limit))
    if page:
        print_table(standard_output(), [_row(job) for job in page], keep=("job", "outcome", "function", "complete"))
    else:
        print_note(f"0 jobs in {store.url}{' match the filters' if is_filtered else ''}")
    if next(jobs, None) is not None:
        print_note(f"there are more jobs than the {limit} shown: see --limit, --since and --count")


def _row(job: JobLine) -> Row:
    return {
        "job": job.job_id,
        "outcome": outcome_text(job.outcome),
        "function": job.function_name,
        "complete": job.complete,
        "finished": job.finish_time,
        "files": job.file_count,
        "seconds": job.duration_seconds,
        "state": job.state,
    }


@click.command(
    short_help="Show the record and the manifest of jobs.",
    epilog="Example: ice-result show JOB_ID --sink sqlite:./jobs.db",
)
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@overriding(one_sink, region)
@click.option("--json", "as_json", is_flag=True, help="Print the record and the manifest as one JSON line per job.")
def show(*, job_ids: tuple[str, ...], overrides: Overrides, as_json: bool) -> int:
    """Show the record and the manifest of jobs, and where they are stored.

    Exit status: 0 when all jobs were found, 1 otherwise, 2 for wrong usage.
    """
    store = open_first_sink(overrides)
    console = standard_output()
    missing = shown = 0
    with time_limit(Deadline.after(SECONDS)):
        store.check_exists()
        for job_id in dict.fromkeys(map(read_job_id, job_ids)):
            found = store.find(job_id)
            if found is None:
                missing += 1
                print_error(f"no job {job_id} in {store.url}")
            elif as_json:
                _print_json(found)
            else:
                if shown:
                    console.print()
                shown += 1
                _show(found, store, console)
    return 1 if missing else 0


def _print_json(found: StoredJob) -> None:
    manifest = None if found.manifest is None else _json(found.manifest)
    rest: JsonObject = {"left_out": [*found.left_out], "whole_uri": found.whole_uri} if found.left_out else {}
    write_line(dump({"record": _json(found.record), "manifest": manifest, **rest}))


def _json(document: Model) -> JsonObject:
    return document.model_dump(mode="json", by_alias=True)


def _show(found: StoredJob, store: Store, console: Console) -> None:
    record, manifest = found.record, found.manifest
    title = readable(record.job_id)
    title.stylize("bold")
    outcome = outcome_text(record.outcome)
    is_complete = Text("  complete", "green") if manifest and manifest.complete else Text("  not complete", "yellow")
    heading = Text("  ").join((title, readable(record.function_name), outcome)).append_text(is_complete)
    console.print(heading, soft_wrap=True)
    addresses = store.addresses(record)
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
        "user data": record.user_data if isinstance(record.user_data, (str, type(None))) else dump(record.user_data),
        "decoding": record.decode.status,
        "record": addresses.record,
        "manifest": addresses.manifest if manifest else None,
    }
    print_values(console, known, indent=_INDENT)
    if found.left_out:
        whole = f": the whole record is {found.whole_uri}" if found.whole_uri else ""
        _section(console, f"too large for this store, and left out: {', '.join(found.left_out)}{whole}", [])
    _section(console, f"result: {result_summary(record)}", record.result.shown_rows())
    if manifest is None:
        _section(console, "files: there is no manifest yet, so no file was looked up", [])
    else:
        _show_manifest(manifest, console, has_files="files" not in found.left_out)
    if record.decode.warnings:
        _section(console, "warnings", [warning.model_dump() for warning in record.decode.warnings])


def _show_manifest(manifest: Manifest, console: Console, *, has_files: bool) -> None:
    files: list[Row] = [
        {
            "uri": file.uri,
            "exists": "not checked" if file.exists is None else file.exists,
            "size_bytes": file.size_bytes,
            "role": file.role,
            "media_type": file.media_type,
            "media": media_summary(file.media),
            "media_id": file.media_id,
        }
        for file in manifest.files
    ]
    if has_files:
        _section(console, _files_title(manifest), files)
    if manifest.problems:
        _section(console, "problems", [_shown(problem) for problem in manifest.problems])
    if manifest.notes:
        _section(console, "notes", [_shown(note) for note in manifest.notes])


def _shown(finding: Problem | Note) -> Row:
    """Return the row of a problem or a note, without the rule, with whose name the message begins."""
    return finding.model_dump(exclude={"rule"})


def _files_title(manifest: Manifest) -> str:
    """Return the numbers of files that exist and that were not checked."""
    if not manifest.files:
        return "files: none"
    unchecked = sum(file.exists is None for file in manifest.files)
    if unchecked == len(manifest.files):
        return f"files: {counted(unchecked, 'file')}, not checked"
    return f"files: {files_summary(manifest)} exist{f', {unchecked} not checked' if unchecked else ''}"


def _section(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Print a title, and below it the objects if there are any."""
    console.print()
    console.print(Text(printable(title), style="bold"), soft_wrap=True)
    print_objects(console, rows, indent=_INDENT)
