"""Payloads made to hurt: too deep, too many, too large, not text, or full of secrets."""

from __future__ import annotations

import base64
import json

import pytest

from ice_result.triggers import JobEvent, Malformed, TriggerOptions, parse
from ice_result.values import JsonValue

BRACKETS = "[" * 5_000  # far more than Python's own reader can nest
OBJECTS = '{"a":' * 5_000


@pytest.mark.parametrize("bomb", [BRACKETS, OBJECTS, BRACKETS + "]" * 5_000], ids=["arrays", "objects", "closed"])
@pytest.mark.parametrize(
    "envelope",
    [
        lambda bomb: bomb,
        lambda bomb: json.dumps({"messageBody": bomb}),
        lambda bomb: json.dumps({"messageBody": base64.b64encode(bomb.encode()).decode()}),
        lambda bomb: json.dumps({"requestContext": {}, "requestPayload": json.dumps({"messageBody": bomb})}),
        lambda bomb: json.dumps({"EventType": "AIProduceComplete", "MessageBody": bomb}),
        json.dumps,
    ],
    ids=["bare", "in a queue", "in base64", "in a failed call", "in MessageBody", "in a string"],
)
def test_brackets_without_end_are_one_malformed_event(envelope: object, bomb: str) -> None:
    """Thousands of brackets, wherever they are, end in one complaint."""
    assert callable(envelope)

    (event,) = parse(envelope(bomb)).events

    assert isinstance(event, Malformed)
    assert len(event.reason) < 1000


def test_arrays_in_texts_in_arrays_do_not_exhaust_the_stack() -> None:
    """Sixty arrays in a text in sixty arrays, and so on, stop at the limit."""
    text = "{}"
    for _ in range(12):
        text = json.dumps(base64.b64encode(("[" * 60 + text + "]" * 60).encode()).decode())

    (event,) = parse(f"[{text}]").events

    assert isinstance(event, Malformed)
    assert "deeper than 8" in event.reason


def test_text_quoted_without_end_is_malformed() -> None:
    """Text in text in text stops at the limit too."""
    text = "word"
    for _ in range(11):
        text = json.dumps(text)

    (event,) = parse(text).events

    assert isinstance(event, Malformed)
    assert "deeper than 8" in event.reason


@pytest.mark.parametrize(
    ("fits", "too_many"),
    [
        (json.dumps({"JobIds": ["a"] * 10}), json.dumps({"JobIds": ["a"] * 11})),
        (json.dumps([0] * 10), json.dumps([0] * 11)),
        tuple(base64.b64encode(json.dumps({"JobIds": ["a"] * number}).encode()).decode() for number in (10, 11)),
    ],
    ids=["job ids", "elements", "in base64"],
)
def test_too_many_events_are_one_malformed_payload(fits: str, too_many: str) -> None:
    """More events than are allowed are refused as a whole, and kept as a whole."""
    options = TriggerOptions(most_events=10)

    assert len(parse(fits, options).events) == 10
    (event,) = parse(too_many, options).events

    assert isinstance(event, Malformed)
    assert "more than 10 events" in event.reason
    assert event.payload is not None


@pytest.mark.slow
def test_a_payload_has_at_most_a_hundred_thousand_events() -> None:
    """As many as by default are read, each a message of its own; one more, and nothing of it is."""
    job_ids = [f"job-{number}" for number in range(100_000)]

    events = parse(json.dumps({"JobIds": job_ids})).events
    assert [event.payload for event in events if isinstance(event, JobEvent)] == [
        {"JobIds": [each]} for each in job_ids
    ]

    (event,) = parse(json.dumps({"JobIds": [*job_ids, "one-more"]})).events
    assert isinstance(event, Malformed)
    assert "more than 100000 events" in event.reason


