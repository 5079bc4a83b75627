"""`parked list`, `show`, `retry` and `discard`: the events that could not be finished."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import click
from rich.console import Console
from rich.text import Text

from ice_result.app import assemble, open_parking_stores
from ice_result.cli.job_printer import JobPrinter, OutputForm
from ice_result.cli.keys import credentials_of_stores, usable_credentials
from ice_result.cli.options import SECONDS, line_per_job, longest_wait, options, read_since
from ice_result.cli.output import (
    cut,
    print_error,
    printable,
    standard_output,
    write_line,
)
from ice_result.cli.tables import print_objects, print_table, print_values
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump, valid_text
from ice_result.core.redaction import clean, redact
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError
from ice_result.maintenance.listing import ParkedEntry, list_parked
from ice_result.maintenance.retry import ParkedEnvelope, discard, read_envelopes, retry
from ice_result.processing.batch import RunContext
from ice_result.settings import PARKING, Settings
from ice_result.sinks.object.layout import file_name
from ice_result.sinks.parked_model import DEAD
from ice_result.triggers import without_blanks

_LONGEST_MESSAGE = 120
_SECONDS_EACH = 60.0
_DONE = {"recorded", "ignored"}
_filters = options(
    click.option("--reason", "reasons", metavar="REASON", multiple=True, help="Only events parked for this reason."),
    click.option("--since", callback=read_since, metavar="TIME", help="Only events parked since: as for `list`."),
    click.option("--sink", "sinks", metavar="URL", multiple=True, help="Read this store, in place of all that park."),
)


@dataclass(frozen=True)
class _Selection:
    """Selected events, the oldest first. `whole` is false when a store could not be read or a name was not found."""

    entries: list[ParkedEntry]
    whole: bool

    def counts(self) -> str:
        """Return the number of events, in all and by reason."""
        by_reason = Counter(entry.reason for entry in self.entries)
        counted = ", ".join(f"{number} {printable(reason)}" for reason, number in sorted(by_reason.items()))
        return f"{len(self.entries)} parked{': ' if counted else ''}{counted}"


def _select(
    sinks: Sequence[str],
    names: Sequence[str] = (),
    reasons: Sequence[str] = (),
    since: datetime | None = None,
    *,
    dead: bool = True,
) -> _Selection:
    """Select events in the stores. `names` are keys, addresses or job ids. Without filters, all events are selected.

    A name that is not found, and a store that cannot be read, are printed as errors.
    """
    settings = Settings.from_environment(_parking_environment(sinks), PARKING)
    stores = open_parking_stores(settings, credentials_of_stores(settings, settings.parking_urls))
    found: list[ParkedEntry] = []
    whole = True
    for store in stores:
        try:
            with time_limit(Deadline.after(SECONDS)):
                found += list_parked([store], frozenset(reasons) or None)
        except IceResultError as error:
            print_error(str(error))
            whole = False
    found.sort(key=lambda entry: (entry.written, entry.key))
    unknown = [name for name in names if not any(_means(name, entry) for entry in found)]
    for name in unknown:
        print_error(f"no parked event {valid_text(name)} in {', '.join(store.url for store in stores)}")
    if names:
        found = [entry for entry in found if any(_means(name, entry) for name in names)]
    if since:
        found = [entry for entry in found if entry.written >= since]
    entries = [entry for entry in found if dead or entry.reason != DEAD]
    if len(entries) < len(found):
        print_error(f"{len(found) - len(entries)} dead left alone: see --dead")
    return _Selection(entries, whole and not unknown)


def _parking_environment(sinks: Sequence[str]) -> dict[str, str]:
    """Return the environment with these stores in place of all that park."""
    if not sinks:
        return {**os.environ}
    return {**os.environ, "ICE_RESULT_SINKS": ",".join(sinks), "ICE_RESULT_PARK_URL": ""}


def _means(name: str, entry: ParkedEntry) -> bool:
    """Return True when the name is the key, an address that ends in the key, or the job id."""
    name = without_blanks(valid_text(name))
    return name == entry.key or name.endswith(f"/{entry.key}") or entry.key.rpartition("/")[2] == file_name(name)


def _summary(envelope: ParkedEnvelope) -> JsonObject:
    """Return the JSON line of an envelope. That of a damaged one has only its store, key and time."""
    entry, parked = envelope.entry, envelope.parked
    place: JsonObject = {"sink": entry.store.url, "key": entry.key, "written": entry.written.isoformat()}
    if parked is None:
        return {**place, "damaged": True, "reason": entry.reason}
    fields = {"reason", "job_id", "attempts", "first_parked", "last_parked", "dead", "sinks", "error"}
    known: JsonObject = parked.model_dump(mode="json", include=fields)
    return {**place, "damaged": False, **known}


def _show_list(envelopes: Iterable[ParkedEnvelope], *, as_json: bool) -> None:
    """Print one JSON line for each envelope, or a table of all."""
    if as_json:
        for envelope in envelopes:
            write_line(dump(_summary(envelope)))
    elif rows := [_row(envelope) for envelope in envelopes]:
        print_table(standard_output(), rows, may_be_cut="error")


def _row(envelope: ParkedEnvelope) -> dict[str, object]:
    entry, parked = envelope.entry, envelope.parked
    message = parked.error.message if parked else "damaged: no envelope of this version"
    return {
        "reason": parked.reason if parked else entry.reason,
        "job or key": (parked and parked.job_id) or entry.key,
        "attempts": parked and parked.attempts,
        "first parked": parked and parked.first_parked,
        "last parked": (parked and parked.last_parked) or entry.written,
        "dead": True if parked and parked.dead else None,
        "error": cut(message, _LONGEST_MESSAGE),
    }


@click.group()
def parked() -> None:
    """List, show, retry or remove the events that could not be finished."""


@parked.command(name="list")
@_filters
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Maximum number of events.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per event.")
def parked_list(
    *, reasons: tuple[str, ...], since: datetime | None, sinks: tuple[str, ...], limit: int, as_json: bool
) -> int:
    """List parked events, the oldest first, and count them by reason; dead events are counted separately.

    Exit status: 0 when all stores could be read, 1 otherwise, 2 for usage.
    """
    selection = _select(sinks, (), reasons, since)
    _show_list(read_envelopes(selection.entries[:limit], Deadline.after(SECONDS)), as_json=as_json)
    if not as_json:
        click.echo(selection.counts(), err=True)
    if len(selection.entries) > limit:
        print_error(f"there are more than these {limit}: see --limit, --reason and --since")
    return 0 if selection.whole else 1


@parked.command(name="show")
@click.argument("name", metavar="JOB_ID|KEY")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Read this store, in place of all that park.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per envelope, with its store and key.")
def parked_show(*, name: str, sinks: tuple[str, ...], as_json: bool) -> int:
    """Show a parked event with its earlier attempts; all envelopes when a job has several.

    Exit status: 0 when the event is there, 1 when it is not, 2 for usage.
    """
    selection = _select(sinks, (name,))
    for envelope in read_envelopes(selection.entries, Deadline.after(SECONDS)):
        place: JsonObject = {"sink": envelope.entry.store.url, "key": envelope.entry.key}
        if not as_json:
            _show(envelope, standard_output())
        elif envelope.parked is None:
            write_line(dump({**place, "envelope": None, "text": _text(envelope)}))
        else:
            document = clean(envelope.parked.model_dump(mode="json", by_alias=True))
            write_line(dump({**place, "envelope": document}))
    return 0 if selection.whole else 1


def _text(envelope: ParkedEnvelope) -> str:
    return redact(envelope.text.decode(errors="replace"))


def _show(envelope: ParkedEnvelope, console: Console) -> None:
    entry, parked = envelope.entry, envelope.parked
    console.print(Text(printable(entry.key), style="bold"), Text(f"in {printable(entry.store.url)}"))
    if parked is None:
        console.print(Text("damaged: no envelope of this version. It holds:", style="red"))
        _print_lines(_text(envelope), console)
        return
    known: dict[str, object] = {
        "reason": f"{parked.reason} ({'may pass by itself' if parked.transient else 'will not pass by itself'})",
        "dead": "only `parked retry --dead` retries it" if parked.dead else None,
        "job": parked.job_id,
        "event type": parked.event_type,
        "event id": parked.event_id,
        "lacking in": ", ".join(parked.sinks),
        "attempts": parked.attempts,
        "first parked": parked.first_parked,
        "last parked": parked.last_parked,
        "error": f"{parked.error.type}: {parked.error.message}",
    }
    print_values(console, known, indent=2)
    if parked.history:
        console.print(Text("earlier attempts", style="bold"))
        print_objects(console, [past.model_dump() for past in parked.history], indent=2)
    console.print(Text("event", style="bold"))
    _print_lines(json.dumps(clean(parked.event), indent=2, ensure_ascii=False), console)


def _print_lines(text: str, console: Console) -> None:
    for line in text.split("\n"):
        console.print(Text(f"  {printable(line)}"), soft_wrap=True)


@parked.command(name="retry")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@_filters
@click.option("--dead", is_flag=True, help="Retry dead events too.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of events, the oldest first.")
@longest_wait()
@click.option("--dry-run", is_flag=True, help="Change nothing; list the events.")
@line_per_job
def parked_retry(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    sinks: tuple[str, ...],
    dead: bool,
    limit: int | None,
    wait: float,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Process parked events again. A recorded event is no longer parked. Without names or filters, all but dead ones.

    --sink only selects the stores that are read; records are written to ICE_RESULT_SINKS.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for usage.
    """
    if DEAD in reasons and not dead:
        raise click.UsageError("--reason dead: dead events are retried only with --dead")
    environment = {**os.environ}
    if not environment.get("ICE_RESULT_SINKS"):  # then records are written to the stores that are read
        environment = _parking_environment(sinks)
    settings = Settings.from_environment(environment)
    folders = (*reasons, DEAD) if reasons and dead else reasons  # dead events are in a folder of their own
    selection = _select(sinks, names, folders, since, dead=dead)
    envelopes = islice(_undamaged(selection, reasons), limit)
    if dry_run:
        _show_list(envelopes, as_json=as_json)
        return 0 if selection.whole else 1
    pipeline = assemble(settings, usable_credentials(settings))
    total = min(len(selection.entries), limit or len(selection.entries))
    is_clean = True
    with JobPrinter(OutputForm(as_json), total=total) as console:
        for result in retry(pipeline, envelopes, RunContext(lambda: Deadline.after(wait))):
            for outcome in result.outcomes:
                console.count(outcome)
                console.show(outcome)
            is_done = all(outcome.outcome in _DONE for outcome in result.outcomes)
            is_clean = is_clean and is_done
            if is_done and not result.removed:
                print_error(f"{result.envelope.entry.key} is done with but could not be removed, or was parked again")
    pipeline.close()
    return 0 if is_clean and selection.whole else 1


