"""Every payload under tests/events, each with where it comes from and what it must become."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import cast

import pytest

from ice_result.triggers import Triggered, TriggerOptions, parse
from ice_result.values import JsonObject, JsonValue
from support.paths import TESTS

EVENTS = TESTS / "events"
FIXTURES = sorted(EVENTS.glob("*.json"))


def read_fixture(path: Path) -> JsonObject:
    return cast("JsonObject", json.loads(path.read_text(encoding="utf-8")))


def parse_fixture(fixture: JsonObject) -> Triggered:
    text = fixture["event_text"] if "event_text" in fixture else json.dumps(fixture["event"])
    options = TriggerOptions.model_validate_json(json.dumps(fixture.get("options", {})))
    return parse(cast("str", text).encode(), options)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture_becomes_what_it_says(path: Path) -> None:
    """Each fixture yields its events in its order, with ids, types and the words its reasons must hold."""
    fixture = read_fixture(path)
    expected = cast("JsonObject", fixture["expected"])

    triggered = parse_fixture(fixture)

    assert triggered.via_http is expected["via_http"]
    events = [cast("JsonObject", event.model_dump(mode="json")) for event in triggered.events]
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
def test_malformed_events_keep_the_whole_message(path: Path) -> None:
    """A malformed event holds the message as it came.

    Of an HTTP request that is the body, since its headers may hold secrets; of a list of ids, the one in question.
    """
    fixture = read_fixture(path)
    whole = fixture.get("event", fixture.get("event_text"))
    messages = whole if isinstance(whole, list) and whole else [whole]
    if isinstance(whole, dict) and path.stem.startswith("http-"):
        messages = [whole.get("body")]
    if isinstance(whole, dict) and isinstance(whole.get("JobIds"), list):
        messages = [{"JobIds": [job_id]} for job_id in cast("list[JsonValue]", whole["JobIds"])] or [whole]

    malformed = [event for event in parse_fixture(fixture).events if event.kind == "malformed"]

    assert [event.payload for event in malformed if event.payload not in messages] == []
