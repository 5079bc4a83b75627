"""What Function Compute sends to the failure destination of an asynchronous call.

The event that failed lies in `requestPayload`, so a dead-letter queue can be pointed back at the function.
"""

from __future__ import annotations

from ice_result import jsontext
from ice_result.errors import NotJsonError
from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["FAILED_CALL"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    context = message.get("requestContext")
    if "requestPayload" not in message or not isinstance(context, dict):
        return None
    value, bare_id = _original(message["requestPayload"])
    request_id = label(context.get("requestId"))
    return (Contents(field="requestPayload", value=value, request_id=request_id, bare_id=bare_id),)


def _original(payload: JsonValue) -> tuple[JsonValue, bool]:
    """The whole event that failed, and whether it was JSON: a bare string in it is as good as at the top."""
    if not isinstance(payload, str):
        return payload, False
    try:
        return jsontext.load(payload), True
    except NotJsonError:
        return payload, False


FAILED_CALL = Envelope("requestPayload (a failed call)", _open)
