"""What is believed of an HTTP request, whoever signed it: a body names one job, has no past, is short, and no timer.

| request | answer |
| --- | --- |
| GET, HEAD | 200, ignored: it carries nothing |
| another method than POST | 405 |
| not signed by ICE, where keys are set | 401 |
| too long; unreadable, or more events than one | 413; 400. With ICE's signature: parked as malformed, for it is ICE's |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Literal

from ice_result import jsontext
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers import callback, http, texts
from ice_result.triggers.model import Ignored, Malformed, Triggered, TriggerEvent, TriggerOptions
from ice_result.triggers.payloads import cleaned
from ice_result.values import JsonObject, JsonValue

__all__ = ["LONGEST_BODY", "read_request"]

LONGEST_BODY = 128 * 1024
"""Characters. ICE sends the same event to MNS, whose messages have at most 64 KiB; as base64 they are a third more."""


def read_request(
    request: JsonObject, options: TriggerOptions, now: float, read: Callable[[JsonObject], Iterator[TriggerEvent]]
) -> Triggered:
    """The one event of `request`, or why it is refused; `read` gives the events of a request as they come."""
    if reason := http.without_event(request):
        return Triggered(events=(_ignored(request, reason),), via_http=True)
    if (method := http.method(request)) != "POST":
        return _refused(request, 405, f"method {shorten(method)}; expected POST")
    if options.callback and (reason := callback.refusal(request, options.callback, now)):
        return _refused(request, 401, f"not ICE's callback: {reason}")
    size = _length(request.get("body"))
    status: Literal[400, 413] = 413 if size > LONGEST_BODY else 400
    event = _too_long(request, size) if size > LONGEST_BODY else _only(request, read)
    if isinstance(event, Malformed) and not options.callback:
        return _refused(request, status, event.reason)
    return Triggered(events=(event,), via_http=True)


def _refused(request: JsonObject, status: Literal[400, 401, 405, 413], reason: str) -> Triggered:
    return Triggered(events=(_ignored(request, reason),), via_http=True, refused=reason, status=status)


def _ignored(request: JsonObject, reason: str) -> Ignored:
    return Ignored(event_id=http.request_id(request), reason=reason)


def _length(body: JsonValue) -> int:
    return len(body if isinstance(body, str) else jsontext.dump(body))


def _too_long(request: JsonObject, size: int) -> Malformed:
    """ICE sends no such body. What is kept of it is no longer than one that is read."""
    body = request.get("body")
    text = body if isinstance(body, str) else jsontext.dump(body)
    reason = f"body: found {size} characters; expected at most {LONGEST_BODY}, and the rest is not kept"
    return _malformed(request, reason, text[:LONGEST_BODY])


def _malformed(request: JsonObject, reason: str, body: JsonValue) -> Malformed:
    return Malformed(event_id=http.request_id(request), reason=reason, payload=cleaned(body))


def _only(request: JsonObject, read: Callable[[JsonObject], Iterator[TriggerEvent]]) -> TriggerEvent:
    first, *others = islice(read(request), 2)
    if others:
        reason = "body: found more than one event; expected one"
        return _malformed(request, reason, _value(request.get("body")))
    return first if isinstance(first, Ignored) else first.model_copy(update={"past": None})


def _value(body: JsonValue) -> JsonValue:
    try:
        return texts.read(body) if isinstance(body, str) else body
    except NotJsonError:
        return body
