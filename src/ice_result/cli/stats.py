"""`stats`: statistics of a store for monitoring, as tables, as JSON, or as OpenMetrics text."""

from __future__ import annotations

from datetime import datetime, timezone

import click
from rich.console import Console

from ice_result.app import open_parking_stores, sink_context
from ice_result.cli.keys import credentials_of_stores
from ice_result.cli.open_metrics import open_metrics
from ice_result.cli.options import SECONDS, Overrides, one_sink, overriding, read_since, region
from ice_result.cli.output import counted, outcome_text, printable, readable, standard_output, write_line
from ice_result.cli.stored_jobs import note_when_slow
from ice_result.cli.tables import Row, print_table, print_values
from ice_result.core.deadline import Deadline, time_limit
from ice_result.maintenance.stats import Stats, read_stats
from ice_result.settings import STORES_AND_PARKING, Settings
from ice_result.sinks import open_sink
from ice_result.sinks.base import JobFilter

_INDENT = 2
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@click.command(
    short_help="Print statistics for monitoring: jobs, lag, parked events.",
    epilog="Example: ice-result stats --since 24h --openmetrics",
)
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: 24h, 7d, a date (UTC), or RFC 3339."
)
@overriding(one_sink, region)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.option("--openmetrics", "as_metrics", is_flag=True, help="Print OpenMetrics text, for Prometheus.")
def stats(*, since: datetime | None, overrides: Overrides, as_json: bool, as_metrics: bool) -> None:
    """Print statistics of a store: jobs by function and outcome, lag, parked and dead events, overdue notes.

    The lag is the time from the end of a job in ICE to the last write of its manifest; only object stores know it.
    Output minutes are the total duration of the output files that exist and whose duration is known (ICE_RESULT_PROBE).
    Each file of a job counts, such as both of a MusicDemix; empty, truncated and wrong_type files do not.
    Parked events and notes are counted in all stores that keep them, and --since does not apply to them. If a store
    cannot be read, nothing is printed. Damaged records are counted separately.

    Exit status: 0 when all stores could be read, 1 otherwise, 2 for wrong usage.
    """
    if as_json and as_metrics:
        raise click.UsageError("use only one of --json and --openmetrics")
    settings = Settings.from_environment(overrides.parking_environment(), STORES_AND_PARKING)
    credentials = credentials_of_stores(settings, (settings.sinks[0], *settings.parking_urls))
    store = open_sink(settings.sinks[0], sink_context(settings, credentials))
    parking_stores = open_parking_stores(settings, credentials)
    with time_limit(Deadline.after(SECONDS)), note_when_slow(store, JobFilter(since=since)):
        store.check_exists()
        if settings.park_url is None:  # the first parked event makes that of ICE_RESULT_PARK_URL
            for each in parking_stores:
                each.check_exists()
        found = read_stats(store, parking_stores, since, datetime.now(timezone.utc))
    if as_json:
        write_line(found.model_dump_json())
    elif as_metrics:
        click.echo(open_metrics(found).encode(), nl=False)
    else:
        _print(found, standard_output())


def _print(stats: Stats, console: Console) -> None:
    since = f" finished since {readable(stats.since)}" if stats.since else ""
    unreadable = f", {counted(stats.unreadable, 'damaged record')}" if stats.unreadable else ""
    incomplete = f", {stats.incomplete} incomplete{unreadable}, in {printable(stats.sink)}"
    console.print(f"{counted(stats.jobs, 'job')}{since}{incomplete}", soft_wrap=True)
    groups: list[Row] = [
        {
            "function": group.function,
            "outcome": outcome_text(group.outcome),
            "jobs": group.jobs,
            "incomplete": group.incomplete,
            "output minutes": None if group.output_seconds is None else round(group.output_seconds / 60, 2),
        }
        for group in stats.groups
    ]
    print_table(console, groups, indent=_INDENT)
    if lag := stats.lag:
        console.print(f"lag from the end of a job to its manifest, of {counted(lag.jobs, 'job')}", soft_wrap=True)
        seconds = {"median": lag.median_seconds, "95 %": lag.p95_seconds, "maximum": lag.max_seconds}
        print_values(console, {name: _duration(value) for name, value in seconds.items()}, indent=_INDENT)
    if stats.overdue:  # one for each store that keeps parked events and notes
        _print_unfinished(stats, console)


def _print_unfinished(stats: Stats, console: Console) -> None:
    several = len(stats.overdue) > 1
    for title, dead in (("parked", False), ("dead", True)):
        rows: list[Row] = [
            {
                "reason": group.reason,
                "events": group.events,
                "oldest": _duration(group.oldest_seconds),
                "store": group.sink if several else None,
            }
            for group in stats.parked
            if group.dead is dead
        ]
        number = sum(group.events for group in stats.parked if group.dead is dead)
        console.print(f"{counted(number, f'{title} event')}", soft_wrap=True)
        print_table(console, rows, indent=_INDENT)
    for each in stats.overdue:
        age = "" if each.oldest_seconds is None else f", the earliest for {_duration(each.oldest_seconds)}"
        place = f", in {printable(each.sink)}" if several else ""
        console.print(f"{counted(each.notes, 'overdue note')}{age}{place}", soft_wrap=True)


def _duration(seconds: float) -> str:
    """Return a duration in its two largest units: `3 d 4 h`, `1 min 5 s`, `0.4 s`."""
    if seconds < 1:
        return f"{seconds:.3g} s"
    left = round(seconds)
    parts = []
    for unit, length in _UNITS:
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])