def test_each_of_a_long_list_is_a_message_of_its_own() -> None:
    """A hundred ids in one message are kept, when they must be, without the other 99 in each envelope."""
    events = parse(json.dumps({"JobIds": [f"job-{number}" for number in range(100)]})).events

    assert len(events) == 100
    assert [event.payload for event in events if isinstance(event, JobEvent)] == [
        {"JobIds": [f"job-{number}"]} for number in range(100)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True])
def test_a_hundred_thousand_brackets_are_one_malformed_event(*, closed: bool) -> None:
    """However deep a payload goes, it ends in one complaint."""
    bomb = "[" * 100_000 + "]" * (100_000 if closed else 0)

    (event,) = parse(json.dumps({"messageBody": bomb})).events

    assert isinstance(event, Malformed)
    assert len(event.reason) < 1000


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        (b"\xff\xfe{", {"base64": "//57"}),
        ('{"JobId":'.encode("utf-16"), None),
        (b"not json", "not json"),
        ("\ud800", "\ufffd"),
        (b"", ""),
        (b"null", None),
        (b"\xef\xbb\xbf 12", 12),
    ],
    ids=["not utf-8", "utf-16", "word", "surrogate", "nothing", "null", "number"],
)
def test_what_is_no_message_is_kept_as_it_came(payload: bytes | str, kept: JsonValue) -> None:
    """The payload of a malformed event is the JSON value, else the text, else the bytes in base64."""
    (event,) = parse(payload).events

    assert isinstance(event, Malformed)
    if kept is None and payload != b"null":
        kept = {"base64": base64.b64encode(payload if isinstance(payload, bytes) else b"").decode()}
    assert event.payload == kept


@pytest.mark.parametrize("job_id", ["a", "a" * 128, "中文-任务", "job 1", "12345"])
def test_job_id_is_printable_text_of_128_characters_at_most(job_id: str) -> None:
    """ICE documents no form for job ids, so any short printable text is one."""
    (event,) = parse(json.dumps({"JobId": job_id})).events

    assert isinstance(event, JobEvent)
    assert event.job_id == job_id


@pytest.mark.parametrize(
    ("job_id", "found"),
    [
        ("", "a text of 0 characters"),
        ("a" * 129, "a text of 129 characters"),
        ("a\nb", "a text of 3 characters, some of them unprintable"),
        ("a\u202eb", "some of them unprintable"),
        (True, "a boolean"),
        (1.5, "a number"),
        (None, "null"),
        (["a"], "an array of 1"),
        ({"id": "a"}, "an object with the keys id"),
        ({}, "an object without keys"),
    ],
)
def test_anything_else_is_no_job_id(job_id: JsonValue, found: str) -> None:
    """A bad id is malformed, with what was found and what was expected, never its content."""
    (event,) = parse(json.dumps({"JobId": job_id})).events

    assert isinstance(event, Malformed)
    assert found in event.reason
    assert "expected a job id, a text of 1 to 128 printable characters" in event.reason


def test_reasons_and_ids_hold_no_signature() -> None:
    """Whatever of a message goes into a reason or an id has lost its signed queries, and is short."""
    url = "http://b.oss.aliyuncs.com/k?Expires=1&OSSAccessKeyId=AK&Signature=SECRET"
    messages: list[JsonValue] = [
        {"EventType": url},
        {"EventType": "x" * 10_000},
        {url: 1},
        {"messageId": url, "messageBody": url},
        {"specversion": "1.0", "id": url, "source": "s", "data": {"EventType": url}},
    ]

    for event in parse(json.dumps(messages)).events:
        said = f"{'' if isinstance(event, JobEvent) else event.reason} {event.event_id} {event.event_type}"
        assert "SECRET" not in said
        assert len(said) < 1500


def test_event_types_and_keys_ignore_case_but_prefer_their_spelling() -> None:
    """Of two keys that differ in case only, the one spelled as documented counts."""
    (event,) = parse('{"jobid":"other","JobId":"exact"}', TriggerOptions(job_id_paths=())).events

    assert isinstance(event, JobEvent)
    assert event.job_id == "exact"
