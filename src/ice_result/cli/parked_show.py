"""`parked show`: all that is known of a parked event, and the event itself, without secrets."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.text import Text

from ice_result.calls import Deadline
from ice_result.cli.console import printable, write_line
from ice_result.cli.looking_up import SECONDS
from ice_result.cli.page import facts, indented, page, table
from ice_result.cli.parked_choice import Wanted, choose
from ice_result.jsontext import dump
from ice_result.redaction import clean, redact
from ice_result.sinks import Parked
from ice_result.upkeep import Envelope, read_each
from ice_result.values import JsonObject


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
    where: JsonObject = {"sink": envelope.kept.lot.url, "key": envelope.kept.key}
    if envelope.parked is None:
        return {**where, "envelope": None, "text": _text(envelope)}
    return {**where, "envelope": clean(envelope.parked.model_dump(mode="json", by_alias=True))}


def _text(envelope: Envelope) -> str:
    return redact(envelope.text.decode(errors="replace"))


def _show(envelope: Envelope, console: Console) -> None:
    kept, parked = envelope.kept, envelope.parked
    console.print(Text(printable(kept.key), style="bold"), Text(f"in {printable(kept.lot.url)}"))
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
