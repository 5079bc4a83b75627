"""The timer trigger: `{"triggerTime", "triggerName", "payload"}`."""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["TIMER"]


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if not {"triggerTime", "triggerName"} <= message.keys():
        return None
    return (Ignored(reason="a timer: nothing is done on a schedule"),)


TIMER = Envelope("triggerTime (a timer)", _open)
