"""JSON Schema (2020-12) of everything that is written down or printed, made from the models themselves."""

from __future__ import annotations

from pydantic import TypeAdapter

from ice_result.records.model import Manifest, Record
from ice_result.results.model import Result
from ice_result.triggers.model import TriggerEvent
from ice_result.values import JsonObject

SCHEMAS: dict[str, TypeAdapter[object]] = {
    "event": TypeAdapter(TriggerEvent),
    "manifest": TypeAdapter(Manifest),
    "record": TypeAdapter(Record),
    "result": TypeAdapter(Result),
}


def json_schema(name: str) -> JsonObject:
    """The schema of `event`, `manifest`, `record` or `result`, as it is serialised."""
    schema: JsonObject = SCHEMAS[name].json_schema(mode="serialization", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
