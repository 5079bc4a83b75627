"""The driver: takes a payload apart, message by message and envelope by envelope, until only events are left.

    bytes ─► JSON ─► each element ─► envelope ─► text, JSON ─► envelope ─► … ─► JobEvent | Ignored | Malformed

Nothing in a payload makes it raise, and no message vanishes: each yields at least one event.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ice_result import jsontext
from ice_result.errors import NotJsonError
from ice_result.triggers import callback, http, texts, timer
from ice_result.triggers.envelope import Contents, describe
from ice_result.triggers.job_ids import job_event
from ice_result.triggers.model import Ignored, Malformed, Past, Triggered, TriggerEvent, TriggerOptions
from ice_result.triggers.registry import ENVELOPES
from ice_result.values import JsonObject, JsonValue

__all__ = ["MAX_NESTING", "parse", "parse_again"]

MAX_NESTING = 8
"""Envelopes inside envelopes. The deepest chain that is meant has four: a topic's message in a queue, as a
CloudEvent, in a failure destination's event."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a payload the driver is, and what it has learnt on the way there.

    The outermost message id wins: it names the delivery, which is what logs and a redelivery have in common. The id
    of a call (`request_id`) changes with every attempt and serves only when there is no other.
    """

    options: TriggerOptions
    payload: JsonValue
    field: str = "payload"
    level: int = 0
    bare_id: bool = False
    message_id: str | None = None
    request_id: str | None = None
    past: Past | None = None

    def inside(self, contents: Contents) -> _Place:
        return replace(
            self,
            field=contents.field,
            level=self.level + 1,
            bare_id=contents.bare_id,
            message_id=self.message_id or contents.message_id,
            request_id=self.request_id or contents.request_id,
            payload=contents.value if contents.as_it_came else self.payload,
            past=contents.past or self.past,
        )

    def deeper(self) -> _Place:
        return replace(self, level=self.level + 1)

    def event(self, event: TriggerEvent) -> TriggerEvent:
        """`event` with what an operator needs to find its message; the payload is shared, never copied."""
        event_id = self.message_id or self.request_id
        if isinstance(event, Ignored):
            return event.model_copy(update={"event_id": event_id})
        payload = self.payload if event.payload is None else event.payload
        return event.model_copy(update={"event_id": event_id, "payload": payload, "past": self.past})

    def malformed(self, reason: str) -> TriggerEvent:
        return self.event(Malformed(reason=f"{self.field}: {reason}"))


def parse(
    payload: bytes | str, options: TriggerOptions | None = None, clock: Callable[[], float] = time.time
) -> Triggered:
    """The jobs that `payload` asks us to look at, and everything else in it with the reason why it is not one.

    Never raises, whatever the payload. A job named twice is there twice. The `payload` of a
    JobEvent, written as JSON and parsed again, names that job again: so a parked event can be retried.
    `clock` gives the time in Unix seconds, for callbacks that must not be old.
    """
    options = options or TriggerOptions()
    try:
        whole = jsontext.load(payload)
    except NotJsonError as error:
        return Triggered(events=_of_text(payload, error, options))
    if options.callback and isinstance(whole, dict) and http.is_request(whole):
        return _of_callback(whole, options, callback.refusal(whole, options.callback, clock()))
    place = _Place(options, whole)
    return Triggered(
        events=_limited(_messages(whole, place), place),
        via_http=http.is_request(whole),
        on_timer=isinstance(whole, dict) and timer.is_timer(whole),
    )


def parse_again(message: JsonValue, past: Past, options: TriggerOptions) -> tuple[TriggerEvent, ...]:
    """The events of a message, or of an array of messages, that was parsed and parked before.

    A request among them was checked when it came.
    """
    place = _Place(options.model_copy(update={"callback": None}), message, field="event", past=past)
    return _limited(_messages(message, place), place)


def _of_callback(request: JsonObject, options: TriggerOptions, refused: str | None) -> Triggered:
    """A request to a function that only ICE may wake: of one that is not ICE's nothing is read but its id."""
    if refused:
        reason = f"not ICE's callback: {refused}"
        return Triggered(
            events=(Ignored(event_id=http.request_id(request), reason=reason),), via_http=True, refused=reason
        )
    place = _Place(options, request)
    events = _limited(_messages(request, place), place)
    return Triggered(events=(callback.believed(events, request.get("body")),), via_http=True)


