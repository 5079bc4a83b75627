"""`parse`, `decode` and `schema`: single stages on input from a file, and the formats. They make no call."""

from __future__ import annotations

import json
import os

import click
from pydantic import ConfigDict, TypeAdapter

from ice_result.cli.inputs import read_input
from ice_result.cli.output import write_line
from ice_result.core.json_text import dump, encoding_of, valid_text
from ice_result.core.redaction import redact
from ice_result.core.types import JsonObject
from ice_result.records.model import Manifest, Record
from ice_result.results import decode as decode_result
from ice_result.results.model import AnyResult
from ice_result.settings import TRIGGERS, Settings
from ice_result.triggers import JobEvent
from ice_result.triggers import parse as parse_payload
from ice_result.triggers.model import TriggerEvent

SCHEMAS: dict[str, TypeAdapter[object]] = {
    "event": TypeAdapter(TriggerEvent, config=ConfigDict(extra="forbid")),
    "manifest": TypeAdapter(Manifest),
    "record": TypeAdapter(Record),
    "result": TypeAdapter(AnyResult),
}


@click.command()
@click.option("--event", "event", metavar="FILE", default="-", help="The payload; - is standard input (the default).")
def parse(event: str) -> None:
    """Print the events that the first stage reads in a payload, one JSON line per event."""
    settings = Settings.from_environment(os.environ, TRIGGERS)
    for found in parse_payload(read_input(event), settings.triggers).events:
        line: JsonObject = {
            "kind": found.kind,
            "job_id": found.job_id if isinstance(found, JobEvent) else None,
            "event_type": found.event_type,
            "event_id": found.event_id,
            "reason": None if isinstance(found, JobEvent) else found.reason,
        }
        write_line(dump(line))


@click.command()
@click.argument("function_name")
@click.argument("file", default="-", metavar="[FILE]")
def decode(function_name: str, file: str) -> None:
    """Decode the Result text of FUNCTION_NAME from FILE or standard input, and print it as one JSON line."""
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


def json_schema(name: str) -> JsonObject:
    """Make the JSON Schema of `event`, `manifest`, `record` or `result` from its models, in serialised form."""
    schema: JsonObject = SCHEMAS[name].json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@click.command()
@click.argument("name", type=click.Choice(sorted(SCHEMAS)), required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of a record, a manifest, a decoded result or an event; without NAME, all of them."""
    shown = json_schema(name) if name else {each: json_schema(each) for each in sorted(SCHEMAS)}
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
