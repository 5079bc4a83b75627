"""JSON Schemas of what is written, made from the models. docs/library.md says what may change in a document.

A schema says what a reader may rely on: every field that is always written is required, and fields that it does not
name are allowed. `$id` has the name of the document and its number; a change that breaks a reader needs a new number.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from typing_extensions import override

from ice_result.contents.model import Content
from ice_result.core.types import ADDED_LATER, JsonObject
from ice_result.notify.documents import ParkedData, RecordedData
from ice_result.records.model import Manifest, Record
from ice_result.results.model import AnyResult
from ice_result.sinks.object.pointers import Pointer
from ice_result.triggers.model import TriggerEvent

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MARK = next(iter(ADDED_LATER))


class DocumentSchema(NamedTuple):
    """Kind of document with a schema: its type and its number, and a title where the name of its class is not used."""

    type: TypeAdapter[object]
    number: int = 1
    title: str = ""


SCHEMAS: dict[str, DocumentSchema] = {
    "content": DocumentSchema(TypeAdapter(Content)),
    "event": DocumentSchema(TypeAdapter(TriggerEvent), title="TriggerEvent"),
    "job": DocumentSchema(TypeAdapter(Pointer), title="JobPointer"),
    "manifest": DocumentSchema(TypeAdapter(Manifest)),
    "notification": DocumentSchema(TypeAdapter(RecordedData | ParkedData), title="NotificationData"),
    "record": DocumentSchema(TypeAdapter(Record), title="JobRecord"),  # `Record` is a type of TypeScript's own
    "result": DocumentSchema(TypeAdapter(AnyResult)),
}


class _Generator(GenerateJsonSchema):
    """Generator of schemas for readers. A title is the name of a type, so fields have none."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    @override
    def field_is_required(self, field: object, total: bool) -> bool:
        """Require fields with a default too: they are always written."""
        return True


def json_schema(name: str) -> JsonObject:
    """Make the JSON Schema of a kind of document, in serialised form."""
    document = SCHEMAS[name]
    schema: JsonSchemaValue = document.type.json_schema(
        mode="serialization", by_alias=True, schema_generator=_Generator
    )
    for model in (schema, *schema.get("$defs", {}).values()):
        _state_required_fields(model)
    title = document.title or schema["title"]
    return {"$schema": _DIALECT, "$id": schema_id(name, document.number), **schema, "title": title}


def schema_id(name: str, number: int) -> str:
    """Return the `$id` of the schema of a kind of document: a URN, since no server answers for it."""
    return f"urn:ice-result:{name}:{number}"


def _state_required_fields(model: JsonSchemaValue) -> None:
    """Require no field that documents of earlier versions do not have; only such a field has a default."""
    for name, field in model.get("properties", {}).items():
        if field.pop(_MARK, False):
            model["required"].remove(name)
        else:
            field.pop("default", None)
