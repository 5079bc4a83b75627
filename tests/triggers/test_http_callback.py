"""ICE's callback: what is accepted, and what is believed of it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.triggers import Callback, Triggered, TriggerOptions, parse
from ice_result.values import JsonObject, JsonValue
from support.callback_requests import KEYS, NOW, URL, callback, signature

OPTIONS = TriggerOptions(callback=Callback(url=URL, keys=KEYS))


def read(request: JsonValue, now: float = NOW) -> Triggered:
    """What the first stage makes of a request at this time."""
    return parse(json.dumps(request), OPTIONS, lambda: now)


@pytest.mark.parametrize("key", KEYS)
def test_either_of_two_keys_is_accepted(key: str) -> None:
    """While one key replaces the other, ICE may sign with both."""
    triggered = read(callback("cover-0001", key=key))
    assert (triggered.refused, triggered.via_http) == (None, True)
    assert [event.kind for event in triggered.events] == ["job"]


@pytest.mark.parametrize("seconds", [-300, -1, 0, 299.5, 300])
def test_a_clock_may_be_five_minutes_off(seconds: float) -> None:
    """In both directions, for either clock may be the wrong one."""
    assert read(callback("a"), NOW + seconds).refused is None


@pytest.mark.parametrize(("seconds", "words"), [(301, "signed 301 s ago"), (-301, "signed 301 s ahead")])
def test_what_is_older_or_newer_is_refused(seconds: float, words: str) -> None:
    """The reason says by how much, so that a wrong clock shows."""
    assert words in str(read(callback("a"), NOW + seconds).refused)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "no X-ICE-TIMESTAMP"),
        ({"X-ICE-TIMESTAMP": str(NOW)}, "no X-ICE-SIGNATURE"),
        ({"X-ICE-SIGNATURE": signature(str(NOW))}, "no X-ICE-TIMESTAMP"),
        ({"X-ICE-TIMESTAMP": "1", "x-ice-timestamp": "1", "X-ICE-SIGNATURE": signature("1")}, "more than one"),
        ({"X-ICE-TIMESTAMP": NOW, "X-ICE-SIGNATURE": signature(str(NOW))}, "no X-ICE-TIMESTAMP"),
        ({"X-ICE-TIMESTAMP": [str(NOW)], "X-ICE-SIGNATURE": signature(str(NOW))}, "no X-ICE-TIMESTAMP"),
        ({"X-ICE-TIMESTAMP": "", "X-ICE-SIGNATURE": signature("")}, "not a time"),
        ({"X-ICE-TIMESTAMP": f" {NOW}", "X-ICE-SIGNATURE": signature(f" {NOW}")}, "not a time"),
        ({"X-ICE-TIMESTAMP": f"-{NOW}", "X-ICE-SIGNATURE": signature(f"-{NOW}")}, "not a time"),
        ({"X-ICE-TIMESTAMP": "١٦٥٧", "X-ICE-SIGNATURE": signature("١٦٥٧")}, "not a time"),
        ({"X-ICE-TIMESTAMP": "9" * 400, "X-ICE-SIGNATURE": signature("9" * 400)}, "not a time"),
        ({"X-ICE-TIMESTAMP": "NaN", "X-ICE-SIGNATURE": signature("NaN")}, "not a time"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": ""}, "is not that of"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": signature(str(NOW))[:-1]}, "is not that of"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": "ключ"}, "is not that of"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": signature(str(NOW + 1))}, "is not that of"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": signature(str(NOW), key="other")}, "is not that of"),
        ({"X-ICE-TIMESTAMP": str(NOW), "X-ICE-SIGNATURE": signature(str(NOW), url=f"{URL}/")}, "is not that of"),
        (None, "no X-ICE-TIMESTAMP"),
        ([], "no X-ICE-TIMESTAMP"),
    ],
)
def test_what_is_not_signed_right_is_refused(headers: JsonValue, words: str) -> None:
    """Nothing of the request is read but its id; the reason shows no key and no right signature."""
    triggered = read({**callback("a"), "headers": headers})
    assert words in str(triggered.refused)
    assert triggered.via_http
    (event,) = triggered.events
    assert (event.kind, event.event_id) == ("ignored", "request-a")
    shown = triggered.model_dump_json()
    assert not [secret for secret in (*KEYS, signature(str(NOW))) if secret in shown]


def test_names_of_headers_and_the_signature_come_in_any_case() -> None:
    """As proxies and platforms write them."""
    headers: JsonValue = {"x-Ice-timestamp": str(NOW), "x-ice-SIGNATURE": signature(str(NOW)).upper()}
    assert read({**callback("a"), "headers": headers}).refused is None


def test_of_the_body_only_the_job_id_is_believed() -> None:
    """The body is not signed: it cannot say where a job goes, nor name more jobs than one."""
    said: JsonObject = {"sinks": ["oss://mine"], "attempts": 1000}
    envelope: JsonObject = {"schema": "ice_result.parked/1", **said, "event": {"JobId": "a"}}
    (event,) = read(callback("a", body=json.dumps(envelope))).events
    assert event.kind == "job"
    assert event.past is None
    (several,) = read(callback("a", body=json.dumps({"JobIds": ["a", "b"]}))).events
    assert several.kind == "malformed"
    assert several.reason == "body: found 2 events; expected one"
    assert several.payload == '{"JobIds": ["a", "b"]}'


def test_other_events_of_the_account_are_ignored() -> None:
    """One callback carries all event types."""
    triggered = read(callback("a", body=json.dumps({"EventType": "TranscodeComplete", "MessageBody": {}})))
    assert triggered.refused is None
    assert [event.kind for event in triggered.events] == ["ignored"]


def test_a_body_that_ice_cannot_have_sent_is_refused() -> None:
    """It would only fill the store of parked events."""
    assert "longer than" in str(read(callback("a", body="x" * 200_000)).refused)


def test_what_is_parked_holds_no_header() -> None:
    """Signatures, and the credentials of the trigger's own authentication, stay out of the store."""
    request = callback("cover-0001")
    request["headers"] = {**dict(request["headers"]), "Authorization": "Bearer secret"}  # type: ignore[arg-type]
    for body in (request["body"], "{"):
        (event,) = read({**request, "body": body}).events
        assert event.kind != "ignored"
        assert event.payload == body
    (again,) = parse(json.dumps(request["body"]), OPTIONS).events
    assert again.kind == "job"


