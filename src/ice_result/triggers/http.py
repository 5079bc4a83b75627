"""A request to the function's HTTP trigger: ICE's own callback, or anybody's.

`isBase64Encoded` needs no look, since every text is read as JSON or as base64 of JSON. Only the body is parked: the
headers may hold credentials, of ICE's callback or of the trigger's own authentication.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["HTTP_REQUEST", "is_request", "request_id"]


def is_request(message: JsonValue) -> bool:
    """Whether this is a request, so that whoever sent it waits for an answer in the HTTP form."""
    if not isinstance(message, dict):
        return False
    return "http" in _context(message) or {"headers", "body"} <= message.keys()


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if not is_request(message):
        return None
    return (Contents(field="body", value=message.get("body"), request_id=request_id(message), as_it_came=True),)


def request_id(request: JsonObject) -> str | None:
    """The platform's id of the request."""
    return label(_context(request).get("requestId"))


def _context(message: JsonObject) -> JsonObject:
    context = message.get("requestContext")
    return context if isinstance(context, dict) else {}


HTTP_REQUEST = Envelope("requestContext.http (an HTTP request)", _open)
