"""The data dictionary describes the models as they are: every field, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import NoneType
from typing import get_args

import pytest
from pydantic.fields import FieldInfo

from ice_result.contents.model import Content
from ice_result.core.types import JsonValue, Model
from ice_result.records.model import Manifest, Record
from ice_result.results.model import Result, families
from ice_result.sinks.object.pointers import Mark, Pointer
from ice_result.sinks.parked_model import Expected, Parked
from support.paths import ROOT

DOCUMENT = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
COLUMNS = ["Field", "Type", "Unit", "Meaning", "Source", "Origin"]
ORIGINS = {"documented", "measured", "inferred", "ours"}
UNITS = {"_seconds": "s", "_percent": "%", "_bytes": "bytes"}

Row = dict[str, str]


def models_in(annotation: object) -> Iterator[type[Model]]:
    """Every model a type mentions, however deep in unions, tuples and annotations."""
    if annotation is Result:
        for family in families().values():
            yield from models_in(family)
    elif isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    else:
        for argument in get_args(annotation):
            yield from models_in(argument)


def tables() -> dict[str, list[Row]]:
    """The rows of the first table under each heading that names a model."""
    sections = re.split(r"^### `(\w+)`$", DOCUMENT, flags=re.MULTILINE)
    return {name: list(rows_of(text)) for name, text in zip(sections[1::2], sections[2::2], strict=True)}


def rows_of(section: str) -> Iterator[Row]:
    lines = section[section.index("| Field ") :].split("\n\n", maxsplit=1)[0].strip().splitlines()
    header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert header == COLUMNS
    for cells in body:
        yield dict(zip(COLUMNS, cells, strict=True))


WRITTEN = (Record, Manifest, Pointer, Mark, Content, Parked, Expected)
MODELS = {model.__name__: model for root in WRITTEN for model in models_in(root)}
TABLES = tables()
FIELDS = [
    pytest.param(field, row, id=f"{name}.{field.alias or field_name}")
    for name, model in MODELS.items()
    for field_name, field in model.model_fields.items()
    for row in TABLES.get(name, [])
    if row["Field"] == f"`{field.alias or field_name}`"
]


def test_every_model_that_is_written_down_has_a_table() -> None:
    """Record, manifest, pointer, mark, content, parked event and note, and all they are made of; nothing else."""
    assert set(TABLES) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_table_names_every_field_of_its_model_in_order(name: str) -> None:
    """Fields are named as they stand in the JSON, in the order they stand there."""
    expected = [f"`{field.alias or field_name}`" for field_name, field in MODELS[name].model_fields.items()]

    assert [row["Field"] for row in TABLES[name]] == expected


@pytest.mark.parametrize(("field", "row"), FIELDS)
def test_a_row_tells_null_unit_and_origin(field: FieldInfo, row: Row) -> None:
    """Null is named where it can stand, the unit as the name says, and where the knowledge comes from."""
    nullable = NoneType in get_args(field.annotation) and field.annotation != JsonValue

    assert row["Type"].endswith("or null") == nullable
    assert row["Meaning"]
    assert row["Origin"] in ORIGINS
    unit = next((unit for suffix, unit in UNITS.items() if row["Field"].strip("`").endswith(suffix)), None)
    assert unit is None or row["Unit"] == unit
