"""`parked list`, `show`, `retry` and `discard`: the events that could not be finished."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

import click
from rich.console import Console
from rich.text import Text

from ice_result.app import assemble
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import usable_credentials
from ice_result.cli.options import (
    SECONDS,
    Overrides,
    concurrency,
    longest_wait,
    most,
    no_verify,
    output_form,
    overriding,
    region,
    saved_jobs,
)
from ice_result.cli.output import (
    print_error,
    print_note,
    printable,
    standard_output,
    write_line,
)
from ice_result.cli.parked_selection import Selection, filters, other_stores, pipeline_settings, select
from ice_result.cli.tables import print_objects, print_table, print_values
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump
from ice_result.core.redaction import clean, redact
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError
from ice_result.maintenance.retry import ParkedEnvelope, discard, read_envelopes, retry
from ice_result.processing.batch import RunContext
from ice_result.report.visible import cut
from ice_result.sinks.parked_model import DEAD

_FIRST_PAGE = 50
_LONGEST_MESSAGE = 120
_SECONDS_EACH = 60.0
_DONE = {"recorded", "ignored"}
_INTERRUPTED = 130
_PERMANENT = "permanent, needs a person"
_STILL_PARKED = "it could not be removed, or it was parked again in the meantime"


def _summary(envelope: ParkedEnvelope) -> JsonObject:
    """Return the JSON line of an envelope. That of a damaged one has only its store, key and time."""
    entry, parked = envelope.entry, envelope.parked
    place: JsonObject = {"sink": entry.store.url, "key": entry.key, "written": entry.written.isoformat()}
    if parked is None:
        return {**place, "damaged": True, "reason": entry.reason}
    fields = {"reason", "job_id", "attempts", "first_parked", "last_parked", "dead", "sinks", "targets", "error"}
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
    """Return the columns of the table, the most important first."""
    entry, parked = envelope.entry, envelope.parked
    message = parked.error.message if parked else "damaged: this version cannot read it"
    return {
        "job or key": (parked and parked.job_id) or entry.key,
        "reason": parked.reason if parked else entry.reason,
        "attempts": parked and parked.attempts,
        "dead": True if parked and parked.dead else None,
        "error": cut(message, _LONGEST_MESSAGE),
        "last parked": (parked and parked.last_parked) or entry.written,
        "first parked": parked and parked.first_parked,
    }


@click.group(
    short_help="List, show, retry or remove parked events.", epilog="Example: ice-result parked list --since 7d"
)
def parked() -> None:
    """List, show, retry or remove the events that could not be finished."""


@parked.command(
    name="list",
    short_help="List parked events, and count them by reason.",
    epilog="Example: ice-result parked list --reason forbidden",
)
@filters
@overriding(region)
@most(f"Maximum number of events.  [default: {_FIRST_PAGE}, in a table]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per event.")
def parked_list(
    *,
    reasons: tuple[str, ...],
    since: datetime | None,
    overrides: Overrides,
    limit: int | None,
    as_json: bool,
) -> int:
    """List parked events, the oldest first, and count them by reason. Dead events are counted separately.

    Exit status: 0 when all stores could be read, 1 otherwise, 2 for wrong usage.
    """
    selection = select(overrides, (), reasons, since)
    limit = limit or (len(selection.entries) if as_json else _FIRST_PAGE)
    _show_list(read_envelopes(selection.entries[:limit], Deadline.after(SECONDS)), as_json=as_json)
    if not as_json and (selection.entries or selection.whole):
        print_note(selection.counts())
    if len(selection.entries) > limit:
        print_note(f"there are more events than the {limit} shown: see --limit, --reason and --since")
    return 0 if selection.whole else 1


@parked.command(
    name="show",
    short_help="Show a parked event with its earlier attempts.",
    epilog="Example: ice-result parked show JOB_ID",
)
@click.argument("name", metavar="JOB_ID|KEY")
@other_stores
@overriding(region)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per event, with its store and key.")
def parked_show(*, name: str, overrides: Overrides, as_json: bool) -> int:
    """Show a parked event with its earlier attempts. A job may have several parked events: then all of them.

    Exit status: 0 when the event was found, 1 otherwise, 2 for wrong usage.
    """
    selection = select(overrides, (name,))
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
        console.print(Text("damaged: this version cannot read it. Its content:", style="red"))
        _print_lines(_text(envelope), console)
        return
    known: dict[str, object] = {
        "reason": f"{parked.reason} ({'temporary, retried automatically' if parked.transient else _PERMANENT})",
        "dead": "only `parked retry --dead` retries it" if parked.dead else None,
        "job": parked.job_id,
        "event type": parked.event_type,
        "event id": parked.event_id,
        "missing in": ", ".join(parked.sinks),
        "targets not notified": ", ".join(parked.targets),
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


@parked.command(
    name="retry",
    short_help="Process parked events again.",
    epilog="Example: ice-result parked retry --reason forbidden",
)
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@overriding(saved_jobs, region, concurrency, no_verify)
@click.option("--dead", is_flag=True, help="Retry dead events too.")
@most("Maximum number of events, the oldest first.")
@longest_wait()
@click.option("--dry-run", is_flag=True, help="Change nothing; list the events.")
@output_form
def parked_retry(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    overrides: Overrides,
    dead: bool,
    limit: int | None,
    wait: float,
    dry_run: bool,
    form: OutputForm,
) -> int:
    """Process parked events again. An event whose job is recorded is no longer parked.

    Without JOB_ID, KEY and filters, all parked events except dead ones. --sink only selects the stores of parked
    events: records are written to ICE_RESULT_SINKS, if it is set.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for wrong usage.
    """
    if DEAD in reasons and not dead:
        raise click.UsageError("--reason dead: dead events are retried only with --dead")
    settings = pipeline_settings(overrides)
    folders = (*reasons, DEAD) if reasons and dead else reasons  # dead events are in a folder of their own
    selection = select(overrides, names, folders, since, dead=dead)
    damaged: list[str] = []
    envelopes = islice(_undamaged(selection, reasons, damaged), limit)
    if dry_run:
        _show_list(envelopes, as_json=form.as_json)
        return 0 if selection.whole else 1
    if not (selection.entries or selection.whole):  # what is wrong is printed
        return 1
    credentials = usable_credentials(settings)
    total = min(len(selection.entries), limit or len(selection.entries))
    is_clean = True
    with (
        JobPrinter(form, total=total, if_nothing="nothing to retry") as printer,
        finishing(assemble(settings, credentials)) as pipeline,
    ):
        for result in retry(pipeline, envelopes, RunContext(lambda: Deadline.after(wait))):
            for outcome in result.outcomes:
                printer.count(outcome)
                printer.show(outcome)
            is_done = all(outcome.outcome in _DONE for outcome in result.outcomes)
            is_clean = is_clean and is_done
            if is_done and not result.removed:
                printer.print_error(
                    f"{result.envelope.entry.key}: its job is done, but the event is still parked: {_STILL_PARKED}"
                )
    return 0 if is_clean and selection.whole and not damaged else 1


def _undamaged(selection: Selection, reasons: tuple[str, ...], damaged: list[str]) -> Iterator[ParkedEnvelope]:
    """Read the undamaged envelopes with these reasons, as they are needed, and note the keys of the damaged ones."""
    for envelope in read_envelopes(selection.entries, Deadline.after(math.inf)):
        if envelope.parked is None:
            damaged.append(envelope.entry.key)
            print_error(f"{envelope.entry.key} is damaged: it stays as it is")
        elif not reasons or envelope.entry.reason in reasons or envelope.parked.reason in reasons:
            yield envelope


@parked.command(
    name="discard", short_help="Remove parked events for good.", epilog="Example: ice-result parked discard JOB_ID"
)
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@overriding(region)
@most("Maximum number of events, the oldest first.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Remove nothing; list the events.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per removed event.")
def parked_discard(
    *,
    names: tuple[str, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    overrides: Overrides,
    limit: int | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove parked events for good: there is no other copy of them. An event that is parked
    again in the meantime is kept.

    Exit status: 0 when all events were removed, 1 otherwise, 2 for wrong usage.
    """
    if not (names or reasons or since):
        raise click.UsageError("nothing to remove: expected a JOB_ID, a KEY, --reason or --since")
    selection = select(overrides, names, reasons, since)
    selection = Selection(selection.entries[:limit], selection.whole)
    envelopes = read_envelopes(selection.entries, Deadline.after(math.inf))
    if dry_run:
        _show_list(envelopes, as_json=as_json)
        return 0 if selection.whole else 1
    if selection.entries and not yes:
        envelopes = iter([*envelopes])  # as they are now: an event that is parked again during the question is kept
        if status := _ask(selection):
            return status
    removed = [_discard(envelope, as_json=as_json) for envelope in envelopes]
    return 0 if selection.whole and all(removed) else 1


def _ask(selection: Selection) -> int:
    """Ask if the events are to be removed. Returns 0 for a yes, else the exit status."""
    try:
        them = "it" if len(selection.entries) == 1 else "them"
        if click.confirm(f"{selection.counts()}. Remove {them} for good?", err=True):
            return 0
    except click.Abort as error:
        click.echo(err=True)
        if isinstance(error.__context__, KeyboardInterrupt):
            print_error("interrupted; nothing was removed")
            return _INTERRUPTED
        raise click.UsageError("nobody answered: nothing was removed; --yes removes without asking") from error
    print_error("nothing was removed")
    return 1


def _discard(envelope: ParkedEnvelope, *, as_json: bool) -> bool:
    """Remove one envelope and print it. Returns False for one that stays, with the reason on standard error."""
    try:
        with time_limit(Deadline.after(_SECONDS_EACH)):
            is_gone = discard(envelope)
    except IceResultError as error:
        print_error(str(error))
        return False
    if not is_gone:
        print_error(f"{envelope.entry.key} is kept: it was parked again in the meantime")
        return False
    if as_json:
        write_line(dump(_summary(envelope)))
    else:
        click.echo(f"removed  {printable(envelope.entry.key)}")
    return True
