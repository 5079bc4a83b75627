"""What the first stage makes of a payload: jobs to ask for, and what is not a job and why."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import Field

from ice_result.core.types import JobId, JsonValue, Model


class Try(Model):
    """One time that an event could not be finished: when it was parked, and why."""

    at: datetime
    reason: str
    message: str


class Past(Model):
    """What was tried before with an event that was parked: how often, since when, and how the last tries ended.

    `sinks` are the only stores that still lack the job; empty means all of them.
    """

    attempts: int = Field(default=0, ge=0)
    first_parked: datetime | None = None
    history: tuple[Try, ...] = ()
    sinks: tuple[str, ...] = ()


class JobEvent(Model):
    """An event of this job.

    `payload` is kept for parking: the innermost message that names the job, without the envelopes around it, and
    without secrets. `event_time` is the event's own time (EventTime), in UTC; `function_name` is what it calls the
    job's function. Both are hints.
    """

    kind: Literal["job"] = "job"
    job_id: JobId
    event_type: str | None = None
    event_id: str | None = None
    event_time: datetime | None = None
    function_name: str | None = None
    payload: JsonValue = None
    past: Past | None = None


class Ignored(Model):
    """A sound message that is not for us; `reason` says why."""

    kind: Literal["ignored"] = "ignored"
    event_type: str | None = None
    event_id: str | None = None
    reason: str


class Malformed(Model):
    """A message no job id can be read from; `reason` names what was expected. It is parked, never dropped.

    `payload` is the innermost piece that cannot be read, without secrets.
    """

    kind: Literal["malformed"] = "malformed"
    event_type: str | None = None
    event_id: str | None = None
    reason: str
    payload: JsonValue = None
    past: Past | None = None


class Unread(Model):
    """A message that was not read, since the time for reading was over; `payload` is all of it, without secrets."""

    kind: Literal["unread"] = "unread"
    event_type: str | None = None
    event_id: str | None = None
    reason: str = "the time for reading was over"
    payload: JsonValue = None
    past: Past | None = None


ParkableEvent: TypeAlias = JobEvent | Malformed | Unread
"""An event that is parked when it cannot be finished."""
TriggerEvent: TypeAlias = ParkableEvent | Ignored


class Triggered(Model):
    """All that one payload held, in its order; `via_http` asks for the answer in the HTTP trigger's form.

    `on_timer` says that a timer woke us: time to see to what was left undone. `refused` says why an HTTP request is
    not accepted, and `status` with which HTTP status it is answered; its only event is then an Ignored.
    """

    events: tuple[TriggerEvent, ...]
    via_http: bool = False
    on_timer: bool = False
    refused: str | None = None
    status: Literal[400, 401, 405, 413] | None = None


class Callback(Model):
    """What ICE's callback is signed with: its URL, exactly as set in ICE, and the keys (two while one is replaced)."""

    url: str
    keys: tuple[str, ...] = Field(repr=False, min_length=1)


class TriggerOptions(Model):
    """Which events wake us, and where in them the job id lies (JSON pointers, tried in order).

    A payload of more than `most_events` is refused as a whole: by default ten times the largest batch EventBridge
    delivers, and still an affordable list.

    With `callback`, an HTTP request must be ICE's own. One that comes in another envelope, as from a failure
    destination, was checked when it came.
    """

    event_types: tuple[str, ...] = ("AIProduceComplete",)
    job_id_paths: tuple[str, ...] = ("/MessageBody/JobId", "/JobId")
    most_events: int = Field(default=100_000, ge=1)
    callback: Callback | None = None
