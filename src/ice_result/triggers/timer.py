"""The timer trigger: `{"triggerTime", "triggerName", "payload"}`."""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["TIMER", "is_timer"]

_REASON = "a timer: it wakes the function for what was left undone"


def is_timer(message: JsonObject) -> bool:
    """Whether a timer sent it."""
    return {"triggerTime", "triggerName"} <= message.keys()


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    return (Ignored(reason=_REASON),) if is_timer(message) else None


TIMER = Envelope("triggerTime (a timer)", _open)
