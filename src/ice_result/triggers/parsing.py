"""The driver: takes a payload apart, message by message and envelope by envelope, until only events are left.

    bytes ─► JSON ─► each element ─► envelope ─► text, JSON ─► envelope ─► … ─► JobEvent | Ignored | Malformed

Nothing in a payload makes it raise, and no message vanishes: each yields at least one event.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ice_result.core import json_text
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import NotJsonError
from ice_result.triggers.envelopes import ENVELOPES, Contents, is_timer
from ice_result.triggers.http_requests import is_request, read_request
from ice_result.triggers.job_ids import describe, job_event, json_lines, read
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
from ice_result.triggers.payloads import cleaned

__all__ = ["MAX_NESTING", "parse", "parse_again"]

MAX_NESTING = 8
"""Envelopes inside envelopes. The deepest chain that is meant has four: a topic's message in a queue, as a
CloudEvent, in a failure destination's event."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a payload the driver is, and what it has learnt on the way there.

    The outermost message id wins: it names the delivery, which is what logs and a redelivery have in common. The id
    of a call (`request_id`) changes with every attempt and serves only when there is no other. With `ids_only`, events
    are made without what an operator needs. Messages that are come to when `time_is_over` are not read.
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

    def inside(self, contents: Contents) -> _Place:
        return replace(
            self,
            field=contents.field,
            level=self.level + 1,
            bare_id=contents.bare_id,
            message_id=self.message_id or contents.message_id,
            request_id=self.request_id or contents.request_id,
            past=contents.past or self.past,
        )

    def deeper(self) -> _Place:
        return replace(self, level=self.level + 1)

    def event(self, event: TriggerEvent, message: JsonValue) -> TriggerEvent:
        """`event`, which came from `message` alone, with what an operator needs to find it."""
        event_id = self.message_id or self.request_id
        if isinstance(event, Ignored):
            return event.model_copy(update={"event_id": event_id})
        if self.ids_only:
            return event
        source = message if event.payload is None else event.payload
        payload = cleaned(source)
        if isinstance(event, JobEvent) and payload != source and not self._names(payload, event.job_id):
            payload = {"JobId": event.job_id}
        return event.model_copy(update={"event_id": event_id, "past": self.past, "payload": payload})

    def _names(self, payload: JsonValue, job_id: JobId) -> bool:
        """Whether a retry would still find the job after the secrets around it are gone."""
        events = _messages(payload, _Place(self.options, ids_only=True))
        return [event.job_id if isinstance(event, JobEvent) else None for event in events] == [job_id]

    def unread(self, message: JsonValue) -> TriggerEvent:
        """The event of a message of the payload that there is no time to read."""
        return Unread(payload=cleaned(message))

    def malformed(self, reason: str, piece: JsonValue) -> TriggerEvent:
        """The event of a `piece` of the payload that cannot be read."""
        return self.event(Malformed(reason=f"{self.field}: {reason}"), piece)


def parse(
    payload: bytes | str,
    options: TriggerOptions | None = None,
    clock: Callable[[], float] = time.time,
    time_is_over: Callable[[], bool] = _never,
) -> Triggered:
    """The jobs that `payload` asks us to look at, and everything else in it with the reason why it is not one.

    Never raises, whatever the payload. A job named twice is there twice. The `payload` of a JobEvent, written as JSON
    and parsed again, names that job again and no other: so a parked event can be retried. Several lines of JSON are
    several messages. `clock` gives the time in Unix seconds, for callbacks that must not be old. Once `time_is_over`,
    the other messages of an array, or of several lines, are Unread.
    """
    options = options or TriggerOptions()
    try:
        whole = json_text.load(payload)
    except NotJsonError as error:
        return Triggered(events=_of_text(payload, error, _Place(options, time_is_over=time_is_over)))
    place = _Place(options, bare_id=True, time_is_over=time_is_over)
    if isinstance(whole, dict) and is_request(whole):
        return read_request(whole, options, clock(), lambda request: _messages(request, place))
    messages = whole if isinstance(whole, list) else [whole]
    return Triggered(
        events=_limited(_messages(whole, place), place, whole),
        on_timer=any(isinstance(message, dict) and is_timer(message) for message in messages),
    )