def test_a_request_in_another_envelope_was_checked_when_it_came() -> None:
    """A failure destination may deliver it hours later."""
    (event,) = read({"requestContext": {"requestId": "r"}, "requestPayload": json.dumps(callback("a"))}, 2 * NOW).events
    assert event.kind == "job"


def test_without_keys_a_request_is_accepted_as_it_is() -> None:
    """The trigger's own authentication may protect it."""
    triggered = parse(json.dumps({**callback("a"), "headers": {}}))
    assert triggered.refused is None
    assert [event.kind for event in triggered.events] == ["job"]


def test_other_triggers_need_no_signature() -> None:
    """Only what came over HTTP is checked."""
    assert read({"JobId": "a"}).events[0].kind == "job"


@given(st.dictionaries(st.sampled_from(["X-ICE-TIMESTAMP", "x-ice-signature", "Host"]), st.text() | st.none()))
def test_no_headers_get_in_without_a_key(headers: dict[str, str | None]) -> None:
    """And none of them raises."""
    assert read({**callback("a"), "headers": dict(headers)}).refused


def test_the_signature_is_the_documented_one() -> None:
    """Hex MD5 of URL, timestamp and key, with bars between."""
    expected = hashlib.md5(f"{URL}|{NOW}|{KEYS[0]}".encode(), usedforsecurity=False).hexdigest()
    headers: JsonValue = {"X-ICE-TIMESTAMP": f"{NOW}", "X-ICE-SIGNATURE": expected}
    assert read({**callback("a"), "headers": headers}).refused is None


def test_keys_do_not_show() -> None:
    """Neither the options nor the callback print them."""
    assert not [key for key in KEYS if key in repr(OPTIONS)]
