"""An event this program parked before: sent again as it lies, it goes where it is still missing.

`event` is the message as it first came, and what is parked once more if it must be; `sinks` names the stores that
refused the job while others took it.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["PARKED_EVENT"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    schema = message.get("schema")
    if not isinstance(schema, str) or not schema.startswith("ice_result.parked/") or "event" not in message:
        return None
    event_id = label(message.get("event_id"))
    sinks = _texts(message.get("sinks"))
    return (Contents(field="event", value=message["event"], message_id=event_id, sinks=sinks, as_it_came=True),)


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


PARKED_EVENT = Envelope("schema ice_result.parked/1 (a parked event)", _open)
