"""Parsing of a payload: it is taken apart, message by message and envelope by envelope, until only events are left.

    bytes ─► JSON ─► each element ─► envelope ─► text, JSON ─► envelope ─► … ─► JobEvent | Ignored | Malformed

No payload raises an exception, and no message vanishes: each yields at least one event.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ice_result.core import json_text
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import NotJsonError
from ice_result.triggers.cleaning import without_secrets
from ice_result.triggers.envelopes import ENVELOPES, Nested, is_timer
from ice_result.triggers.http_requests import is_request, read_request
from ice_result.triggers.job_ids import job_event
from ice_result.triggers.model import (
    Ignored,
    JobEvent,
    Malformed,
    Past,
    Triggered,
    TriggerEvent,
    TriggerOptions,
    Unread,
)
from ice_result.triggers.texts import describe, json_lines, read_text

MAX_NESTING = 8
"""Most envelopes inside one another. The deepest intended chain has four: the message of a topic in a queue, as a
CloudEvent, in the event of a failure destination."""


def _never() -> bool:
    return False


class _Place(NamedTuple):
    """A place in a payload, and the facts from the envelopes around it.

    The outermost message id counts: it names the delivery, and so the same in logs and in a redelivery. The id of a
    call (`request_id`) changes with every attempt, and serves only without another. With `ids_only`, events are made
    without the facts for an operator. Messages are not read any more when `time_is_over`.
    """

    options: TriggerOptions
    field: str = "payload"
    level: int = 0
    bare_id: bool = False
    message_id: str | None = None
    request_id: str | None = None
    past: Past | None = None
    ids_only: bool = False
    time_is_over: Callable[[], bool] = _never

    def inside(self, nested: Nested) -> _Place:
        return self._replace(
            field=nested.field,
            level=self.level + 1,
            bare_id=nested.bare_id,
            message_id=self.message_id or nested.message_id,
            request_id=self.request_id or nested.request_id,
            past=nested.past or self.past,
        )

    def event(self, event: TriggerEvent, message: JsonValue) -> TriggerEvent:
        """Complete `event`, made of `message` alone, with the facts for an operator: its id, past and payload.

        The payload is cleaned of secrets here, and nowhere later. A retry must still find the job in it.
        """
        event_id = self.message_id or self.request_id
        if isinstance(event, Ignored):
            return replace(event, event_id=event_id)
        if self.ids_only:
            return event
        source = message if event.payload is None else event.payload
        payload = without_secrets(source)
        if isinstance(event, JobEvent) and payload != source and not self._names(payload, event.job_id):
            payload = {"JobId": event.job_id}
        return replace(event, event_id=event_id, past=self.past, payload=payload)

    def _names(self, payload: JsonValue, job_id: JobId) -> bool:
        """Check that a retry finds this job in the payload, and no other."""
        events = _read_each(payload, _Place(self.options, ids_only=True))
        return [event.job_id if isinstance(event, JobEvent) else None for event in events] == [job_id]

    def malformed(self, reason: str, part: JsonValue) -> TriggerEvent:
        """Make the event of a `part` of the payload that cannot be read."""
        return self.event(Malformed(reason=f"{self.field}: {reason}"), part)


def parse(
    payload: bytes | str,
    options: TriggerOptions | None = None,
    clock: Callable[[], float] = time.time,
    time_is_over: Callable[[], bool] = _never,
) -> Triggered:
    """Find the jobs that `payload` names, and a reason for every other message in it. Secrets are removed.

    Never raises, whatever the payload. A job named twice is there twice. The `payload` of a JobEvent, written as JSON
    and parsed again, names that job again and no other: a parked event can be retried. Several lines of JSON are
    several messages. `clock` gives the time in Unix seconds, for callbacks that must not be old. After `time_is_over`,
    the other messages of an array, or of several lines, are Unread.
    """
    options = options or TriggerOptions()
    try:
        whole = json_text.load(payload)
    except NotJsonError as error:
        return Triggered(events=_read_whole_text(payload, error, _Place(options, time_is_over=time_is_over)))
    place = _Place(options, bare_id=True, time_is_over=time_is_over)
    if isinstance(whole, dict) and is_request(whole):
        return read_request(whole, options, clock(), _read_each(whole, place))
    messages = whole if isinstance(whole, list) else [whole]
    return Triggered(
        events=_limited(_read_each(whole, place), place, whole),
        on_timer=any(isinstance(message, dict) and is_timer(message) for message in messages),
    )


def parse_again(message: JsonValue, past: Past, options: TriggerOptions) -> tuple[TriggerEvent, ...]:
    """Find the events of a message, or of an array of messages, that was parsed and parked before.

    An HTTP request among them was checked on arrival.
    """
    place = _Place(options, field="event", past=past)
    return _limited(_read_each(message, place), place, message)


def _read_whole_text(payload: bytes | str, error: NotJsonError, place: _Place) -> tuple[TriggerEvent, ...]:
    """Read a payload that is not JSON: lines of JSON; or the bare bytes of a topic, which may be base64 or XML."""
    try:
        text = json_text.decode(payload) if isinstance(payload, bytes) else json_text.valid_text(payload)
    except NotJsonError:
        encoded = base64.b64encode(payload if isinstance(payload, bytes) else payload.encode()).decode()
        return (place.malformed(f"{error}; {_EXPECTED_TEXT}", {"base64": encoded}),)
    if lines := json_lines(text):
        return _limited(_read_lines(lines, place), place, text)
    return _limited(_read_text(text, place), place, text)


def _read_lines(lines: Iterable[tuple[int, str]], place: _Place) -> Iterator[TriggerEvent]:
    for number, line in lines:
        if place.time_is_over():
            yield Unread(payload=without_secrets(line))
        else:
            yield from _read_text(line, place._replace(field=f"line {number}"))


def _limited(events: Iterator[TriggerEvent], place: _Place, whole: JsonValue) -> tuple[TriggerEvent, ...]:
    """Refuse too many events as a whole: half a payload would look like a whole one."""
    most = place.options.most_events
    some = tuple(islice(events, most + 1))
    return some if len(some) <= most else (place.malformed(f"more than {most} events; expected fewer", whole),)


def _read_each(whole: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    """Read each element of an array as a message of its own, and any other value as one message."""
    if not isinstance(whole, list) or not whole:
        yield from _read(whole, place)
        return
    for index, element in enumerate(whole):
        if place.time_is_over():
            yield Unread(payload=without_secrets(element))
        else:
            yield from _read(element, place._replace(field=f"{place.field}[{index}]", bare_id=False))


def _read(value: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    match value:
        case dict():
            yield from _open(value, place)
        case list() if value:
            for element in value:
                # Only objects are free: arrays and texts in arrays could go on for ever.
                inside = place._replace(bare_id=False, level=place.level + (not isinstance(element, dict)))
                if inside.level > MAX_NESTING:
                    yield place.malformed(_TOO_DEEP, element)
                else:
                    yield from _read(element, inside)
        case str():
            yield from _read_text(value, place)
        case _:
            yield place.malformed(_unknown(value), value)


def _read_text(text: str, place: _Place) -> Iterator[TriggerEvent]:
    """Read a text that is a message: JSON or XML, perhaps in base64; or, where that is allowed, only a job id."""
    problem = None
    try:
        value = read_text(text)
    except NotJsonError as error:
        value, problem = None, f"{error}; {_EXPECTED_TEXT}"
    if isinstance(value, (dict, list)):
        yield from _read(value, place)
    elif isinstance(value, str) and place.level < MAX_NESTING:
        yield from _read_text(value, place._replace(level=place.level + 1))
    elif isinstance(value, str):
        yield place.malformed(_TOO_DEEP, value)
    elif place.bare_id:
        event = job_event(text, place.field)
        yield place.event(event, {"JobId": event.job_id} if isinstance(event, JobEvent) else text)
    else:
        yield place.malformed(problem or _unknown(value), text)


def _open(message: JsonObject, place: _Place) -> Iterator[TriggerEvent]:
    """Open a message with the first envelope that recognises it, and read its contents."""
    for envelope in ENVELOPES:
        contents = envelope.open(message, place.options)
        if contents is not None:
            break
    else:
        yield place.malformed(_unknown(message), message)
        return
    for item in contents:
        if not isinstance(item, Nested):
            yield place.event(item, message)
        elif place.level < MAX_NESTING:
            read = _read if item.past is None else _read_each
            yield from read(item.value, place.inside(item))
        else:
            yield place.malformed(_TOO_DEEP, item.value)


_EXPECTED_TEXT = "expected JSON, the XML of an MNS topic, or base64 of either"
_TOO_DEEP = f"nested deeper than {MAX_NESTING} envelopes; expected an event by then"


def _unknown(value: JsonValue) -> str:
    alternatives = ", ".join(kind.known_by for kind in ENVELOPES)
    return f"found {describe(value)}; expected an object with one of these: {alternatives}"