def _undamaged(selection: _Selection, reasons: tuple[str, ...]) -> Iterator[ParkedEnvelope]:
    """Read the undamaged envelopes with these reasons, as they are needed. Each call has its own deadline."""
    for envelope in read_envelopes(selection.entries, Deadline.after(math.inf)):
        if envelope.parked is None:
            print_error(f"{envelope.entry.key} is damaged, and left alone")
        elif not reasons or envelope.entry.reason in reasons or envelope.parked.reason in reasons:
            yield envelope


@parked.command(name="discard")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@_filters
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of events, the oldest first.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; list the events.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per removed event.")
def parked_discard(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    sinks: tuple[str, ...],
    limit: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove parked events for good: there is no other copy. An event that is parked again meanwhile stays.

    Exit status: 0 when all events were removed, 1 otherwise, 2 for usage.
    """
    if not (names or reasons or since):
        raise click.UsageError("nothing to remove: expected a JOB_ID, a KEY, --reason or --since")
    selection = _select(sinks, names, reasons, since)
    selection = _Selection(selection.entries[:limit], selection.whole)
    envelopes = read_envelopes(selection.entries, Deadline.after(math.inf))
    if dry_run:
        _show_list(envelopes, as_json=as_json)
        return 0 if selection.whole else 1
    if selection.entries and not yes and not _is_confirmed(selection):
        print_error("nothing was removed")
        return 1
    removed = [_discard(envelope, as_json=as_json) for envelope in envelopes]
    return 0 if selection.whole and all(removed) else 1


def _is_confirmed(selection: _Selection) -> bool:
    try:
        return click.confirm(f"{selection.counts()}. Remove them for good?", err=True)
    except click.Abort as error:
        raise click.UsageError("not confirmed: nobody answers; --yes removes without asking") from error


def _discard(envelope: ParkedEnvelope, *, as_json: bool) -> bool:
    """Remove one envelope and print it. Returns False for one that stays, with the reason on standard error."""
    try:
        with time_limit(Deadline.after(_SECONDS_EACH)):
            is_gone = discard(envelope)
    except IceResultError as error:
        print_error(str(error))
        return False
    if not is_gone:
        print_error(f"{envelope.entry.key} stays: it was parked again meanwhile")
        return False
    if as_json:
        write_line(dump(_summary(envelope)))
    else:
        click.echo(f"removed  {printable(envelope.entry.key)}")
    return True
