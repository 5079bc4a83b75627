"""Timers: the timer trigger's `{"triggerTime", "triggerName", "payload"}`, and a schedule of the event bus.

A schedule comes as a CloudEvent: `{"type": "eventbridge:Events:ScheduledEvents", "data": {"TimeZone", "Schedule"}}`,
or with the event's schema RawData as its data alone.
"""

from __future__ import annotations

from ice_result.triggers.envelope import Envelope, Opened
from ice_result.triggers.model import Ignored, TriggerOptions
from ice_result.values import JsonObject

__all__ = ["TIMER", "is_timer"]

_REASON = "a timer, which names no job"
_SCHEDULE = "eventbridge:events:scheduledevents"


def is_timer(message: JsonObject) -> bool:
    """Whether a timer sent it."""
    if {"triggerTime", "triggerName"} <= message.keys() or {"TimeZone", "Schedule"} <= message.keys():
        return True
    event_type = message.get("type") if "specversion" in message else None
    return isinstance(event_type, str) and event_type.strip().casefold() == _SCHEDULE


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    return (Ignored(reason=_REASON),) if is_timer(message) else None


TIMER = Envelope("triggerTime (a timer)", _open)
