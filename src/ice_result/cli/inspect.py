"""`parse` and `decode`: single stages on input from a file. They call nothing and write nothing."""

from __future__ import annotations

import os

import click

from ice_result.cli.inputs import read_input
from ice_result.cli.output import write_line
from ice_result.core.json_text import dump, encoding_of, valid_text
from ice_result.core.redaction import redact
from ice_result.core.types import JsonObject
from ice_result.results import decode as decode_result
from ice_result.settings import TRIGGERS, Settings
from ice_result.triggers import JobEvent, TriggerEvent
from ice_result.triggers import parse as parse_payload


@click.command()
@click.option("--event", "event", metavar="FILE", default="-", help="The payload; - is standard input (the default).")
def parse(event: str) -> None:
    """Show what the first stage makes of a payload: one JSON line per event."""
    settings = Settings.from_environment(os.environ, TRIGGERS)
    for found in parse_payload(read_input(event), settings.triggers).events:
        write_line(dump(_line(found)))


@click.command()
@click.argument("function_name")
@click.argument("file", default="-", metavar="[FILE]")
def decode(function_name: str, file: str) -> None:
    """Decode the Result text of FUNCTION_NAME from FILE or standard input: one JSON line."""
    raw = read_input(file)
    text = redact(valid_text(raw.decode(encoding_of(raw), errors="replace")))
    decoded = decode_result(function_name, text)
    line: JsonObject = {
        "function_name": valid_text(function_name),
        "status": decoded.status,
        "warnings": [warning.model_dump(mode="json") for warning in decoded.warnings],
        "result": decoded.result.model_dump(mode="json"),
    }
    write_line(dump(line))


def _line(event: TriggerEvent) -> JsonObject:
    return {
        "kind": event.kind,
        "job_id": event.job_id if isinstance(event, JobEvent) else None,
        "event_type": event.event_type,
        "event_id": event.event_id,
        "reason": None if isinstance(event, JobEvent) else event.reason,
    }