def _of_text(payload: bytes | str, error: NotJsonError, options: TriggerOptions) -> tuple[TriggerEvent, ...]:
    """A payload that is not JSON: a topic's STREAM format hands over bare bytes, which may be base64."""
    raw = payload if isinstance(payload, bytes) else jsontext.valid_text(payload).encode()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        place = _Place(options, {"base64": base64.b64encode(raw).decode()})
        return (place.malformed(f"{error}; {_EXPECTED_TEXT}"),)
    place = _Place(options, text)
    return _limited(_read_text(text, place), place)


def _limited(events: Iterator[TriggerEvent], place: _Place) -> tuple[TriggerEvent, ...]:
    """All of `events`, or none and a complaint: half a payload could not be told from a whole one."""
    most = place.options.most_events
    some = tuple(islice(events, most + 1))
    return some if len(some) <= most else (place.malformed(f"more than {most} events; expected fewer"),)


def _messages(whole: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    """The events of each message on its own: of each element of an array, else of the whole."""
    if not isinstance(whole, list) or not whole:
        yield from _read(whole, replace(place, payload=whole, bare_id=True))
        return
    for index, element in enumerate(whole):
        yield from _read(element, replace(place, payload=element, field=f"{place.field}[{index}]", bare_id=False))


def _read(value: JsonValue, place: _Place) -> Iterator[TriggerEvent]:
    match value:
        case dict():
            yield from _open(value, place)
        case list() if value:
            yield from _read_array(value, place)
        case str():
            yield from _read_text(value, place)
        case _:
            yield place.malformed(f"found {describe(value)}; {_expected()}")


def _read_array(elements: list[JsonValue], place: _Place) -> Iterator[TriggerEvent]:
    """Each element on its own. Only objects are free: arrays and texts in arrays could go on for ever."""
    for element in elements:
        inside = replace(place, bare_id=False, level=place.level + (not isinstance(element, dict)))
        if inside.level > MAX_NESTING:
            yield place.malformed(_TOO_DEEP)
        else:
            yield from _read(element, inside)


def _read_text(text: str, place: _Place) -> Iterator[TriggerEvent]:
    """A text that is a message: JSON, perhaps more than once; or, where that is allowed, a job id and nothing else."""
    try:
        value = texts.read(text)
    except NotJsonError as error:
        value, problem = None, f"{error}; {_EXPECTED_TEXT}"
    else:
        problem = f"found {describe(value)}; {_expected()}"
    if isinstance(value, (dict, list)):
        yield from _read(value, place)
    elif isinstance(value, str) and place.level < MAX_NESTING:
        yield from _read_text(value, place.deeper())
    elif isinstance(value, str):
        yield place.malformed(_TOO_DEEP)
    elif place.bare_id:
        yield place.event(job_event(text, place.field))
    else:
        yield place.malformed(problem)


def _open(message: JsonObject, place: _Place) -> Iterator[TriggerEvent]:
    opened = (envelope.open(message, place.options) for envelope in ENVELOPES)
    found = next((contents for contents in opened if contents is not None), None)
    if found is None:
        yield place.malformed(f"found {describe(message)}; {_expected()}")
        return
    for item in found:
        if not isinstance(item, Contents):
            yield place.event(item)
        elif place.level < MAX_NESTING:
            read = _read if item.past is None else _messages
            yield from read(item.value, place.inside(item))
        else:
            yield place.malformed(_TOO_DEEP)


_EXPECTED_TEXT = "expected JSON or base64 of JSON"
_TOO_DEEP = f"nested deeper than {MAX_NESTING} envelopes; expected an event by then"


def _expected() -> str:
    return f"expected an object with {', '.join(envelope.known_by for envelope in ENVELOPES)}"
