"""`schema`: the JSON Schema of records, manifests, results and events, made from the models."""

from __future__ import annotations

import json

import click
from pydantic import ConfigDict, TypeAdapter

from ice_result.core.types import JsonObject
from ice_result.records.model import Manifest, Record
from ice_result.results.model import AnyResult
from ice_result.triggers.model import TriggerEvent

SCHEMAS: dict[str, TypeAdapter[object]] = {
    "event": TypeAdapter(TriggerEvent, config=ConfigDict(extra="forbid")),
    "manifest": TypeAdapter(Manifest),
    "record": TypeAdapter(Record),
    "result": TypeAdapter(AnyResult),
}


def json_schema(name: str) -> JsonObject:
    """Return the schema of `event`, `manifest`, `record` or `result`, as it is serialised."""
    schema: JsonObject = SCHEMAS[name].json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@click.command()
@click.argument("name", type=click.Choice(sorted(SCHEMAS)), required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of a record, a manifest, a decoded result or an event; of all without a NAME."""
    shown = json_schema(name) if name else {each: json_schema(each) for each in sorted(SCHEMAS)}
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
