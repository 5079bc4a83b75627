"""What holds for any payload whatsoever."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import pairwise
from xml.sax.saxutils import escape

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from ice_result.core import json_text
from ice_result.core.types import JsonValue
from ice_result.triggers import JobEvent, Triggered, TriggerOptions, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KNOWN_KEYS = (
    *("EventType", "MessageBody", "JobId", "JobIds", "Type", "specversion", "id", "source", "data", "data_base64"),
    *("messageBody", "messageId", "TopicName", "Message", "MessageId", "body", "attrs", "headers", "http"),
    *("requestContext", "requestPayload", "requestId", "triggerTime", "triggerName", "job_id", "record"),
    *("topic", "value", "offset", "props", "State", "Details", "RunId", "MediaWorkflowExecution", "method", "schema"),
)
NEAR_MISSES = st.recursive(
    st.none() | st.integers() | st.sampled_from(("AIProduceComplete", "IProduction", "e30=", "[]", '{"JobId":1}', "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KNOWN_KEYS), inner, max_size=5)
        | inner.map(json.dumps)
    ),
    max_leaves=15,
)
WAKE_UP: JsonValue = {"EventType": "AIProduceComplete", "MessageBody": {"JobId": "known-0001"}}


def as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def as_base64(value: JsonValue) -> str:
    return base64.b64encode(as_text(value).encode()).decode()


def as_batch(value: JsonValue) -> str:
    return as_text([value])


def as_xml(message: str) -> str:
    head = '<?xml version="1.0" encoding="utf-8"?><Notification xmlns="http://mns.aliyuncs.com/doc/v1/">'
    return f"{head}<TopicName>t</TopicName><MessageId>m</MessageId><Message>{message}</Message></Notification>"


def as_cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


TEXTS: tuple[Callable[[JsonValue], JsonValue], ...] = (as_text, as_base64, as_batch, lambda value: value)
XML_ENVELOPES: tuple[Callable[[JsonValue], JsonValue], ...] = (
    lambda body: as_xml(escape(as_text(body))),
    lambda body: as_xml(as_cdata(as_text(body))),
)
ENVELOPES: tuple[Callable[[JsonValue], JsonValue], ...] = (
    lambda body: {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": body},
    lambda body: {"messageId": "m", "messageBody": body},
    lambda body: {"TopicOwner": "o", "TopicName": "t", "MessageId": "m", "Message": body},
    lambda body: {"body": body, "attrs": {"EventType": "other"}},
    lambda body: {"headers": {}, "body": body, "requestContext": {"http": {"method": "POST"}, "requestId": "r"}},
    lambda body: {"requestContext": {"requestId": "r"}, "requestPayload": body},
    lambda body: {"topic": "t", "systemProperties": {}, "userProperties": {}, "body": body},
    lambda body: {"props": {"messageId": "m"}, "envelope": {}, "body": body},
    lambda body: {"topic": "t", "partition": 7, "offset": 25, "headers": {}, "key": "k", "value": body},
    *XML_ENVELOPES,
)
Layer = tuple[Callable[[JsonValue], JsonValue], Callable[[JsonValue], JsonValue]]
LAYERS: st.SearchStrategy[Layer] = st.tuples(st.sampled_from(ENVELOPES), st.sampled_from(TEXTS))


def wrapped(layers: list[Layer], innermost: JsonValue = WAKE_UP) -> JsonValue:
    message = innermost
    for envelope, text in layers:
        message = envelope(text(message))
    return message


def depth(layers: list[Layer]) -> int:
    """How deep the parser goes: into each envelope, and once more into a text that stands in an array."""
    in_arrays = [inner[0] in XML_ENVELOPES and outer[1] is as_batch for inner, outer in pairwise(layers)]
    return len(layers) + sum(in_arrays)


def job_ids(triggered: Triggered) -> list[str]:
    return [event.job_id for event in triggered.events if event.kind == "job"]


def check_sound(triggered: Triggered) -> None:
    """At least one event, all of it fit to be written as UTF-8 JSON, every reason in words."""
    assert triggered.events
    assert json.loads(to_json(triggered))
    assert all(isinstance(event, JobEvent) or event.reason.isprintable() for event in triggered.events)


@given(st.binary())
def test_any_bytes_yield_events(payload: bytes) -> None:
    """Random bytes never raise and never vanish."""
    check_sound(parse(payload))


@given(st.text(st.characters()))
def test_any_text_yields_events(payload: str) -> None:
    """Random text never raises and never vanishes, lone surrogates included."""
    check_sound(parse(payload))


@given(JSON | NEAR_MISSES)
def test_any_json_yields_events(value: JsonValue) -> None:
    """Random JSON, also such as is made of our own keys, never raises and never vanishes."""
    check_sound(parse(json.dumps(value)))


@given(NEAR_MISSES, st.lists(st.text(alphabet="/~01JobIdMesag", max_size=12), max_size=3))
def test_any_pointers_yield_events(value: JsonValue, pointers: list[str]) -> None:
    """Whatever the settings name as the place of the job id, nothing raises."""
    check_sound(parse(json.dumps(value), TriggerOptions(job_id_paths=tuple(pointers))))


@given(st.lists(LAYERS, max_size=8).filter(lambda layers: depth(layers) <= 8))
def test_any_nesting_of_envelopes_is_unwrapped(layers: list[Layer]) -> None:
    """Up to eight envelopes around an event, in any order, text in any form: the job id comes out."""
    assert job_ids(parse(json.dumps(wrapped(layers)))) == ["known-0001"]


@given(st.lists(LAYERS, min_size=9, max_size=12))
def test_deeper_nesting_is_malformed(layers: list[Layer]) -> None:
    """The ninth envelope is not opened, and the reason says so."""
    (event,) = parse(json.dumps([wrapped(layers)])).events

    assert event.kind == "malformed"
    assert "deeper than 8 envelopes" in event.reason


@given(st.lists(NEAR_MISSES | JSON, max_size=4), st.lists(NEAR_MISSES | JSON, max_size=4), st.lists(LAYERS, max_size=2))
def test_poison_never_hides_a_good_event(before: list[JsonValue], after: list[JsonValue], layers: list[Layer]) -> None:
    """Whatever stands beside it in a batch, and wherever the batch lies, a sound event is found.

    Not at the top of an HTTP request, which names one job: so all of it lies in an array.
    """
    batch = wrapped(layers, [*before, wrapped(layers), *after])

    assert "known-0001" in job_ids(parse(json.dumps([batch])))


@given(st.lists(NEAR_MISSES | st.lists(LAYERS, max_size=4).map(wrapped), max_size=4))
def test_payload_of_a_job_event_leads_to_the_job_again(batch: list[JsonValue]) -> None:
    """What is parked can be retried: the payload, written as JSON, names the job it was kept for, and no other."""
    for event in parse(json.dumps(batch)).events:
        if event.kind == "job":
            assert job_ids(parse(json_text.dump(event.payload))) == [event.job_id]
