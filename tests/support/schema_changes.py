"""Comparison of a JSON Schema with its released version: the changes that break a reader.

Two readers count. One was written for the released schema, and reads documents of the new version. The other is written
for the new schema, and reads documents that were stored before. So neither may lose what it relies on:

    a field may be added, if it is not required
    a list of texts may grow, if the released schema admits any other text beside it
    a union may grow, if the released schema tells its members apart by a discriminator

A keyword that is not compared is a finding too, wherever it is: a change of it would not be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.types import JsonObject, JsonValue

_BOUNDS = (
    *("format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
)


_COMPARED = {
    *_BOUNDS,
    *("$defs", "$ref", "type", "enum", "const", "anyOf", "oneOf", "discriminator"),
    *("properties", "required", "items", "additionalProperties"),
}
_WITHOUT_EFFECT = {"$id", "$schema", "title", "description", "default"}


def breaking_changes(released: JsonObject, current: JsonObject) -> list[str]:
    """Return one line for each change that breaks a reader, with the path of the field."""
    before, now = (Node(schema, object_of(schema.get("$defs"))) for schema in (released, current))
    unknown = {*_unknown_keywords("$", released), *_unknown_keywords("$", current)}
    return [*sorted(unknown), *_changes("$", before, now)]


def _unknown_keywords(path: str, schema: JsonValue) -> Iterator[str]:
    """Yield a line for each keyword of a schema, and of the schemas in it, that is not compared."""
    part = object_of(schema)
    yield from (f"{path}: {keyword} is not compared" for keyword in part.keys() - _COMPARED - _WITHOUT_EFFECT)
    for keyword in ("$defs", "properties"):
        for name, member in object_of(part.get(keyword)).items():
            yield from _unknown_keywords(f"{path}.{name}", member)
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in part:
            yield from _unknown_keywords(f"{path}{step}", part[keyword])
    for keyword in ("anyOf", "oneOf"):
        for member in list_of(part.get(keyword)):
            yield from _unknown_keywords(path, member)


class Node(NamedTuple):
    """Part of a schema, with the definitions that it refers to."""

    schema: JsonObject
    definitions: JsonObject

    def at(self, schema: JsonValue) -> Self:
        """Return another part of the same schema, with its reference followed."""
        part = object_of(schema)
        reference = part.get("$ref")
        return self._replace(
            schema=object_of(self.definitions[str(reference).rpartition("/")[2]]) if reference else part
        )

    def forms(self) -> dict[str, Self]:
        """Return the forms that the schema admits, by name: null, number, any text, an object of a kind, …"""
        members = [self.at(member) for key in ("anyOf", "oneOf") for member in list_of(self.schema.get(key))]
        if members:
            forms = [form for member in members for form in member.forms().items()]
            named = dict(forms)
            assert len(named) == len(forms), f"two forms of one name: {forms}"
            return named
        types = self.schema.get("type", "anything")
        return {self._name(str(each)): self for each in (types if isinstance(types, list) else [types])}

    def _name(self, form: str) -> str:
        if form == "string":
            return "one of a list" if self.texts() else "any text"
        properties = object_of(self.schema.get("properties"))
        kinds = [object_of(properties.get(name)).get("const") for name in ("kind", "schema")]
        return " of kind ".join([form, *(str(kind) for kind in kinds if kind is not None)])

    def texts(self) -> set[str]:
        """Return the texts of an enum or a const; nothing for any text."""
        return {str(text) for text in (*list_of(self.schema.get("enum")), self.schema.get("const")) if text is not None}


def _changes(path: str, released: Node, current: Node) -> Iterator[str]:
    before, now = released.forms(), current.forms()
    for name in before.keys() - now.keys():
        yield f"{path}: is no longer {name}"
    for name in now.keys() - before.keys():
        if not ("discriminator" in released.schema and " of kind " in name):
            yield f"{path}: may now be {name}"
    for name in before.keys() & now.keys():
        grows = name == "one of a list" and "any text" in before
        yield from _changes_of_form(path, before[name], now[name], grows=grows)


def _changes_of_form(path: str, released: Node, current: Node, *, grows: bool) -> Iterator[str]:
    for bound in _BOUNDS:
        if released.schema.get(bound) != current.schema.get(bound):
            yield f"{path}: {bound} was {released.schema.get(bound)}, is {current.schema.get(bound)}"
    if lost := released.texts() - current.texts():
        yield f"{path}: is no longer {', '.join(sorted(lost))}"
    if not grows and (new := current.texts() - released.texts()):
        yield f"{path}: may now be {', '.join(sorted(new))}"
    yield from _changes_of_fields(path, released, current)
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        one, other = released.schema.get(keyword), current.schema.get(keyword)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes(f"{path}{step}", released.at(one), current.at(other))
        elif (one is False) != (other is False) or isinstance(one, dict) != isinstance(other, dict):
            yield f"{path}: {keyword} was {one}, is {other}"


def _changes_of_fields(path: str, released: Node, current: Node) -> Iterator[str]:
    before, now = (object_of(node.schema.get("properties")) for node in (released, current))
    required_before, required_now = (
        {str(name) for name in list_of(node.schema.get("required"))} for node in (released, current)
    )
    for name in before.keys() - now.keys():
        yield f"{path}.{name}: is gone"
    for name in (required_before - required_now) & now.keys():
        yield f"{path}.{name}: is no longer always there"
    for name in required_now - required_before:
        yield f"{path}.{name}: is required, but documents of before do not have it"
    for name in before.keys() & now.keys():
        yield from _changes(f"{path}.{name}", released.at(before[name]), current.at(now[name]))


def object_of(value: JsonValue) -> JsonObject:
    """Return a JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def list_of(value: JsonValue) -> Sequence[JsonValue]:
    """Return a JSON list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else ()
