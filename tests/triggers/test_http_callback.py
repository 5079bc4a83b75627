"""ICE's callback: what is accepted, and what is believed of it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from ice_result.core.types import JsonObject, JsonValue
from ice_result.triggers import Callback, Triggered, TriggerOptions, parse
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
    assert (triggered.via_http, triggered.status) == (True, 401)
    (event,) = triggered.events
    assert (event.kind, event.event_id) == ("ignored", "request-a")
    shown = to_json(triggered).decode()
    assert not [secret for secret in (*KEYS, signature(str(NOW))) if secret in shown]


def test_names_of_headers_and_the_signature_come_in_any_case() -> None:
    """As proxies and platforms write them."""
    headers: JsonValue = {"x-Ice-timestamp": str(NOW), "x-ice-SIGNATURE": signature(str(NOW)).upper()}
    assert read({**callback("a"), "headers": headers}).refused is None


def test_of_the_body_only_the_job_id_is_believed() -> None:
    """The body is not signed: it cannot say where a job goes."""
    said: JsonObject = {"sinks": ["oss://mine"], "attempts": 1000}
    envelope: JsonObject = {"schema": "ice_result.parked/1", **said, "event": {"JobId": "a"}}
    (event,) = read(callback("a", body=json.dumps(envelope))).events
    assert event.kind == "job"
    assert event.past is None


@pytest.mark.parametrize(
    ("body", "words", "kept"),
    [
        ('{"JobIds": ["a", "b"]}', "more than one event; expected one", {"JobIds": ["a", "b"]}),
        ("W3siSm9iSWQiOiJhIn0seyJKb2JJZCI6ImIifV0=", "more than one event", [{"JobId": "a"}, {"JobId": "b"}]),
        ('{"JobId":"a"}\n{"JobId":"b"}', "not JSON", '{"JobId":"a"}\n{"JobId":"b"}'),
        ("a=1", "not JSON", "a=1"),
        ("", "not JSON", ""),
        ('{"EventType": "AIProduceComplete"}', "without a job id", {"EventType": "AIProduceComplete"}),
        ("x" * 200_000, "found 200000 characters; expected at most 131072", "x" * 131_072),
    ],
    ids=["several jobs", "several in base64", "lines", "a form", "nothing", "no job id", "too long"],
)
def test_a_signed_body_that_is_not_one_job_is_malformed(body: str, words: str, kept: JsonValue) -> None:
    """ICE's signature was checked, so it is kept for an operator, whatever it is; of one too long, the beginning."""
    triggered = read(callback("a", body=body))
    assert (triggered.refused, triggered.status) == (None, None)
    (event,) = triggered.events
    assert event.kind == "malformed"
    assert words in event.reason
    assert (event.payload, event.event_id) == (kept, "request-a")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"JobIds": ["a", "b"]}', 400, "more than one event; expected one"),
        ("[" + '{"EventType": "TranscodeComplete"},' * 2 + "{}]", 400, "more than one event"),
        ("a=1", 400, "not JSON"),
        ("", 400, "not JSON"),
        (None, 400, "null"),
        ('{"EventType": "AIProduceComplete"}', 400, "without a job id"),
        ("[]", 400, "an array of 0"),
        ("x" * 131_073, 413, "found 131073 characters; expected at most 131072"),
        ({"JobId": "x" * 131_072}, 413, "expected at most 131072"),
    ],
    ids=["several jobs", "several others", "a form", "empty", "nothing", "no job id", "no event", "too long", "object"],
)
def test_of_anybody_a_body_that_is_not_one_job_is_refused(body: JsonValue, status: int, words: str) -> None:
    """Without keys nobody's body is kept: the sender is told what is wrong."""
    triggered = parse(json.dumps({**callback("a"), "body": body}))
    assert triggered.status == status
    assert words in str(triggered.refused)
    assert [(event.kind, event.event_id) for event in triggered.events] == [("ignored", "request-a")]


@pytest.mark.parametrize("options", [OPTIONS, None], ids=["signed", "without keys"])
def test_over_http_nobody_has_a_past_or_is_a_timer(options: TriggerOptions | None) -> None:
    """Whoever signs: a body cannot say which stores lack a job, nor wake the function for its upkeep."""
    envelope: JsonObject = {"schema": "ice_result.parked/1", "sinks": ["oss://mine"], "event": {"JobId": "a"}}
    timer: JsonObject = {"triggerTime": "2023-12-26T07:49:00Z", "triggerName": "t", "payload": ""}
    parked, timed = (
        parse(json.dumps(callback("a", body=json.dumps(body))), options, lambda: NOW) for body in (envelope, timer)
    )
    assert [(event.kind, event.past) for event in parked.events if event.kind == "job"] == [("job", None)]
    assert ([event.kind for event in timed.events], timed.on_timer) == (["ignored"], False)
    assert not parse(json.dumps({**callback("a"), **timer}), options, lambda: NOW).on_timer


@pytest.mark.parametrize("options", [OPTIONS, None], ids=["with keys", "without keys"])
def test_only_post_carries_an_event(options: TriggerOptions | None) -> None:
    """GET and HEAD, of browsers and health checks, are ignored; any other method is answered with what is right."""
    for method, refused in (("GET", None), ("head", None), ("PUT", 405), ("OPTIONS", 405), ("\u202e" * 500, 405)):
        request = {**callback("a"), "headers": {}, "requestContext": {"http": {"method": method}}}
        triggered = parse(json.dumps(request), options, lambda: NOW)
        assert triggered.status == refused
        (event,) = triggered.events
        assert event.kind == "ignored"
        assert "expected POST" in event.reason
        assert event.reason.isprintable()


def test_other_events_of_the_account_are_ignored() -> None:
    """One callback carries all event types."""
    triggered = read(callback("a", body=json.dumps({"EventType": "TranscodeComplete", "MessageBody": {}})))
    assert triggered.refused is None
    assert [event.kind for event in triggered.events] == ["ignored"]


def test_what_is_parked_holds_no_header() -> None:
    """Signatures, and the credentials of the trigger's own authentication, stay out of the store."""
    request = callback("cover-0001")
    request["headers"] = {**dict(request["headers"]), "Authorization": "Bearer secret"}  # type: ignore[arg-type]
    for body, kept in ((request["body"], json.loads(str(request["body"]))), ("{", "{")):
        (event,) = read({**request, "body": body}).events
        assert event.kind != "ignored"
        assert event.payload == kept
    (again,) = parse(str(request["body"]), OPTIONS).events
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
