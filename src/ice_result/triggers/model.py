"""Results of the first stage: the jobs that a payload asks for, and every other message in it with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from pydantic import Field
from typing_extensions import override

from ice_result.core.types import ADDED_LATER, JobId, JsonValue, Model


class Try(Model):
    """An attempt that did not finish an event: when it was parked, and why."""

    at: datetime
    reason: str
    message: str


class Past(Model):
    """Earlier attempts at a parked event: their number, the first time, and how the last ones ended.

    `sinks` are the only stores that still lack the job; empty means all of them. `targets` are the only targets that
    have not acknowledged a job that all stores have; empty means that the job may have to be recorded.
    """

    attempts: int = Field(default=0, ge=0)
    first_parked: datetime | None = None
    history: tuple[Try, ...] = ()
    sinks: tuple[str, ...] = ()
    targets: tuple[str, ...] = Field(default=(), json_schema_extra=ADDED_LATER)


# The four kinds of events are dataclasses: `schema event` makes their JSON Schema of them.
@dataclass(frozen=True, kw_only=True, slots=True)
class JobEvent:
    """An event of one job."""

    kind: Literal["job"] = "job"
    job_id: JobId
    event_type: str | None = None
    event_id: str | None = None
    event_time: datetime | None = None  # the event's own EventTime in UTC: a hint
    function_name: str | None = None  # the job's function by the event: a hint
    payload: JsonValue = None  # kept for parking: the innermost message that names the job, without secrets
    past: Past | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """A sound message that is not for us; `reason` says why."""

    kind: Literal["ignored"] = "ignored"
    event_type: str | None = None
    event_id: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A message without a readable job id; `reason` says what was expected. It is parked, never dropped."""

    kind: Literal["malformed"] = "malformed"
    event_type: str | None = None
    event_id: str | None = None
    reason: str
    payload: JsonValue = None  # the innermost part that cannot be read, without secrets
    past: Past | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A message that was not read because the time for reading was over."""

    kind: Literal["unread"] = "unread"
    event_type: str | None = None
    event_id: str | None = None
    reason: str = "the time for reading was over"
    payload: JsonValue = None  # the whole message, without secrets
    past: Past | None = None


ParkableEvent: TypeAlias = JobEvent | Malformed | Unread
"""An event that is parked when it cannot be finished."""
TriggerEvent: TypeAlias = ParkableEvent | Ignored


class Triggered(NamedTuple):
    """The events of one payload in its order."""

    events: tuple[TriggerEvent, ...]
    via_http: bool = False  # the answer must have the HTTP trigger's form
    on_timer: bool = False  # a timer sent it: maintenance is due
    refused: str | None = None  # why an HTTP request is not accepted; its only event is then an Ignored
    status: Literal[400, 401, 405, 413] | None = None  # the HTTP status of a refusal


class Callback(NamedTuple):
    """Signature of ICE's callback: its URL, exactly as set in ICE, and the keys (two while one is replaced)."""

    url: str
    keys: tuple[str, ...]

    @override
    def __repr__(self) -> str:
        return f"Callback(url={self.url!r})"  # the keys are secrets


class TriggerOptions(NamedTuple):
    """Settings of the first stage: the event types that count, and the places of the job id in them."""

    event_types: tuple[str, ...] = ("AIProduceComplete",)
    job_id_paths: tuple[str, ...] = ("/MessageBody/JobId", "/JobId")  # JSON pointers, tried in order
    # A payload of more events is refused as a whole: ten times the largest batch that EventBridge delivers, and still
    # an affordable list.
    most_events: int = 100_000
    # If set, an HTTP request must be signed by ICE. One inside another envelope, as from a failure destination, was
    # checked on arrival.
    callback: Callback | None = None
