"""`redecode`: records and manifests made anew from the responses stored in them, and before that what would change."""

from __future__ import annotations

import math
import os
import sys
from datetime import datetime

import click
from rich.console import Console as RichConsole
from rich.text import Text

from ice_result.assembly import sink_context
from ice_result.calls import Deadline
from ice_result.cli.console import Console, printable, write_line
from ice_result.cli.inputs import line_per_job
from ice_result.cli.jobs_list import read_since
from ice_result.credentials import Credentials
from ice_result.jsontext import dump, valid_text
from ice_result.redaction import REDACTED, is_secret
from ice_result.settings import Settings
from ice_result.sinks import SinkContext, keeps_objects, open_sink
from ice_result.sinks.catalogue import JobFilter
from ice_result.sinks.oss_inspector import open_inspector
from ice_result.sinks.registry import holdings_of
from ice_result.upkeep.changes import Change
from ice_result.upkeep.redecode import Redecoded, RedecodedAs, Redecoder, Shelf, Shelves, redecode_all
from ice_result.values import JobId, JsonValue

_SECONDS_A_JOB = 60.0
_LONGEST_VALUE = 300
_COLOURS = {"changed": "green", "unchanged": "dim", "left": "yellow", "failed": "red"}


@click.command()
@click.argument("job_ids", nargs=-1, metavar="[JOB_ID]...")
@click.option("--function", "function_name", metavar="NAME", help="Only jobs of this function, as Cover.")
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: RFC 3339, a date, 24h, 7d."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many jobs.")
@click.option("--from", "source", metavar="URL", help="Where to read, in place of the first of ICE_RESULT_SINKS.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Where to write, in place of ICE_RESULT_SINKS.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be other.")
@line_per_job
def redecode(
    *,
    job_ids: tuple[str, ...],
    function_name: str | None,
    since: datetime | None,
    limit: int | None,
    source: str | None,
    sinks: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make records and manifests anew from the stored responses, without asking ICE; without a JOB_ID, all of them.

    Exit status: 0 when no job failed or had to be left alone, 1 otherwise, 2 for usage.
    """
    redecoder, concurrency = _redecoder(source, sinks, dry_run=dry_run)
    wanted = JobFilter(function_name=function_name, since=since)
    ids = dict.fromkeys(JobId(valid_text(job_id)) for job_id in job_ids)
    endless = Deadline.after(math.inf)  # places are listed while they are worked on, and each call has its own
    clean = True
    with Console(total=len(ids) or limit, as_json=as_json) as console:
        for redecoded in redecode_all(redecoder, ids, wanted, concurrency=concurrency, limit=limit, deadline=endless):
            clean = clean and redecoded.outcome in {"changed", "unchanged"}
            console.tally(_name(redecoded.outcome, dry_run=dry_run), 1)
            _show(redecoded, dry_run=dry_run, as_json=as_json)
    return 0 if clean else 1


def _redecoder(source: str | None, sinks: tuple[str, ...], *, dry_run: bool) -> tuple[Redecoder, int]:
    """What does the work, and how many jobs at once. Raises SettingsError."""
    named = [*([source] if source else []), *sinks]
    configured = os.environ.get("ICE_RESULT_SINKS") or ",".join(named)
    settings = Settings.for_looking_up(
        {**os.environ, "ICE_RESULT_SINKS": configured}, but=frozenset({"ICE_RESULT_VERIFY_OUTPUTS"})
    )
    context = sink_context(settings, Credentials())
    redecoder = Redecoder(
        _shelves(source or settings.sinks[0], sinks or settings.sinks, settings.sinks, context),
        inspector=open_inspector(context) if settings.verify_outputs else None,
        region=settings.region,
        deadline=lambda: Deadline.after(_SECONDS_A_JOB),
        dry_run=dry_run,
    )
    return redecoder, settings.concurrency


def _shelves(source: str, targets: tuple[str, ...], configured: tuple[str, ...], context: SinkContext) -> Shelves:
    """Each store opened once, however often it is named."""
    archives = [url for url in (source, *configured) if keeps_objects(url)]
    opened: dict[str, Shelf] = {}
    for url in dict.fromkeys((source, *targets, *archives)):
        sink = open_sink(url, context)
        opened[url] = Shelf(sink, holdings_of(sink))
    return Shelves(
        opened[source],
        [opened[url] for url in dict.fromkeys(targets)],
        [opened[url] for url in dict.fromkeys(archives)],
    )


def _name(outcome: RedecodedAs, *, dry_run: bool) -> str:
    """What it is counted under."""
    if outcome == "changed" and dry_run:
        return "would be changed"
    return "left alone" if outcome == "left" else outcome


def _show(redecoded: Redecoded, *, dry_run: bool, as_json: bool) -> None:
    """To people, one that is as it was is only counted."""
    redecoded = redecoded.model_copy(update={"changes": tuple(map(_clean, redecoded.changes))})
    if as_json:
        write_line(dump(redecoded.model_dump(mode="json")))
    elif redecoded.outcome != "unchanged":
        out = RichConsole(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
        for line in _lines(redecoded, dry_run=dry_run):
            out.print(line)


def _lines(redecoded: Redecoded, *, dry_run: bool) -> list[Text]:
    first = Text(f"{redecoded.outcome:<9} ", style=_COLOURS[redecoded.outcome])
    first.append(printable(redecoded.job_id or redecoded.place), style="bold")
    parts = [redecoded.function_name, *redecoded.sinks]
    first.append("".join(f"  {printable(part)}" for part in parts if part), style="default")
    if redecoded.reason:
        first.append(f"  ({printable(redecoded.reason)})", style="default")
    if redecoded.outcome != "changed" or not dry_run:
        return [first]
    if not redecoded.changes:
        return [first, Text("    no other values: not there yet, or written differently", style="dim")]
    return [first, *(line for change in redecoded.changes for line in _change(change))]


def _change(change: Change) -> list[Text]:
    """As in a diff: what goes, and what comes."""
    lines = []
    if change.op != "add":
        lines.append(Text(f"  - {printable(change.path)}: {_value(change.old)}", style="red"))
    if change.op != "remove":
        lines.append(Text(f"  + {printable(change.path)}: {_value(change.new)}", style="green"))
    return lines


def _clean(change: Change) -> Change:
    """`change` without secrets: earlier versions may have kept more than this one does."""
    secret = any(is_secret(name) for name in change.path.split("/"))
    known = [field for field in ("old", "new") if getattr(change, field) is not None]
    return change.model_copy(update=dict.fromkeys(known, REDACTED) if secret else {})


def _value(value: JsonValue) -> str:
    shown = printable(dump(value))
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[: _LONGEST_VALUE - 1]}…"
