"""Requests to the function's HTTP trigger: the callback of ICE, or anybody's request, and how far each is trusted.

Only the body is parked: headers may contain credentials of ICE's callback or of the trigger's own authentication.
Every body names one job, has no earlier attempts, is short, and is not a timer, even if the request is signed. The
signature of ICE covers the URL and the time, but not the body. So anybody who has seen one request can send any body
for five minutes. The flag `isBase64Encoded` is not needed: every text is read as JSON, or as base64 of JSON.

    X-ICE-SIGNATURE = hex MD5 of `CallbackURL|X-ICE-TIMESTAMP|AuthKey`

| request | answer |
| --- | --- |
| GET, HEAD | 200, ignored: it carries nothing |
| another method than POST | 405 |
| not signed by ICE, where keys are set | 401 |
| too long; unreadable, or more events than one | 413; 400. With ICE's signature: parked as malformed, for it is ICE's |
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Literal

from ice_result.core import json_text
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers.cleaning import without_secrets
from ice_result.triggers.model import Callback, Ignored, Malformed, Triggered, TriggerEvent, TriggerOptions
from ice_result.triggers.texts import read_text, short_text

LONGEST_BODY = 128 * 1024
"""Characters. ICE sends the same event to MNS, whose messages have at most 64 KiB; base64 makes them a third longer."""
WINDOW_SECONDS = 300.0
"""Largest difference between a request's time and ours, in either direction."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def is_request(message: JsonObject) -> bool:
    """Recognise a request, which must be answered in the HTTP form."""
    return "http" in _context(message) or ("headers" in message and bool({"body", "httpMethod"} & message.keys()))


def without_event(request: JsonObject) -> str | None:
    """Give the reason why a request carries no event whatever its body: browsers, scanners and health checks do not."""
    name = _method(request)
    return f"a {name} request, which carries no event; expected POST" if name in {"GET", "HEAD"} else None


def request_id(request: JsonObject) -> str | None:
    """Return the platform's id of the request."""
    return short_text(_context(request).get("requestId"))


def read_request(request: JsonObject, options: TriggerOptions, now: float, events: Iterator[TriggerEvent]) -> Triggered:
    """Read the one event of `request`, or refuse it. `events` reads the request as far as its events are taken."""
    if reason := without_event(request):
        return Triggered(events=(Ignored(event_id=request_id(request), reason=reason),), via_http=True)
    if (method := _method(request)) != "POST":
        return _refused(request, 405, f"method {shorten(method)}; expected POST")
    if options.callback and (reason := _refusal(request, options.callback, now)):
        return _refused(request, 401, f"not ICE's callback: {reason}")
    body = request.get("body")
    text = body if isinstance(body, str) else json_text.dump(body)
    too_long = len(text) > LONGEST_BODY
    if too_long:  # ICE sends no such body
        reason = f"body: found {len(text)} characters; expected at most {LONGEST_BODY}, and the rest is not kept"
        event: TriggerEvent = _malformed(request, reason, text[:LONGEST_BODY])
    else:
        event = _only_event(request, events)
    if isinstance(event, Malformed) and not options.callback:
        return _refused(request, 413 if too_long else 400, event.reason)
    return Triggered(events=(event,), via_http=True)


def _only_event(request: JsonObject, events: Iterator[TriggerEvent]) -> TriggerEvent:
    first, *others = islice(events, 2)
    if not others:
        return first if isinstance(first, Ignored) else replace(first, past=None)
    kept = request.get("body")
    if isinstance(kept, str):
        with suppress(NotJsonError):
            kept = read_text(kept)
    return _malformed(request, "body: found more than one event; expected one", kept)


def _malformed(request: JsonObject, reason: str, body: JsonValue) -> Malformed:
    return Malformed(event_id=request_id(request), reason=reason, payload=without_secrets(body))


def _refused(request: JsonObject, status: Literal[400, 401, 405, 413], reason: str) -> Triggered:
    ignored = Ignored(event_id=request_id(request), reason=reason)
    return Triggered(events=(ignored,), via_http=True, refused=reason, status=status)


def _refusal(request: JsonObject, callback: Callback, now: float) -> str | None:
    """Check that ICE signed `request`; return the reason if not, without anything secret. `now` is in Unix seconds.

    The signature is checked before the time, and compared with that of every key, in constant time.
    """
    timestamp, signature = _header(request, "X-ICE-TIMESTAMP"), _header(request, "X-ICE-SIGNATURE")
    if timestamp is None or signature is None:
        return f"no {'X-ICE-TIMESTAMP' if timestamp is None else 'X-ICE-SIGNATURE'}, or more than one"
    if not _TIMESTAMP.fullmatch(timestamp):
        return "X-ICE-TIMESTAMP is not a time in Unix seconds"
    signed = [f"{callback.url}|{timestamp}|{key}".encode() for key in callback.keys]
    expected = [hashlib.md5(text, usedforsecurity=False).hexdigest().encode() for text in signed]
    matches = [hmac.compare_digest(each, signature.lower().encode()) for each in expected]
    if not any(matches):
        return "X-ICE-SIGNATURE is not that of the callback URL and a key we know"
    age = now - int(timestamp)
    if abs(age) > WINDOW_SECONDS:
        return f"signed {abs(age):.0f} s {'ago' if age > 0 else 'ahead'}: at most {WINDOW_SECONDS:.0f} s are allowed"
    return None


def _header(request: JsonObject, name: str) -> str | None:
    """Return a header, its name in any case; None unless there is exactly one, and a text."""
    headers = request.get("headers")
    if not isinstance(headers, dict):
        return None
    found = [value for key, value in headers.items() if key.lower() == name.lower()]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None


def _method(request: JsonObject) -> str:
    """Return the method in capitals; POST where none is given, as in the events of local tools.

    An API gateway in front of the function sends it as `httpMethod` (documented).
    """
    http = _context(request).get("http")
    found = http.get("method") if isinstance(http, dict) else request.get("httpMethod")
    return found.upper() if isinstance(found, str) and found else "POST"


def _context(message: JsonObject) -> JsonObject:
    context = message.get("requestContext")
    return context if isinstance(context, dict) else {}
