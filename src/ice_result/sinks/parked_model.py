"""Models of parked events and of the notes beside them. `parked_events.py` stores them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import Field

from ice_result.core.types import JobId, JsonValue, Model
from ice_result.errors import is_try
from ice_result.triggers.model import Past, Try


class ParkedError(Model):
    """Class and message of the error that stopped an event, without secrets."""

    type: str
    message: str


class Parked(Model):
    """Envelope of an event that is kept for an operator.

    `event` is the innermost message that names its job, or that cannot be read, without secrets; or an array of the
    messages of several events.

    `attempts` counts the tries that ended without success; an event that ran out of time was not tried. `history` is
    the last of the tries before this one. The event was parked first and last at `first_parked` and `last_parked`. A
    `dead` event is tried again only by a person. `sinks` names the stores that refused the job, when others have it
    already; it is empty when no store has the job. `targets` names the targets that have not acknowledged the
    notification of a job that all stores have. All of this holds for each event of an array, except for an event
    that stands there in an envelope of its own, with its own past.
    """

    schema_: Literal["ice_result.parked/1"] = Field(default="ice_result.parked/1", alias="schema")
    reason: str
    transient: bool
    job_id: str | None
    event_type: str | None
    event_id: str | None
    sinks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    error: ParkedError
    attempts: int = Field(default=1, ge=0)
    dead: bool = False
    first_parked: datetime | None = None
    last_parked: datetime | None = None
    history: tuple[Try, ...] = ()
    event: JsonValue

    @property
    def past(self) -> Past:
        """Facts of this try and the tries before it that another try has to know."""
        history = self.history
        if self.last_parked and is_try(self.reason):
            history = (*history, Try(at=self.last_parked, reason=self.reason, message=self.error.message))
        return Past(
            attempts=self.attempts,
            first_parked=self.first_parked,
            history=history[-MOST_REMEMBERED_TRIES:],
            sinks=self.sinks,
            targets=self.targets,
        )


MOST_REMEMBERED_TRIES = 10
"""Number of tries before the last that an envelope keeps."""
DEAD = "dead"
"""Name of the folder of dead events, in place of a reason."""


class Expected(Model):
    """Note that a job was submitted, and that it should be recorded by `due_at`."""

    schema_: Literal["ice_result.expected/1"] = Field(default="ice_result.expected/1", alias="schema")
    job_id: JobId
    function_name: str | None = None
    expected_at: datetime
    due_at: datetime


class Listed(NamedTuple):
    """Key of a stored object, and the time of its last writing."""

    key: str
    written: datetime


class Position(Model):
    """Point at which the listing of parked events continues: in the folder of `reason`, after `key`."""

    schema_: Literal["ice_result.position/1"] = Field(default="ice_result.position/1", alias="schema")
    reason: str
    key: str
