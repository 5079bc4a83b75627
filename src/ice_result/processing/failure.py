"""Failures: the reason why an event could not be finished, and the envelope in which it is parked."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError, is_try, shorten
from ice_result.sinks.base import Store
from ice_result.sinks.parked_events import Parked, ParkedError
from ice_result.triggers import JobEvent, Malformed, ParkableEvent, Past


class Failure(NamedTuple):
    """Reason why an event could not be finished. `sinks` are the sinks without the job, when other sinks have it."""

    reason: str
    transient: bool
    error: str
    message: str
    sinks: tuple[str, ...] = ()

    @classmethod
    def from_error(cls, error: IceResultError, sinks: tuple[str, ...] = ()) -> Self:
        """Make the failure of an error that a stage raised."""
        return cls(error.reason, error.transient, type(error).__name__, str(error), sinks)

    @classmethod
    def from_sinks(cls, refused: Mapping[Store, IceResultError], *, recorded_elsewhere: bool) -> Self:
        """Make the failure of sinks that refused a job: of a permanent error, if there is one."""
        worst = min(refused.values(), key=lambda error: error.transient)
        return cls.from_error(worst, tuple(sink.url for sink in refused) if recorded_elsewhere else ())

    @classmethod
    def from_bug(cls, error: Exception) -> Self:
        """Make the failure of a bug in ice-result. It names only the line: a whole traceback may hold secrets."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        return cls(
            "internal", False, type(error).__name__, f"a defect in ice-result, at {place}: {shorten(str(error))}"
        )

    @classmethod
    def malformed(cls, event: Malformed) -> Self:
        """Make the failure of an event without a job id."""
        return cls("malformed", False, "Malformed", event.reason)

    def parked(self, event: ParkableEvent, now: datetime, most_tries: int) -> Parked:
        """Make the envelope of an event that is parked now. After `most_tries` attempts it is dead.

        An event that was out of time has not been attempted.
        """
        past = event.past or Past()
        attempts = past.attempts + is_try(self.reason)
        return Parked(
            reason=self.reason,
            transient=self.transient,
            job_id=event.job_id if isinstance(event, JobEvent) else None,
            event_type=event.event_type,
            event_id=event.event_id,
            sinks=self.sinks or past.sinks,
            error=ParkedError(type=self.error, message=self.message),
            attempts=attempts,
            dead=is_try(self.reason) and attempts >= most_tries,
            first_parked=past.first_parked or now,
            last_parked=now,
            history=past.history,
            event=event.payload,
        )

    def parked_together(self, events: Sequence[ParkableEvent], now: datetime, most_tries: int) -> Parked:
        """Make one envelope of several events. A message that contains several of them is in it once.

        The past of the envelope is the past that most of the events have. An event with another past is inside in an
        envelope of its own.
        """
        first, *others = events
        if not others:
            return self.parked(first, now, most_tries)
        pasts = {id(event.past): event.past for event in events}
        ((usual, _),) = Counter(id(event.past) for event in events).most_common(1)
        apart = {(id(event.payload), id(event.past)): event for event in events}
        inside = [event.payload if id(event.past) == usual else _with_its_past(event) for event in apart.values()]
        parked = self.parked(replace(first, past=pasts[usual]), now, most_tries)
        return parked.model_copy(update={"job_id": None, "event_type": None, "event_id": None, "event": inside})


def _with_its_past(event: ParkableEvent) -> JsonObject:
    """Return an event in an envelope of its own, for a place beside events with another past."""
    past = event.past or Past()
    known: JsonObject = {"attempts": past.attempts, **past.model_dump(mode="json", exclude_defaults=True)}
    if event.event_id:
        known["event_id"] = event.event_id
    return {"schema": Parked.model_fields["schema_"].default, **known, "event": event.payload}
