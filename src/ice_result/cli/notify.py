"""`notify`: the notifications of recorded jobs are sent again."""

from __future__ import annotations

from datetime import datetime

import click

from ice_result.app import open_notifier, sink_context
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import credentials_of_stores
from ice_result.cli.options import (
    Overrides,
    concurrency,
    most,
    of_function,
    options,
    output_form,
    overriding,
    read_since,
    region,
)
from ice_result.cli.output import write_line
from ice_result.core import threads
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump, valid_text
from ice_result.core.types import JobId
from ice_result.maintenance.notify_again import AgainNotifier, ToldAgain
from ice_result.notify.urls import notify_url
from ice_result.settings import NOTIFICATIONS, Settings
from ice_result.sinks import open_sink
from ice_result.sinks.base import JobFilter
from ice_result.triggers import without_blanks

_SECONDS_PER_JOB = 60.0
_COLOURS = {"notified": "green", "would_notify": "green", "skipped": "dim", "failed": "red"}


@click.command(
    short_help="Send the notifications of recorded jobs again.",
    epilog="Example: ice-result notify --since 24h --target mns://finished-jobs",
)
@options(
    click.argument("job_ids", nargs=-1, metavar="[JOB_ID]..."),
    of_function(),
    click.option(
        "--since",
        callback=read_since,
        metavar="TIME",
        help="All jobs finished since: 24h, 7d, a date (UTC), or RFC 3339.",
    ),
    most("Maximum number of jobs."),
    click.option(
        "--target",
        "targets",
        metavar="URL",
        multiple=True,
        help="Notify only this target of ICE_RESULT_NOTIFY, given as its URL without the query. May be given several "
        "times.",
    ),
)
@overriding(region, concurrency)
@click.option("--dry-run", is_flag=True, help="Send nothing; show which targets would be notified.")
@output_form
def notify(
    *,
    job_ids: tuple[str, ...],
    function_name: str | None,
    since: datetime | None,
    limit: int | None,
    targets: tuple[str, ...],
    overrides: Overrides,
    dry_run: bool,
    form: OutputForm,
) -> int:
    """Send the notifications of recorded jobs to the targets of ICE_RESULT_NOTIFY again, even acknowledged ones.

    The jobs are read from the first store of ICE_RESULT_SINKS. The filters of each target apply. A notification that is
    sent again has the same id, unless the record or the manifest has changed.

    Exit status: 0 when no notification failed, even if no target's filters match, 1 otherwise, 2 for wrong usage.
    """
    if bool(job_ids) == bool(since):
        raise click.UsageError("expected either JOB_ID or --since" if job_ids else "expected a JOB_ID, or --since")
    if job_ids and function_name:
        raise click.UsageError("--function selects among the jobs of --since, and not with JOB_ID")
    settings = Settings.from_environment(overrides.environment(), NOTIFICATIONS)
    only = _names(settings, targets)
    credentials = credentials_of_stores(settings, settings.sinks[:1])
    sink = open_sink(settings.sinks[0], sink_context(settings, credentials))
    sink.check_exists()
    again = AgainNotifier(
        open_notifier(settings, credentials), sink, lambda: Deadline.after(_SECONDS_PER_JOB), only, dry_run
    )
    ids = dict.fromkeys(JobId(valid_text(without_blanks(job_id))) for job_id in job_ids)
    results = (
        again.tell_jobs([*ids][:limit], concurrency=settings.concurrency)
        if ids
        else again.tell_since(
            JobFilter(function_name=function_name, since=since), most=limit, concurrency=settings.concurrency
        )
    )
    clean = True
    with JobPrinter(form, total=len(ids) or limit, if_nothing="0 jobs") as printer, finishing(threads.pool):
        for told in results:
            clean = clean and told.outcome != "failed"
            printer.add("would be notified" if told.outcome == "would_notify" else told.outcome, 1)
            _show(printer, told, form)
    return 0 if clean else 1


def _names(settings: Settings, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of these targets of ICE_RESULT_NOTIFY. Raises UsageError for one that is not there."""
    known = [url.name for url in settings.notify]
    names = tuple(map(_name, targets))
    for target, name in zip(targets, names, strict=True):
        if name not in known:
            raise click.UsageError(f"--target {target}: not in ICE_RESULT_NOTIFY, which has {', '.join(known)}")
    return names


def _name(target: str) -> str:
    """Return the name of a target in any spelling of its URL; what is not such a URL stays as it is."""
    try:
        return notify_url(target).name
    except ValueError:
        return target


def _show(printer: JobPrinter, told: ToldAgain, form: OutputForm) -> None:
    """Print one line of JSON, or one for people; with --quiet only what failed."""
    if form.as_json:
        write_line(dump(told.as_json()))
        return
    errors = "; ".join(f"{name}: {error}" for name, error in told.refused)
    note = "; ".join(filter(None, (errors, told.reason))) or None
    if form.quiet and told.outcome == "failed":
        printer.print_error(f"failed {told.job_id}: {note}")
    printer.line(
        f"{told.outcome.replace('_', ' '):<13}",
        _COLOURS[told.outcome],
        told.job_id,
        told.function_name,
        ", ".join(told.targets if told.outcome == "would_notify" else told.notified) or None,
        note=note,
        needs_attention=told.outcome == "failed",
    )
