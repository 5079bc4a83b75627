"""The schemas of what is written, against the released ones: a change that breaks a reader needs a new number.

docs/schema/released/ has the schemas as they were released, one for each document and number.
"""

from __future__ import annotations

import copy
import json
import os
import re

import pytest
from jsonschema import Draft202012Validator

from ice_result.cli.schemas import SCHEMAS, json_schema, schema_id
from ice_result.core.types import JsonObject
from support.command_line import ice_result
from support.paths import ROOT
from support.schema_changes import breaking_changes, list_of, object_of

RELEASED = {
    (match[1], int(match[2])): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "docs" / "schema" / "released").glob("*.json"))
    if (match := re.fullmatch(r"(\w+)\.(\d+)\.schema\.json", path.name))
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_current(name: str) -> None:
    """GIVEN docs/schema THEN it has what the command prints. UPDATE_DOCS=1 writes it."""
    printed = ice_result("schema", name)
    assert printed.returncode == 0
    path = ROOT / "docs" / "schema" / f"{name}.schema.json"
    if os.environ.get("UPDATE_DOCS"):
        path.write_bytes(printed.stdout_bytes)
    assert path.read_bytes() == printed.stdout_bytes


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_keeps_what_readers_rely_on(name: str) -> None:
    """GIVEN the released schema of the same number THEN nothing breaks a reader.

    Every number from 1 on has its file: a new number, or a new document, comes with the file that it is compared with.
    """
    number = SCHEMAS[name].number
    numbers = sorted(released for document, released in RELEASED if document == name)
    assert numbers == [*range(1, number + 1)]
    assert breaking_changes(RELEASED[name, number], json_schema(name)) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_has_an_id_and_names_of_types(name: str) -> None:
    """The id has name and number, as the document has; a title is the name of a type, and no field has one."""
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:ice-result:{name}:{SCHEMAS[name].number}"
    titles = re.findall(r'"title": "([^"]*)"', json.dumps(schema))
    assert len(titles) == len(set(titles))
    assert [title for title in titles if not re.fullmatch(r"([A-Z][a-z]+)+", title)] == []
    assert schema["title"] in titles
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    if "schema" in properties:
        assert properties["schema"] == {"const": f"ice_result.{name}/{SCHEMAS[name].number}", "type": "string"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_fields_may_come_and_are_not_missing(name: str) -> None:
    """GIVEN each object of the schema THEN it admits other fields, and requires all but those that were added later."""
    optional, objects = set(), 0
    schema = json_schema(name)
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    for title, model in {"": schema, **definitions}.items():
        assert isinstance(model, dict)
        assert "additionalProperties" not in model
        properties, required = model.get("properties", {}), model.get("required", [])
        assert isinstance(properties, dict)
        assert isinstance(required, list)
        objects += bool(properties)
        optional |= {f"{title}.{field}" for field in properties.keys() - required}
    assert objects
    known = {
        "event": {"Past.targets"},
        "notification": {"Counts.media", "Counts.notes", "Problem.rule"},
        "manifest": {
            *(".notes", "ManifestFile.storage_class", "ManifestFile.media"),
            *("Problem.rule", "Note.rule"),
        },
    }
    assert optional == known.get(name, set())


def test_the_id_of_another_number_is_another_id() -> None:
    """A reader that compares ids sees the break."""
    assert schema_id("record", 2) == "urn:ice-result:record:2"


BASE: JsonObject = {
    "$defs": {
        "Cover": {
            "type": "object",
            "properties": {"kind": {"const": "covers", "type": "string"}, "rank": {"type": "integer"}},
            "required": ["kind", "rank"],
        },
        "Files": {"type": "object", "properties": {"kind": {"const": "files", "type": "string"}}, "required": ["kind"]},
    },
    "type": "object",
    "properties": {
        "job_id": {"type": "string"},
        "seconds": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "outcome": {"enum": ["ok", "job_failed"], "type": "string"},
        "code": {"anyOf": [{"enum": ["missing", "empty"], "type": "string"}, {"type": "string"}]},
        "time": {"type": "string", "format": "date-time"},
        "result": {
            "discriminator": {"propertyName": "kind"},
            "oneOf": [{"$ref": "#/$defs/Cover"}, {"$ref": "#/$defs/Files"}],
        },
        "files": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "object", "additionalProperties": {"type": "integer"}},
        "raw": {},
        "storage_class": {"type": "string"},
    },
    "required": ["job_id", "seconds", "outcome", "code", "time", "result", "files", "sizes", "raw"],
}
CUTS: JsonObject = {"type": "object", "properties": {"kind": {"const": "cuts"}}, "required": ["kind"]}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        # what may change
        ("s['properties']['note'] = {'type': 'string'}", []),
        ("s['properties']['job_id']['description'] = 'the id of the job'", []),
        ("s['properties']['code']['anyOf'][0]['enum'].append('stale')", []),
        ("s['$defs']['Cover']['properties']['uri'] = {'type': 'string'}", []),
        ("s['properties']['result']['oneOf'].append(CUTS)", []),
        ("s['properties']['result']['oneOf'].reverse()", []),
        ("s['properties']['seconds'] = {'type': ['null', 'number']}", []),
        # what breaks a reader that was written for the released schema
        ("del s['properties']['storage_class']", ["$.storage_class: is gone"]),
        ("del s['$defs']['Cover']['properties']['rank']; s['$defs']['Cover']['required'].remove('rank')",
         ["$.result.rank: is gone"]),
        ("s['required'].remove('job_id')", ["$.job_id: is no longer always there"]),
        ("s['properties']['job_id'] = {'type': ['string', 'null']}", ["$.job_id: may now be null"]),
        ("s['properties']['job_id'] = {'type': 'integer'}",
         ["$.job_id: is no longer any text", "$.job_id: may now be integer"]),
        ("s['properties']['outcome']['enum'].append('partial')", ["$.outcome: may now be partial"]),
        ("s['properties']['files']['items'] = {'type': ['string', 'null']}", ["$.files[]: may now be null"]),
        ("s['properties']['sizes']['additionalProperties'] = {'type': ['integer', 'null']}",
         ["$.sizes.*: may now be null"]),
        ("s['properties']['result']['oneOf'].append({'type': 'null'})", ["$.result: may now be null"]),
        # what breaks a reader of documents that were stored before
        ("s['properties']['note'] = {'type': 'string'}; s['required'].append('note')",
         ["$.note: is required, but documents of before do not have it"]),
        ("s['required'].append('storage_class')",
         ["$.storage_class: is required, but documents of before do not have it"]),
        ("s['properties']['seconds'] = {'type': 'number'}", ["$.seconds: is no longer null"]),
        ("s['properties']['seconds']['anyOf'][0]['type'] = 'integer'",
         ["$.seconds: is no longer number", "$.seconds: may now be integer"]),
        ("s['properties']['outcome']['enum'].remove('job_failed')", ["$.outcome: is no longer job_failed"]),
        ("s['properties']['code']['anyOf'][0]['enum'].remove('empty')", ["$.code: is no longer empty"]),
        ("s['properties']['code']['anyOf'].pop()", ["$.code: is no longer any text"]),
        ("s['properties']['result']['oneOf'].pop()", ["$.result: is no longer object of kind files"]),
        ("s['properties']['job_id']['maxLength'] = 64", ["$.job_id: maxLength was None, is 64"]),
        ("del s['properties']['time']['format']", ["$.time: format was date-time, is None"]),
        ("s['additionalProperties'] = False", ["$: additionalProperties was None, is False"]),
        # what is not compared
        ("s['properties']['files']['prefixItems'] = [{'type': 'string'}]", ["$.files: prefixItems is not compared"]),
        ("s['$defs']['Cover']['allOf'] = [{'required': ['uri']}]", ["$.Cover: allOf is not compared"]),
        ("s['properties']['sizes']['patternProperties'] = {'^x': False}",
         ["$.sizes: patternProperties is not compared"]),
        ("s['properties']['seconds']['anyOf'][0]['not'] = {'const': 0}", ["$.seconds: not is not compared"]),
        ("s['properties']['files']['items']['contentEncoding'] = 'base64'",
         ["$.files[]: contentEncoding is not compared"]),
        ("s['properties']['raw'] = {'type': 'object'}", ["$.raw: is no longer anything", "$.raw: may now be object"]),
    ],
)  # fmt: skip
def test_what_breaks_a_reader(change: str, found: list[str]) -> None:
    """GIVEN a released schema and one change of it THEN the change is named if a reader breaks, and only then."""
    changed = copy.deepcopy(BASE)
    exec(change, {"s": changed, "CUTS": CUTS})  # noqa: S102  the table above
    assert changed != BASE
    assert sorted(breaking_changes(BASE, changed)) == found
    assert breaking_changes(BASE, copy.deepcopy(BASE)) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_field_of_any_schema_escapes(name: str) -> None:
    """GIVEN each field and list of a real schema WHEN it is taken away THEN that is seen; a field more is not."""
    schema = json_schema(name)
    tried = 0
    for title in ["", *object_of(schema.get("$defs"))]:
        for field in object_of(_part(schema, title).get("properties")):
            for change in (_remove, _make_optional, _narrow):
                changed = copy.deepcopy(schema)
                if change(_part(changed, title), field):
                    tried += 1
                    assert breaking_changes(schema, changed), f"{change.__name__} {title}.{field}"
        if "properties" in _part(schema, title):
            changed = copy.deepcopy(schema)
            object_of(_part(changed, title)["properties"])["added_later"] = {"type": "string"}
            assert breaking_changes(schema, changed) == []
    assert tried >= 12


def _part(schema: JsonObject, title: str) -> JsonObject:
    return object_of(object_of(schema["$defs"])[title]) if title else schema


def _remove(model: JsonObject, field: str) -> bool:
    del object_of(model["properties"])[field]
    model["required"] = [each for each in list_of(model["required"]) if each != field]
    return True


def _make_optional(model: JsonObject, field: str) -> bool:
    before = list_of(model["required"])
    model["required"] = [each for each in before if each != field]
    return len(list_of(model["required"])) < len(before)


def _narrow(model: JsonObject, field: str) -> bool:
    """Take away the last form, or the last text of a list."""
    part = object_of(object_of(model["properties"])[field])
    forms = next((part[key] for key in ("anyOf", "oneOf", "enum") if key in part), None)
    if not isinstance(forms, list):
        return False
    forms.pop()
    return True
