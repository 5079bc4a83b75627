"""CloudEvents 1.0: how EventBridge wraps what it delivers, whether a queue's messages or a custom bus's events.

Times are not read: EventBridge has documented one that is no RFC 3339 (`2020-11-19T21:04:42.179PRC`).
"""

from __future__ import annotations

from ice_result.errors import shorten
from ice_result.triggers.envelope import Contents, Envelope, Opened
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject

__all__ = ["CLOUD_EVENT"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if "specversion" not in message:
        return None
    field = "data" if "data" in message else "data_base64"
    return (Contents(field=field, value=message.get(field), message_id=_identity(message)),)


def _identity(message: JsonObject) -> str | None:
    """`source` and `id` together identify an event; neither does alone."""
    source, identifier = message.get("source"), message.get("id")
    if isinstance(source, str) and isinstance(identifier, str) and source and identifier:
        return shorten(f"{shorten(source)}/{shorten(identifier)}")
    return None


CLOUD_EVENT = Envelope("specversion (a CloudEvent)", _open)
