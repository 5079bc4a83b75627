"""`redecode`: records and manifests made anew from the responses stored in them, and before that what would change."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps

import click
from rich.console import Console
from rich.text import Text

from ice_result.app import sink_context
from ice_result.cli.inputs import line_per_job
from ice_result.cli.jobs_list import read_since
from ice_result.cli.output import OutcomePrinter, printable, write_line
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump, valid_text
from ice_result.core.redaction import REDACTED, is_secret
from ice_result.core.types import JobId, JsonValue
from ice_result.maintenance.file_facts import NewFacts, StoredFacts
from ice_result.maintenance.json_diff import Change
from ice_result.maintenance.redecode import (
    FileFacts,
    Rewriter,
    Rewritten,
    RewrittenAs,
    RewrittenStores,
    rewrite_all,
)
from ice_result.settings import STORES, STORES_AND_OUTPUTS, Section, Settings
from ice_result.sinks import SinkContext, Store, capabilities_of, open_sink, parse_sink_url
from ice_result.sinks.base import JobFilter
from ice_result.sinks.object.oss_inspector import open_inspector
from ice_result.sinks.registry import SinkUrl
from ice_result.triggers import without_blanks

_SECONDS_A_JOB = 60.0
_LONGEST_VALUE = 300
_COLOURS = {"changed": "green", "unchanged": "dim", "left": "yellow", "failed": "red"}
_OPTIONS = (
    click.argument("job_ids", nargs=-1, metavar="[JOB_ID]..."),
    click.option("--function", "function_name", metavar="NAME", help="Only jobs of this function, as Cover."),
    click.option(
        "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: RFC 3339, a date, 24h, 7d."
    ),
    click.option("--limit", type=click.IntRange(min=1), help="At most so many jobs."),
    click.option("--from", "source", metavar="URL", help="Where to read, in place of the first of ICE_RESULT_SINKS."),
    click.option("--sink", "sinks", metavar="URL", multiple=True, help="Where to write, in place of ICE_RESULT_SINKS."),
    click.option("--dry-run", is_flag=True, help="Write nothing; show what would be different."),
    line_per_job,
)


@dataclass(frozen=True)
class Asked:
    """Which stored jobs a command is about, and where they are read and written."""

    job_ids: tuple[str, ...]
    wanted: JobFilter
    limit: int | None
    source: str | None
    sinks: tuple[str, ...]
    dry_run: bool
    as_json: bool

    def settings(self, section: Section = STORES) -> Settings:
        """Read the settings of a section of the stores. Raises SettingsError."""
        named = [*([self.source] if self.source else []), *self.sinks]
        configured = os.environ.get("ICE_RESULT_SINKS") or ",".join(named)
        return Settings.from_environment({**os.environ, "ICE_RESULT_SINKS": configured}, section)

    def console(self) -> OutcomePrinter:
        """Where progress and the summary are shown."""
        return OutcomePrinter(total=len(dict.fromkeys(self.job_ids)) or self.limit, as_json=self.as_json)

    def rewrite(self, settings: Settings, context: SinkContext, facts: FileFacts) -> Iterator[Rewritten]:
        """Write the jobs again, with these facts of their files."""
        source = parse_sink_url(self.source) if self.source else settings.sinks[0]
        targets = tuple(map(parse_sink_url, self.sinks)) or settings.sinks
        rewriter = Rewriter(
            _stores(source, targets, settings.sinks, context),
            facts,
            region=settings.region,
            deadline=lambda: Deadline.after(_SECONDS_A_JOB),
            dry_run=self.dry_run,
        )
        ids = dict.fromkeys(JobId(valid_text(without_blanks(job_id))) for job_id in self.job_ids)
        return rewrite_all(rewriter, ids, self.wanted, concurrency=settings.concurrency, limit=self.limit)


def of_stored_jobs(command: Callable[[Asked], int]) -> Callable[..., int]:
    """Give a command the options that say which jobs, and hand them over as one."""

    @wraps(command)
    def run(
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
        wanted = JobFilter(function_name=function_name, since=since)
        return command(Asked(job_ids, wanted, limit, source, sinks, dry_run, as_json))

    with_options: Callable[..., int] = run
    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _stores(
    source: SinkUrl, targets: Sequence[SinkUrl], configured: Sequence[SinkUrl], context: SinkContext
) -> RewrittenStores:
    """Each store opened once, however often it is named."""
    archives = [url for url in (source, *configured) if capabilities_of(url).keeps == "objects"]
    opened: dict[SinkUrl, Store] = {
        url: open_sink(url, context) for url in dict.fromkeys((source, *targets, *archives))
    }
    return RewrittenStores(
        opened[source],
        [opened[url] for url in dict.fromkeys(targets)],
        [opened[url] for url in dict.fromkeys(archives)],
    )


def name_of(outcome: RewrittenAs, *, dry_run: bool) -> str:
    """What a job that came to this outcome is counted under."""
    if outcome == "changed" and dry_run:
        return "would be changed"
    return "left alone" if outcome == "left" else outcome


def show(rewritten: Rewritten, note: str | None, asked: Asked) -> None:
    """One line of JSON, or for people a line with a `note`, and with a dry run what would be different."""
    rewritten = rewritten.model_copy(update={"changes": tuple(map(_clean, rewritten.changes))})
    if asked.as_json:
        write_line(dump(rewritten.model_dump(mode="json")))
        return
    out = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
    for line in _lines(rewritten, note, dry_run=asked.dry_run):
        out.print(line)


def _lines(rewritten: Rewritten, note: str | None, *, dry_run: bool) -> list[Text]:
    first = Text(f"{rewritten.outcome:<9} ", style=_COLOURS[rewritten.outcome])
    first.append(printable(rewritten.job_id or rewritten.place), style="bold")
    parts = [rewritten.function_name, *rewritten.sinks]
    first.append("".join(f"  {printable(part)}" for part in parts if part), style="default")
    if note:
        first.append(f"  ({printable(note)})", style="default")
    if rewritten.outcome != "changed" or not dry_run:
        return [first]
    if not rewritten.changes:
        return [first, Text("    no other values: not there yet, or written differently", style="dim")]
    return [first, *(line for change in rewritten.changes for line in _change(change))]


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


@click.command()
@of_stored_jobs
def verify(asked: Asked) -> int:
    """Look up the output files of stored jobs again, and write manifests that say what is there now.

    Without a JOB_ID, all of them. A manifest that was complete is taken back when a file is no longer there. ICE is
    not asked, and ICE_RESULT_VERIFY_OUTPUTS=off does not switch this off.

    Exit status: 0 when all are complete, 1 otherwise, 2 for usage.
    """
    settings, credentials = asked.settings(), Credentials()
    context = sink_context(settings, credentials)
    inspector = open_inspector(context)
    inspector.client.endpoint()  # without a region or keys no file could be looked up, and each would count as lacking
    credentials.keys()
    all_complete = True
    with asked.console() as console:
        for rewritten in asked.rewrite(settings, context, NewFacts(inspector)):
            is_complete = rewritten.complete is True
            all_complete = all_complete and is_complete
            if rewritten.complete is None:
                console.tally(name_of(rewritten.outcome, dry_run=asked.dry_run), 1)
            else:
                console.tally("verified", 1, complete=int(is_complete))
            if asked.as_json or not is_complete or rewritten.outcome != "unchanged":
                show(rewritten, rewritten.reason or rewritten.incomplete, asked)
    return 0 if all_complete else 1


@click.command()
@of_stored_jobs
def redecode(asked: Asked) -> int:
    """Make records and manifests anew from the stored responses, without asking ICE; without a JOB_ID, all of them.

    Exit status: 0 when no job failed or had to be left alone, 1 otherwise, 2 for usage.
    """
    settings = asked.settings(STORES_AND_OUTPUTS)
    context = sink_context(settings, Credentials())
    facts = StoredFacts(open_inspector(context) if settings.verify_outputs else None)
    clean = True
    with asked.console() as console:
        for rewritten in asked.rewrite(settings, context, facts):
            clean = clean and rewritten.outcome in {"changed", "unchanged"}
            console.tally(name_of(rewritten.outcome, dry_run=asked.dry_run), 1)
            if asked.as_json or rewritten.outcome != "unchanged":
                show(rewritten, rewritten.reason, asked)
    return 0 if clean else 1
