"""An event this program parked before: sent again as it lies, it goes where it is still missing.

`event` is the message without its secrets, and what is parked once more if it must be, with what was tried before.
"""

from __future__ import annotations

from pydantic import ValidationError

from ice_result.redaction import clean
from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import Past, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["PARKED_EVENT"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    schema = message.get("schema")
    if not isinstance(schema, str) or not schema.startswith("ice_result.parked/") or "event" not in message:
        return None
    event_id = label(message.get("event_id"))
    return (Contents(field="event", value=message["event"], message_id=event_id, past=_past(message)),)


def _past(message: JsonObject) -> Past:
    """What the envelope says of earlier tries; nothing, when somebody edited it into something else."""
    try:
        return Past.model_validate(clean({name: message[name] for name in Past.model_fields if name in message}))
    except ValidationError:
        return Past()


PARKED_EVENT = Envelope("schema ice_result.parked/1 (a parked event)", _open)
