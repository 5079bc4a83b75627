"""Requests to the function's HTTP trigger: ICE's own callback, or anybody's, and how far a request is believed.

`isBase64Encoded` needs no look, since every text is read as JSON or as base64 of JSON. Only the body is parked: the
headers may hold credentials, of ICE's callback or of the trigger's own authentication. Whoever signed a request, its
body names one job, has no past, is short, and is no timer.

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

from ice_result.core import json_text
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers.job_ids import label
from ice_result.triggers.job_ids import read as read_text
from ice_result.triggers.model import Ignored, Malformed, Triggered, TriggerEvent, TriggerOptions
from ice_result.triggers.payloads import cleaned
from ice_result.triggers.signature import refusal

_OF_A_REQUEST = {"body", "httpMethod"}


def is_request(message: JsonValue) -> bool:
    """Whether this is a request, so that whoever sent it waits for an answer in the HTTP form."""
    if not isinstance(message, dict):
        return False
    return "http" in _context(message) or ("headers" in message and not message.keys().isdisjoint(_OF_A_REQUEST))


def without_event(request: JsonObject) -> str | None:
    """Why a request carries no event whatever its body, as those of browsers, scanners and health checks; else None."""
    name = _method(request)
    return f"a {name} request, which carries no event; expected POST" if name in {"GET", "HEAD"} else None


def _method(request: JsonObject) -> str:
    """The request's method in capitals; POST where none is given, as in the events of local tools.

    An API gateway in front of the function says it in `httpMethod` (documented).
    """
    http = _context(request).get("http")
    found = http.get("method") if isinstance(http, dict) else request.get("httpMethod")
    return found.upper() if isinstance(found, str) and found else "POST"


def request_id(request: JsonObject) -> str | None:
    """The platform's id of the request."""
    return label(_context(request).get("requestId"))


def _context(message: JsonObject) -> JsonObject:
    context = message.get("requestContext")
    return context if isinstance(context, dict) else {}


LONGEST_BODY = 128 * 1024
"""Characters. ICE sends the same event to MNS, whose messages have at most 64 KiB; as base64 they are a third more."""


def read_request(
    request: JsonObject, options: TriggerOptions, now: float, read: Callable[[JsonObject], Iterator[TriggerEvent]]
) -> Triggered:
    """The one event of `request`, or why it is refused; `read` gives the events of a request as they come."""
    if reason := without_event(request):
        return Triggered(events=(_ignored(request, reason),), via_http=True)
    if (method := _method(request)) != "POST":
        return _refused(request, 405, f"method {shorten(method)}; expected POST")
    if options.callback and (reason := refusal(request, options.callback, now)):
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
    return Ignored(event_id=request_id(request), reason=reason)


def _length(body: JsonValue) -> int:
    return len(body if isinstance(body, str) else json_text.dump(body))


def _too_long(request: JsonObject, size: int) -> Malformed:
    """ICE sends no such body. What is kept of it is no longer than one that is read."""
    body = request.get("body")
    text = body if isinstance(body, str) else json_text.dump(body)
    reason = f"body: found {size} characters; expected at most {LONGEST_BODY}, and the rest is not kept"
    return _malformed(request, reason, text[:LONGEST_BODY])


def _malformed(request: JsonObject, reason: str, body: JsonValue) -> Malformed:
    return Malformed(event_id=request_id(request), reason=reason, payload=cleaned(body))


def _only(request: JsonObject, read: Callable[[JsonObject], Iterator[TriggerEvent]]) -> TriggerEvent:
    first, *others = islice(read(request), 2)
    if others:
        reason = "body: found more than one event; expected one"
        return _malformed(request, reason, _value(request.get("body")))
    return first if isinstance(first, Ignored) else first.model_copy(update={"past": None})


def _value(body: JsonValue) -> JsonValue:
    try:
        return read_text(body) if isinstance(body, str) else body
    except NotJsonError:
        return body
