"""Every payload under tests/events, each with where it comes from and what it must become."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from ice_result.core.types import JsonObject
from ice_result.triggers import Triggered, TriggerOptions, parse
from support.paths import TESTS

EVENTS = TESTS / "events"
OPTIONS = TypeAdapter(TriggerOptions)
FIXTURES = sorted(EVENTS.glob("*.json"))


def read_fixture(path: Path) -> JsonObject:
    return cast("JsonObject", json.loads(path.read_text(encoding="utf-8")))


def parse_fixture(fixture: JsonObject) -> Triggered:
    text = fixture["event_text"] if "event_text" in fixture else json.dumps(fixture["event"])
    return parse(cast("str", text).encode(), options_of(fixture))


def options_of(fixture: JsonObject) -> TriggerOptions:
    return OPTIONS.validate_python(fixture.get("options", {}))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_becomes_what_it_says(path: Path) -> None:
    """Each fixture yields its events in its order, with ids, types and the words its reasons must hold."""
    fixture = read_fixture(path)
    expected = cast("JsonObject", fixture["expected"])

    triggered = parse_fixture(fixture)

    assert triggered.via_http is expected["via_http"]
    assert triggered.status == expected.get("status")
    assert triggered.on_timer is expected.get("on_timer", path.stem == "timer")
    events = [cast("JsonObject", to_jsonable_python(event)) for event in triggered.events]
    for event, wanted in zip(events, cast("list[JsonObject]", expected["events"]), strict=True):
        reason = str(event.get("reason"))
        assert [word for word in cast("list[str]", wanted.pop("reason", [])) if word not in reason] == []
        assert {key: event[key] for key in wanted} == wanted


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_says_where_it_comes_from(path: Path) -> None:
    """No fixture without its origin: documented, seen live or assumed, in words."""
    origin = read_fixture(path)["origin"]

    assert re.match(r"(documented|seen live|assumed): \w", cast("str", origin))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_says_what_is_kept_of_a_malformed_event(path: Path) -> None:
    """What could not be read is what an operator looks at, so each fixture of it names the payload."""
    fixture = read_fixture(path)
    expected = cast("JsonObject", fixture["expected"])

    assert [
        event
        for event in cast("list[JsonObject]", expected["events"])
        if event["kind"] == "malformed" and "payload" not in event
    ] == []


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_what_is_kept_of_a_job_names_that_job_alone(path: Path) -> None:
    """WHEN the payload of a job is parsed again, as a retry does, THEN there is that job and no other."""
    options = options_of(read_fixture(path))
    events = [event for event in parse_fixture(read_fixture(path)).events if event.kind == "job"]

    again = [parse(json.dumps(event.payload), options).events for event in events]

    assert [[found.job_id for found in each if found.kind == "job"] for each in again] == [
        [event.job_id] for event in events
    ]
