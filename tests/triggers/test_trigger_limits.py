"""Payloads made to hurt: too deep, too many, too large, not text, or full of secrets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import pytest
from pydantic_core import to_json

from ice_result.core.types import JsonValue
from ice_result.triggers import Ignored, JobEvent, Malformed, Past, TriggerOptions, parse, parse_again

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
        (b"\xff\xfe\x00\xd8", {"base64": "//4A2A=="}),
        ('{"JobId":'.encode("utf-16"), '{"JobId":'),
        (b"not json", "not json"),
        ("\ud800", "\ufffd"),
        (b"", ""),
        (b"null", None),
        (b"\xef\xbb\xbf 12", 12),
    ],
    ids=["not utf-8", "not utf-16", "cut utf-16", "word", "surrogate", "nothing", "null", "number"],
)
def test_what_is_no_message_is_kept_as_it_came(payload: bytes | str, kept: JsonValue) -> None:
    """The payload of a malformed event is the JSON value, else the text, else the bytes in base64."""
    (event,) = parse(payload).events

    assert isinstance(event, Malformed)
    assert event.payload == kept


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_is_read_by_its_byte_order_mark(encoding: str) -> None:
    """UTF-16 as PowerShell writes files, a JSON text or lines of it; without a mark, UTF-8."""
    mark = "\ufeff" if encoding.endswith(("le", "be")) else ""
    one = f'{mark}{{"JobId":"中文"}}'.encode(encoding)
    two = f'{mark}{{"JobId":"中文"}}\r\n{{"JobId":"b"}}\r\n'.encode(encoding)

    assert [event.job_id for event in parse(one).events if isinstance(event, JobEvent)] == ["中文"]
    assert [event.job_id for event in parse(two).events if isinstance(event, JobEvent)] == ["中文", "b"]


@pytest.mark.parametrize("tag", ["<a>", "</a>", "<!--", "&lt;", "<![CDATA["])
def test_long_xml_is_not_read(tag: str) -> None:
    """More than a mebibyte is no message of MNS; less ends in one complaint, whatever its tags."""
    for times, words in (
        (2_000_000 // len(tag), "at most 1048576 are read"),
        (100_000, "the XML is not a notification"),
    ):
        (event,) = parse(f"<Notification>{tag * times}").events
        assert isinstance(event, Malformed)
        assert words in event.reason
        assert len(event.reason) < 1000


def test_only_lines_of_json_are_several_messages() -> None:
    """A JSON text with a mistake stays one message, however many lines it has; a bad line spoils no other."""
    (broken,) = parse('{\n  "JobId": "a",\n}').events
    assert isinstance(broken, Malformed)
    assert broken.payload == '{\n  "JobId": "a",\n}'

    job, bad, word = parse('\n{"JobId":"a"}\n\n{"JobId"\ncover-0001\n').events
    assert isinstance(job, JobEvent)
    assert isinstance(bad, Malformed)
    assert isinstance(word, Malformed)
    assert [event.reason.partition(":")[0] for event in (bad, word)] == ["line 4", "line 5"]
    assert [event.payload for event in (bad, word)] == ['{"JobId"', "cover-0001"]


BLANKS = [" ", "\t", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2028"]


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: blank.encode("unicode_escape").decode())
@pytest.mark.parametrize(
    "message",
    [
        lambda job_id: {"JobId": job_id},
        lambda job_id: {"JobIds": [job_id]},
        lambda job_id: {"job_id": job_id},
        lambda job_id: job_id,
        lambda job_id: {"EventType": "AIProduceComplete", "MessageBody": {"JobId": job_id}},
        lambda job_id: {"EventType": "AIProduceComplete", "MessageBody": json.dumps({"JobId": job_id})},
    ],
    ids=["JobId", "JobIds", "job_id", "bare", "MessageBody", "MessageBody as text"],
)
def test_blanks_around_a_job_id_are_no_part_of_it(message: Callable[[str], JsonValue], blank: str) -> None:
    """An id copied from a page or a terminal, wherever it is named."""
    (event,) = parse(json.dumps(message(f"{blank}{blank}job 1{blank}"))).events

    assert isinstance(event, JobEvent)
    assert event.job_id == "job 1"


def test_a_message_of_many_events_is_kept_once_in_all() -> None:
    """Two thousand events in one message: each keeps itself, so that all together are no larger than the message."""
    events: list[JsonValue] = [
        {"EventType": "AIProduceComplete", "MessageBody": {"JobId": f"job-{number:030d}"}} for number in range(2000)
    ]
    cloud_event = {"specversion": "1.0", "id": "1", "source": "mns", "data": {"messageBody": json.dumps(events)}}
    payload = json.dumps([cloud_event])

    kept = [event.payload for event in parse(payload).events if isinstance(event, JobEvent)]

    assert kept == events
    assert sum(len(json.dumps(each)) for each in kept) < len(payload)


def test_base64_hides_no_secret_in_what_is_kept() -> None:
    """A signed query in base64, in base64 of base64, beside other keys, in bytes that are no text: none is kept."""
    url = "http://b.oss-cn-shanghai.aliyuncs.com/k?Expires=1&OSSAccessKeyId=AK&Signature=SECRET"

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    payloads: list[bytes | str] = [
        encoded(url),
        encoded(encoded(url)),
        encoded(json.dumps({"note": encoded(json.dumps({"url": url}))})),
        json.dumps({"EventType": "AIProduceComplete", "MessageBody": encoded(json.dumps({"MediaURL": url}))}),
        json.dumps({"JobId": "j1", "note": json.dumps({"url": encoded(url)}), encoded("x"): [encoded(url)]}),
        json.dumps({"JobId": "j1", "UserData": url, f"{url}&a": 1}),
        json.dumps([{"messageBody": encoded(url)}]),
        b"\xff" + url.encode(),
        url.encode("utf-16"),
    ]
    for payload in payloads:
        for event in parse(payload).events:
            kept = to_json(event).decode()
            words = re.findall(r"[A-Za-z0-9+/]{8,}", kept)
            decoded = [base64.b64decode(word[: len(word) // 4 * 4]) for word in words]
            assert "SECRET" not in kept
            assert not [text for text in decoded if b"SECRET" in text or b"U0VDUkVU" in text]


def test_a_job_is_still_named_when_a_secret_was_beside_it() -> None:
    """GIVEN a job id under a key that is cleaned THEN what is kept names the job by itself."""
    signed = "k?OSSAccessKeyId=AK&Signature=SECRET"
    options = TriggerOptions(job_id_paths=(f"/MessageBody/{signed}",))
    beside: JsonValue = {"EventType": "AIProduceComplete", "MessageBody": {signed: "j1"}}
    apart: JsonValue = {"JobId": "j1", "Media": f"http://h/{signed}"}

    (kept_alone,) = parse(json.dumps(beside), options).events
    (kept_all,) = parse(json.dumps(apart), options).events

    assert isinstance(kept_alone, JobEvent)
    assert isinstance(kept_all, JobEvent)
    assert kept_alone.payload == {"JobId": "j1"}
    assert isinstance(kept_all.payload, dict)
    assert kept_all.payload.keys() == {"JobId", "Media"}


def test_an_address_with_a_signature_is_no_job_id() -> None:
    """Job ids are in keys, logs and messages: one with a secret is malformed, and nothing of it is kept."""
    (event,) = parse(json.dumps({"JobId": "http://h/j1?Signature=SECRET"})).events

    assert isinstance(event, Malformed)
    assert "/JobId: found a text of 28 characters with a secret; expected a job id" in event.reason
    assert b"SECRET" not in to_json(event)


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


@pytest.mark.parametrize("lines", [False, True])
def test_messages_for_which_there_is_no_time_are_kept_unread(*, lines: bool) -> None:
    """GIVEN time for two of four messages THEN the others are there as they came, without secrets; read later, too."""
    messages: list[JsonValue] = [{"JobId": f"job-{number}", "Password": "hidden"} for number in range(4)]
    payload = "\n".join(map(json.dumps, messages)) if lines else json.dumps(messages)
    asked = iter([False, False, True, True])
    events = parse(payload, time_is_over=lambda: next(asked)).events
    assert [event.kind for event in events] == ["job", "job", "unread", "unread"]
    kept = [event.payload for event in events if not isinstance(event, Ignored)]
    assert "hidden" not in json.dumps(kept)
    again = parse_again(kept[2:], Past(), TriggerOptions())
    assert [event.job_id if isinstance(event, JobEvent) else None for event in again] == ["job-2", "job-3"]


def test_a_text_that_is_no_id_where_it_came_is_none_when_it_is_tried_again() -> None:
    """A text in an array in an array names no job; nor does it as the one thing that is kept of it."""
    (event,) = parse('[["cover-0001"]]').events
    assert isinstance(event, Malformed)
    (again,) = parse_again(event.payload, Past(), TriggerOptions())
    assert isinstance(again, Malformed)
