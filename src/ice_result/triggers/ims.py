"""The event that ICE sends: `{"EventType", "UserId", "EventTime", "MessageBody"}`, documented for every IMS event.

One callback setting carries all event types of an account and region, so most of what comes may be for others.
The MessageBody of AIProduceComplete is not published: where the job id lies in it is inferred, hence a setting.
VOD sends the same without a MessageBody, its fields at the top (documented).
"""

from __future__ import annotations

from datetime import datetime

from ice_result.errors import shorten
from ice_result.triggers.envelope import Envelope, Opened, describe, label
from ice_result.triggers.job_ids import function_name, lookup
from ice_result.triggers.keys import Missing, value_of
from ice_result.triggers.model import Ignored, JobEvent, Malformed, TriggerEvent, TriggerOptions
from ice_result.values import JsonObject, JsonValue, utc_time

__all__ = ["IMS_EVENT"]


def _open(message: JsonObject, options: TriggerOptions) -> Opened | None:
    event_type = value_of(message, "EventType")
    if isinstance(event_type, Missing) or event_type is None:
        return None
    if not isinstance(event_type, str):
        return (Malformed(reason=f"EventType: found {describe(event_type)}; expected a text"),)
    return (_event(message, event_type, options),)


def _event(message: JsonObject, event_type: str, options: TriggerOptions) -> TriggerEvent:
    if event_type.strip().casefold() not in {ours.casefold() for ours in options.event_types}:
        reason = f"event type {shorten(event_type)} is not one of those configured: {', '.join(options.event_types)}"
        return Ignored(event_type=label(event_type), reason=reason)
    event = lookup(message, options.job_id_paths)
    if isinstance(event, Missing):
        reason = f"{shorten(event_type)} event without a job id: looked at {', '.join(options.job_id_paths)}"
        return Malformed(event_type=label(event_type), reason=reason)
    facts: dict[str, object] = {"event_type": label(event_type)}
    if isinstance(event, JobEvent):
        facts |= {"event_time": _time(value_of(message, "EventTime")), "function_name": function_name(message)}
    return event.model_copy(update=facts)


def _time(value: JsonValue | Missing) -> datetime | None:
    """The time of an event in UTC; documented as `2022-07-15T08:48:14Z`. None for what is no time."""
    return utc_time(value) if isinstance(value, str) else None


IMS_EVENT = Envelope("EventType (an IMS event)", _open)
