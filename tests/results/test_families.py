"""What every family of results has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ice_result.core.types import Model
from ice_result.results.audio_quality import Channel
from ice_result.results.covers import Cover
from ice_result.results.model import SHARED_COLUMNS, families, read_result
from ice_result.results.music_segments import MusicSegment
from ice_result.results.summary import SummarySegment

FAMILIES = families()
ITEMS: dict[str, type[Model]] = {
    "covers": Cover,
    "summary": SummarySegment,
    "music_segments": MusicSegment,
    "audio_quality": Channel,
}


def flat(model: type[Model], prefix: str = "") -> Iterator[str]:
    """The names of all values in a model; those of a model in it begin with its name."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Model):
            yield from flat(field.annotation, f"{name}_")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_kind_of_a_result_is_the_name_of_its_module(kind: str) -> None:
    """So a stored result leads to its family, and to no other module."""
    family = FAMILIES[kind]

    assert family.__module__ == f"ice_result.results.{kind}"
    assert read_result({"kind": kind}) == family.model_validate({})
    assert family.model_validate({}).kind == kind


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_value_of_an_item_has_a_column(kind: str) -> None:
    """No value of a cover, a segment or a channel is missing in the tables; a family without items has no columns."""
    family = FAMILIES[kind]
    names = [column.name for column in family.item_columns]

    assert sorted(names) == sorted(flat(ITEMS[kind]) if kind in ITEMS else [])
    assert (family.item_kind is None) == (kind not in ITEMS)


def test_families_agree_on_the_columns_that_they_share() -> None:
    """A column has one type and one unit, and one that two families have is among the shared ones."""
    columns = [column for family in FAMILIES.values() for column in family.item_columns]
    names = [column.name for column in columns]

    assert len({(column.name, column.type, column.unit) for column in columns}) == len(set(names))
    assert {name for name in names if names.count(name) > 1} <= set(SHARED_COLUMNS)


@pytest.mark.parametrize("value", [None, [], {}, {"kind": None}, {"kind": 7}, {"kind": "covers", "covers": 7}])
def test_what_is_no_result_is_refused(value: object) -> None:
    """Something else, a kind that is no text, and a known kind with a field that is not as it is written."""
    with pytest.raises(ValueError, match=r"kind|covers"):
        read_result(value)


@pytest.mark.parametrize("kind", ["chapters", "registry", "../covers", ""])
def test_a_kind_that_was_added_later_is_kept_whole(kind: str) -> None:
    """GIVEN a kind that is not in the registry THEN it names no module, and its object is the data of an Unknown."""
    value = {"kind": kind, "chapters": [1]}
    assert read_result(value).model_dump() == {"kind": "unknown", "data": value}