def parse_again(message: JsonValue, past: Past, options: TriggerOptions) -> tuple[TriggerEvent, ...]:
    """The events of a message, or of an array of messages, that was parsed and parked before.

    A request among them was checked when it came.
    """
    place = _Place(options, field="event", past=past)
    return _limited(_messages(message, place), place, message)


def _of_text(payload: bytes | str, error: NotJsonError, place: _Place) -> tuple[TriggerEvent, ...]:
    """A payload that is not JSON: lines of JSON; or bare bytes of a topic, which may be base64 or XML."""
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
            yield place.unread(line)
        else:
            yield from _read_text(line, replace(place, field=f"line {number}"))


def _limited(events: Iterator[TriggerEvent], place: _Place, whole: JsonValue) -> tuple[TriggerEvent, ...]:
    """All of `events`, or none and a complaint: half a payload could not be told from a whole one."""
    most = place.options.most_events
    some = tuple(islice(events, most + 1))
    return some if len(some) <= most else (place.malformed(f"more than {most} events; expected fewer", whole),)


def _messages(whole: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    """The events of each message on its own: of each element of an array, else of the whole."""
    if not isinstance(whole, list) or not whole:
        yield from _read(whole, place)
        return
    for index, element in enumerate(whole):
        if place.time_is_over():
            yield place.unread(element)
        else:
            yield from _read(element, replace(place, field=f"{place.field}[{index}]", bare_id=False))


def _read(value: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    match value:
        case dict():
            yield from _open(value, place)
        case list() if value:
            yield from _read_array(value, place)
        case str():
            yield from _read_text(value, place)
        case _:
            yield place.malformed(f"found {describe(value)}; {_expected()}", value)


def _read_array(elements: list[JsonValue], place: _Place) -> Iterator[TriggerEvent]:
    """Each element on its own. Only objects are free: arrays and texts in arrays could go on for ever."""
    for element in elements:
        inside = replace(place, bare_id=False, level=place.level + (not isinstance(element, dict)))
        if inside.level > MAX_NESTING:
            yield place.malformed(_TOO_DEEP, element)
        else:
            yield from _read(element, inside)


def _read_text(text: str, place: _Place) -> Iterator[TriggerEvent]:
    """A text that is a message: JSON or XML, perhaps in base64; or, where that is allowed, a job id alone."""
    try:
        value = read(text)
    except NotJsonError as error:
        value, problem = None, f"{error}; {_EXPECTED_TEXT}"
    else:
        problem = f"found {describe(value)}; {_expected()}"
    if isinstance(value, (dict, list)):
        yield from _read(value, place)
    elif isinstance(value, str) and place.level < MAX_NESTING:
        yield from _read_text(value, place.deeper())
    elif isinstance(value, str):
        yield place.malformed(_TOO_DEEP, value)
    elif place.bare_id:
        event = job_event(text, place.field)
        yield place.event(event, {"JobId": event.job_id} if isinstance(event, JobEvent) else text)
    else:
        yield place.malformed(problem, text)


def _open(message: JsonObject, place: _Place) -> Iterator[TriggerEvent]:
    opened = (envelope.open(message, place.options) for envelope in ENVELOPES)
    found = next((contents for contents in opened if contents is not None), None)
    if found is None:
        yield place.malformed(f"found {describe(message)}; {_expected()}", message)
        return
    for item in found:
        if not isinstance(item, Contents):
            yield place.event(item, message)
        elif place.level < MAX_NESTING:
            read = _read if item.past is None else _messages
            yield from read(item.value, place.inside(item))
        else:
            yield place.malformed(_TOO_DEEP, item.value)


_EXPECTED_TEXT = "expected JSON, the XML of an MNS topic, or base64 of either"
_TOO_DEEP = f"nested deeper than {MAX_NESTING} envelopes; expected an event by then"


def _expected() -> str:
    return f"expected an object with {', '.join(envelope.known_by for envelope in ENVELOPES)}"
