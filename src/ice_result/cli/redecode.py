"""`redecode` and `verify`: stored jobs written again, from their responses or with new facts of their files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import click
from rich.text import Text

from ice_result.app import open_checking, sink_context
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import credentials_of_stores
from ice_result.cli.options import Overrides, concurrency, most, of_function, options, output_form, read_since, region
from ice_result.cli.output import printable, with_suspicious, write_line
from ice_result.core import threads
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump, valid_text
from ice_result.core.redaction import REDACTED, is_secret
from ice_result.core.types import JobId, JsonValue
from ice_result.errors import SettingsError
from ice_result.maintenance.changes import Change
from ice_result.maintenance.rebuilt_manifests import ManifestSource, Verifier, stored_manifest
from ice_result.maintenance.redecode import (
    RewriteOutcome,
    Rewriter,
    Rewritten,
    RewrittenStores,
    rewrite_all,
)
from ice_result.report.visible import cut
from ice_result.settings import STORES_AND_OUTPUTS, STORES_AND_PROBE, Section, Settings
from ice_result.sinks import SinkContext, Store, capabilities_of, open_sink, parse_sink_url
from ice_result.sinks.base import JobFilter
from ice_result.sinks.object.oss import open_inspector
from ice_result.sinks.registry import SinkUrl
from ice_result.triggers import without_blanks

_SECONDS_PER_JOB = 60.0
_LONGEST_VALUE = 300
_COLOURS = {"changed": "green", "unchanged": "dim", "left": "yellow", "failed": "red"}
_of_stored_jobs = options(
    click.argument("job_ids", nargs=-1, metavar="[JOB_ID]..."),
    of_function(),
    click.option(
        "--since",
        callback=read_since,
        metavar="TIME",
        help="Only jobs finished since: 24h, 7d, a date (UTC), or RFC 3339.",
    ),
    most("Maximum number of jobs."),
    click.option("--from", "source", metavar="URL", help="Read this store instead of the first of ICE_RESULT_SINKS."),
    click.option(
        "--sink",
        "sinks",
        metavar="URL",
        multiple=True,
        help="Write to this store instead of ICE_RESULT_SINKS. May be given several times.",
    ),
    region,
    concurrency,
    click.option("--dry-run", is_flag=True, help="Write nothing; show the differences."),
    output_form,
)


@dataclass(frozen=True)
class _Request:
    """Values of the options: the stored jobs, and the stores that are read and written."""

    job_ids: tuple[str, ...]
    function_name: str | None
    since: datetime | None
    limit: int | None
    source: str | None
    sinks: tuple[str, ...]
    dry_run: bool
    region: str | None
    concurrency: str | None
    as_json: bool
    quiet: bool
    verbose: bool

    def settings(self, section: Section) -> Settings:
        for option, url in [("--from", self.source), *(("--sink", sink) for sink in self.sinks)]:
            if url is not None:
                _given_url(option, url)
        named = [*([self.source] if self.source else []), *self.sinks]
        sinks = () if os.environ.get("ICE_RESULT_SINKS") else named
        overrides = Overrides(sinks, region=self.region, concurrency=self.concurrency)
        return Settings.from_environment(overrides.environment(), section)

    def printer(self) -> JobPrinter:
        form = OutputForm(self.as_json, self.quiet, self.verbose)
        total = len(dict.fromkeys(self.job_ids)) or self.limit
        return JobPrinter(form, total=total, if_nothing="0 jobs")

    def rewrite(self, settings: Settings, context: SinkContext, manifest: ManifestSource) -> Iterator[Rewritten]:
        source = parse_sink_url(self.source) if self.source else settings.sinks[0]
        targets = tuple(map(parse_sink_url, self.sinks)) or settings.sinks
        stores = _stores(source, targets, settings.sinks, context)
        stores.source.check_exists()
        rewriter = Rewriter(
            stores,
            manifest,
            region=settings.region,
            deadline=lambda: Deadline.after(_SECONDS_PER_JOB),
            dry_run=self.dry_run,
        )
        ids = dict.fromkeys(JobId(valid_text(without_blanks(job_id))) for job_id in self.job_ids)
        wanted = JobFilter(function_name=self.function_name, since=self.since)
        return rewrite_all(rewriter, ids, wanted, concurrency=settings.concurrency, limit=self.limit)

    def summary_name(self, outcome: RewriteOutcome) -> str:
        if outcome == "changed" and self.dry_run:
            return "would be changed"
        return "skipped" if outcome == "left" else outcome

    def show(self, printer: JobPrinter, rewritten: Rewritten, note: str | None) -> None:
        """Print a result as one line of JSON, or for people with a `note`, and for a dry run with the differences."""
        changes = tuple(map(_without_secrets, rewritten.changes))
        if self.as_json:
            write_line(dump(rewritten.model_copy(update={"changes": changes}).model_dump(mode="json")))
            return
        name, parts = rewritten.job_id or rewritten.place, (rewritten.function_name, *rewritten.sinks)
        status, colour = f"{rewritten.outcome:<9}", _COLOURS[rewritten.outcome]
        is_problem = rewritten.outcome in {"left", "failed"} or self.dry_run
        is_shown = printer.line(status, colour, name, *parts, note=note, needs_attention=is_problem)
        if is_shown and rewritten.outcome == "changed" and self.dry_run:
            for line in _lines(changes):
                printer.detail(line)


def _given_url(option: str, url: str) -> None:
    """Check the URL that an option names. Raises SettingsError, which names the option."""
    try:
        parse_sink_url(url)
    except SettingsError as error:
        raise SettingsError([(option, problem) for _, problem in error.problems]) from error


def _stores(
    source: SinkUrl, targets: Sequence[SinkUrl], configured: Sequence[SinkUrl], context: SinkContext
) -> RewrittenStores:
    """Open each store once, also when several options name it."""
    archives = [url for url in (source, *configured) if capabilities_of(url).keeps == "objects"]
    opened: dict[SinkUrl, Store] = {
        url: open_sink(url, context) for url in dict.fromkeys((source, *targets, *archives))
    }
    return RewrittenStores(
        opened[source],
        [opened[url] for url in dict.fromkeys(targets)],
        [opened[url] for url in dict.fromkeys(archives)],
    )


def _lines(changes: Sequence[Change]) -> Iterator[Text]:
    if not changes:
        yield Text(
            "    no value differs: the document is missing in this store, or has another form there", style="dim"
        )
    for change in changes:
        if change.op != "add":
            yield Text(f"  - {printable(change.path)}: {_value(change.old)}", style="red")
        if change.op != "remove":
            yield Text(f"  + {printable(change.path)}: {_value(change.new)}", style="green")


def _without_secrets(change: Change) -> Change:
    """Remove secrets from a change: documents of earlier versions may contain more of them."""
    secret = any(is_secret(name) for name in change.path.split("/"))
    known = [field for field in ("old", "new") if getattr(change, field) is not None]
    return change.model_copy(update=dict.fromkeys(known, REDACTED) if secret else {})


def _value(value: JsonValue) -> str:
    return cut(printable(dump(value)), _LONGEST_VALUE)


@click.command(
    short_help="Look up the output files of recorded jobs again.", epilog="Example: ice-result verify --since 7d"
)
@_of_stored_jobs
@click.pass_context
def verify(context: click.Context, /, **_options: object) -> int:
    """Look up the output files of stored jobs again, and write manifests with the files that exist now.

    Parts of each file are read, and the rules are applied, unless ICE_RESULT_PROBE is off. Without JOB_ID, all jobs.
    If a file no longer exists, an incomplete manifest replaces the complete one. The command does not ask ICE. It also
    works with ICE_RESULT_VERIFY_OUTPUTS=off.

    Exit status: 0 when all jobs are complete, 1 otherwise, 2 for wrong usage.
    """
    request = _Request(**context.params)
    settings = request.settings(STORES_AND_PROBE)
    sink_settings = sink_context(settings, credentials_of_stores(settings, settings.sinks))
    open_inspector(sink_settings).require_settings()
    all_complete = True
    verifier = Verifier(*open_checking(settings, sink_settings))
    results = request.rewrite(settings, sink_settings, verifier.manifest)
    with request.printer() as printer, finishing(threads.pool):
        for rewritten in results:
            is_complete = rewritten.complete is True
            all_complete = all_complete and is_complete
            if rewritten.complete is None:
                printer.add(request.summary_name(rewritten.outcome), 1)
            else:
                suspicious = int(bool(rewritten.suspicious))
                printer.add("verified", 1, complete=int(is_complete), suspicious=suspicious)
            if request.as_json or not is_complete or rewritten.suspicious or rewritten.outcome != "unchanged":
                note = rewritten.reason or with_suspicious(rewritten.incomplete, rewritten.suspicious)
                request.show(printer, rewritten, note)
    return 0 if all_complete else 1


@click.command(
    short_help="Rebuild records from the stored responses.",
    epilog="Example: ice-result redecode --dry-run --since 7d",
)
@_of_stored_jobs
@click.pass_context
def redecode(context: click.Context, /, **_options: object) -> int:
    """Rebuild records and manifests from the stored responses, without asking ICE. Without JOB_ID, all jobs.

    Exit status: 0 when no job failed or was skipped, 1 otherwise, 2 for wrong usage.
    """
    request = _Request(**context.params)
    settings = request.settings(STORES_AND_OUTPUTS)
    sink_settings = sink_context(settings, credentials_of_stores(settings, settings.sinks))
    manifest = partial(stored_manifest, open_inspector(sink_settings) if settings.verify_outputs else None)
    clean = True
    results = request.rewrite(settings, sink_settings, manifest)
    with request.printer() as printer, finishing(threads.pool):
        for rewritten in results:
            clean = clean and rewritten.outcome in {"changed", "unchanged"}
            printer.add(request.summary_name(rewritten.outcome), 1)
            if request.as_json or rewritten.outcome != "unchanged":
                request.show(printer, rewritten, rewritten.reason)
    return 0 if clean else 1
