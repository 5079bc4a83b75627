"""The seam every store stands behind, and the envelope of a parked event."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import Field

from ice_result.calls import Deadline
from ice_result.records.model import Manifest, Record
from ice_result.values import JsonValue, Model


class Sink(Protocol):
    """A store of records and manifests. Both steps may be repeated at any time without harm."""

    @property
    def url(self) -> str:
        """The URL it was made from."""
        ...

    def stage(self, record: Record, deadline: Deadline) -> str:
        """Write what may be written before the output files are checked; the record's address."""
        ...

    def commit(self, record: Record, manifest: Manifest, deadline: Deadline) -> str:
        """Write the rest, and last of all the sign that the job is complete; the manifest's address."""
        ...


class ParkedError(Model):
    """What stopped an event: our class of error and its message, without secrets."""

    type: str
    message: str


class Parked(Model):
    """An event kept for an operator. `event` is the message as it came; `attempts` counts how often it was parked."""

    schema_: Literal["ice_result.parked/1"] = Field(default="ice_result.parked/1", alias="schema")
    reason: str
    transient: bool
    job_id: str | None
    event_type: str | None
    event_id: str | None
    sink: str | None = None
    error: ParkedError
    attempts: int = 1
    event: JsonValue


class ParkingLot(Protocol):
    """A store that keeps parked events."""

    def park(self, parked: Parked, deadline: Deadline) -> str:
        """Keep it durably; its address. The same event parked again is counted, not doubled."""
        ...
