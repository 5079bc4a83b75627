"""`parked list`, `show`, `retry` and `discard`: events that could not be finished, and what to do about them."""

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
from ice_result.cli.inputs import SECONDS, line_per_job, longest_wait
from ice_result.cli.output import OutcomePrinter, facts, indented, page, printable, table, write_line
from ice_result.cli.parked_choice import Choice, Wanted, choose, complain, environment_looking_in, filters
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump
from ice_result.core.redaction import clean, redact
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError
from ice_result.maintenance import Envelope, Retried, discard, read_each, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import Settings
from ice_result.sinks import Parked
from ice_result.sinks.parked_events import DEAD

_LONGEST_MESSAGE = 120


def envelope_facts(envelope: Envelope) -> JsonObject:
    """What a line says of it; of one that is damaged, only where it lies and since when."""
    kept, parked = envelope.kept, envelope.parked
    where: JsonObject = {"sink": kept.parking_store.url, "key": kept.key, "written": kept.written.isoformat()}
    if parked is None:
        return {**where, "damaged": True, "reason": kept.reason}
    fields = {"reason", "job_id", "attempts", "first_parked", "last_parked", "dead", "sinks", "error"}
    told: JsonObject = parked.model_dump(mode="json", include=fields)
    return {**where, "damaged": False, **told}


def show_lines(envelopes: Iterable[Envelope], *, as_json: bool) -> None:
    """A line of JSON for each, or a table of all."""
    if as_json:
        for envelope in envelopes:
            write_line(dump(envelope_facts(envelope)))
    elif rows := [_row(envelope) for envelope in envelopes]:
        page().print(table(rows))


def _row(envelope: Envelope) -> dict[str, object]:
    kept, parked = envelope.kept, envelope.parked
    if parked is None:
        row = dict.fromkeys(("attempts", "first parked"))
        return {"reason": kept.reason, "job or key": kept.key, **row, "last parked": kept.written} | {
            "dead": None,
            "error": "damaged: no envelope of this version",
        }
    return {
        "reason": parked.reason,
        "job or key": parked.job_id or kept.key,
        "attempts": parked.attempts,
        "first parked": parked.first_parked,
        "last parked": parked.last_parked or kept.written,
        "dead": True if parked.dead else None,
        "error": _cut(parked.error.message),
    }


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}…"


@click.command(name="show")
@click.argument("name", metavar="JOB_ID|KEY")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Where to look, in place of all that park.")
@click.option("--json", "as_json", is_flag=True, help="Each envelope as one JSON line, with where it lies.")
def show_parked(*, name: str, sinks: tuple[str, ...], as_json: bool) -> int:
    """Show a parked event with its earlier tries; all of them when a job has several.

    Exit status: 0 when it is there, 1 when it is not, 2 for usage.
    """
    choice = choose(sinks, Wanted(names=(name,)))
    for envelope in read_each(choice.found, Deadline.after(SECONDS)):
        if as_json:
            write_line(dump(_document(envelope)))
        else:
            _show(envelope, page())
    return 0 if choice.whole else 1


def _document(envelope: Envelope) -> JsonObject:
    where: JsonObject = {"sink": envelope.kept.parking_store.url, "key": envelope.kept.key}
    if envelope.parked is None:
        return {**where, "envelope": None, "text": _text(envelope)}
    return {**where, "envelope": clean(envelope.parked.model_dump(mode="json", by_alias=True))}


def _text(envelope: Envelope) -> str:
    return redact(envelope.text.decode(errors="replace"))


def _show(envelope: Envelope, console: Console) -> None:
    kept, parked = envelope.kept, envelope.parked
    console.print(Text(printable(kept.key), style="bold"), Text(f"in {printable(kept.parking_store.url)}"))
    if parked is None:
        console.print(Text("damaged: no envelope of this version. It holds:", style="red"))
        _print_lines(_text(envelope), console)
        return
    _show_facts(parked, console)
    if parked.history:
        console.print(Text("earlier tries", style="bold"))
        console.print(indented(table([past.model_dump() for past in parked.history])))
    console.print(Text("event", style="bold"))
    _print_lines(json.dumps(clean(parked.event), indent=2, ensure_ascii=False), console)


def _show_facts(parked: Parked, console: Console) -> None:
    known: dict[str, object] = {
        "reason": f"{parked.reason} ({'may pass by itself' if parked.transient else 'will not pass by itself'})",
        "dead": "only `parked retry --dead` tries it again" if parked.dead else None,
        "job": parked.job_id,
        "event type": parked.event_type,
        "event id": parked.event_id,
        "lacking in": ", ".join(parked.sinks),
        "attempts": parked.attempts,
        "first parked": parked.first_parked,
        "last parked": parked.last_parked,
        "error": f"{parked.error.type}: {parked.error.message}",
    }
    console.print(indented(facts(known)))


def _print_lines(text: str, console: Console) -> None:
    for line in text.split("\n"):
        console.print(Text(f"  {printable(line)}"), soft_wrap=True)


_DONE = {"recorded", "ignored"}


