"""A request to the function's HTTP trigger: ICE's own callback, or anybody's.

`isBase64Encoded` needs no look, since every text is read as JSON or as base64 of JSON. Only what is in the body is
parked: the headers may hold credentials, of ICE's callback or of the trigger's own authentication.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["HTTP_REQUEST", "is_request", "method", "request_id", "without_event"]


_OF_A_REQUEST = {"body", "httpMethod"}


def is_request(message: JsonValue) -> bool:
    """Whether this is a request, so that whoever sent it waits for an answer in the HTTP form."""
    if not isinstance(message, dict):
        return False
    return "http" in _context(message) or ("headers" in message and not message.keys().isdisjoint(_OF_A_REQUEST))


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if not is_request(message):
        return None
    if reason := without_event(message):
        return (Ignored(reason=reason),)
    return (Contents(field="body", value=message.get("body"), request_id=request_id(message)),)


def without_event(request: JsonObject) -> str | None:
    """Why a request carries no event whatever its body, as those of browsers, scanners and health checks; else None."""
    name = method(request)
    return f"a {name} request, which carries no event; expected POST" if name in {"GET", "HEAD"} else None


def method(request: JsonObject) -> str:
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


HTTP_REQUEST = Envelope("requestContext.http (an HTTP request)", _open)