@click.command(name="retry")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@click.option("--dead", is_flag=True, help="Those too that were tried too often.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, those parked longest ago.")
@longest_wait()
@click.option("--dry-run", is_flag=True, help="Only list what would be tried.")
@line_per_job
def retry_parked(
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
    """Try parked events again; what is then recorded is no longer parked. Without names or filters, all but the dead.

    --sink only says where to look: records go where ICE_RESULT_SINKS says, as always.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for usage.
    """
    wanted = _wanted(names, reasons, since, dead=dead)
    settings = Settings.from_environment(_environment(sinks))
    choice = choose(sinks, wanted)
    envelopes = islice(_readable(choice, reasons), limit)
    if dry_run:
        show_lines(envelopes, as_json=as_json)
        return 0 if choice.whole else 1
    pipeline = assemble(settings, Credentials())
    total = min(len(choice.found), limit or len(choice.found))
    clean = _retry(
        pipeline, envelopes, RunContext(lambda: Deadline.after(wait)), OutcomePrinter(total=total, as_json=as_json)
    )
    pipeline.close()
    return 0 if clean and choice.whole else 1


def _wanted(names: tuple[str, ...], reasons: tuple[str, ...], since: datetime | None, *, dead: bool) -> Wanted:
    """The dead lie in a folder of their own, whatever their reason."""
    if DEAD in reasons and not dead:
        raise click.UsageError("--reason dead: what was tried too often is tried again only with --dead")
    return Wanted(names, (*reasons, DEAD) if reasons and dead else reasons, since, dead)


def _environment(sinks: tuple[str, ...]) -> dict[str, str]:
    """The environment as it is; where it names no sinks, those given are where records go as well."""
    environment = environment_looking_in(())
    return environment if environment.get("ICE_RESULT_SINKS") else environment_looking_in(sinks)


def _readable(choice: Choice, reasons: tuple[str, ...]) -> Iterator[Envelope]:
    """The envelopes, read as they are needed; every call has a deadline of its own."""
    for envelope in read_each(choice.found, Deadline.after(math.inf)):
        if envelope.parked is None:
            complain(f"{printable(envelope.kept.key)} is damaged, and left alone")
        elif not reasons or envelope.kept.reason in reasons or envelope.parked.reason in reasons:
            yield envelope


def _retry(pipeline: Pipeline, envelopes: Iterator[Envelope], run: RunContext, console: OutcomePrinter) -> bool:
    """Whether all of it came to a good end."""
    clean = True
    with console:
        for retried in retry(pipeline, envelopes, run):
            for outcome in retried.outcomes:
                console.ended(outcome)
                console.show(outcome)
            done = all(outcome.outcome in _DONE for outcome in retried.outcomes)
            clean = clean and done
            if done and not retried.removed:
                _tell_of_the_rest(retried)
    return clean


def _tell_of_the_rest(retried: Retried) -> None:
    complain(f"{printable(retried.envelope.kept.key)} is done with but could not be removed, or was parked anew")


_SECONDS_EACH = 60.0


@click.command(name="discard")
@click.argument("names", nargs=-1, metavar="[JOB_ID|KEY]...")
@filters
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, those parked longest ago.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per event that was removed.")
def discard_parked(
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
    """Remove parked events for good: nothing else holds them. One that is parked anew meanwhile stays.

    Exit status: 0 when all were removed, 1 otherwise, 2 for usage.
    """
    if not (names or reasons or since):
        raise click.UsageError("nothing to remove: expected a JOB_ID, a KEY, --reason or --since")
    choice = choose(sinks, Wanted(names, reasons, since))
    choice = Choice(choice.found[:limit], choice.whole)
    if dry_run:
        show_lines(read_each(choice.found, Deadline.after(math.inf)), as_json=as_json)
        return 0 if choice.whole else 1
    if choice.found and not yes and not _confirmed(choice):
        complain("nothing was removed")
        return 1
    removed = [_discard(envelope, as_json=as_json) for envelope in read_each(choice.found, Deadline.after(math.inf))]
    return 0 if choice.whole and all(removed) else 1


def _confirmed(choice: Choice) -> bool:
    try:
        return click.confirm(f"{choice.counts()}. Remove them for good?", err=True)
    except click.Abort as error:
        raise click.UsageError("not confirmed: nobody answers; --yes removes without asking") from error


def _discard(envelope: Envelope, *, as_json: bool) -> bool:
    key = printable(envelope.kept.key)
    try:
        with time_limit(Deadline.after(_SECONDS_EACH)):
            is_gone = discard(envelope)
    except IceResultError as error:
        complain(printable(str(error)))
        return False
    if not is_gone:
        complain(f"{key} stays: it was parked anew meanwhile")
        return False
    if as_json:
        write_line(dump(envelope_facts(envelope)))
    else:
        click.echo(f"removed  {key}")
    return True


@click.group()
def parked() -> None:
    """Events that could not be finished: see them, try them again, or remove them."""


@parked.command(name="list")
@filters
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many events.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per event.")
def list_parked(
    *, reasons: tuple[str, ...], since: datetime | None, sinks: tuple[str, ...], limit: int, as_json: bool
) -> int:
    """List parked events, that parked longest ago first, and count them by reason (`dead` ones apart).

    Exit status: 0 when all stores could be read, 1 otherwise, 2 for usage.
    """
    choice = choose(sinks, Wanted(reasons=reasons, since=since))
    show_lines(read_each(choice.found[:limit], Deadline.after(SECONDS)), as_json=as_json)
    if not as_json:
        click.echo(choice.counts(), err=True)
    if len(choice.found) > limit:
        complain(f"there are more than these {limit}: see --limit, --reason and --since")
    return 0 if choice.whole else 1


for _command in (show_parked, retry_parked, discard_parked):
    parked.add_command(_command)
