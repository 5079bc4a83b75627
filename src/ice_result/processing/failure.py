"""Why an event could not be finished."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError, is_try, shorten
from ice_result.sinks.base import Parked, ParkedError, Sink
from ice_result.triggers import JobEvent, Malformed, ParkableEvent, Past


class Failure(NamedTuple):
    """What stopped an event; `sinks` are those that lack the job while others have it."""

    reason: str
    transient: bool
    error: str
    message: str
    sinks: tuple[str, ...] = ()

    @classmethod
    def from_error(cls, error: IceResultError, sinks: tuple[str, ...] = ()) -> Self:
        """A stage refused."""
        return cls(error.reason, error.transient, type(error).__name__, str(error), sinks)

    @classmethod
    def from_sinks(cls, refused: Mapping[Sink, IceResultError], *, taken: bool) -> Self:
        """Told by the error that lasts, if there is one; `taken` when another sink has the job."""
        worst = min(refused.values(), key=lambda error: error.transient)
        return cls.from_error(worst, tuple(sink.url for sink in refused) if taken else ())

    @classmethod
    def from_bug(cls, error: Exception) -> Self:
        """Our own code broke: the place is told, since the whole traceback could hold what a message must not."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        return cls(
            "internal", False, type(error).__name__, f"a defect in ice-result, at {place}: {shorten(str(error))}"
        )

    @classmethod
    def malformed(cls, event: Malformed) -> Self:
        """There is no job id in it."""
        return cls("malformed", False, "Malformed", event.reason)

    def parked(self, event: ParkableEvent, now: datetime, most_tries: int) -> Parked:
        """The envelope of the event, parked now; after `most_tries` it is dead. Being out of time is no try."""
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
        """One envelope of several events, or that of the only one; a message that several came from is in it once.

        The past of most of them is that of the envelope. An event with another one stands there in an envelope of its
        own, with its own past.
        """
        first, *others = events
        if not others:
            return self.parked(first, now, most_tries)
        pasts = {id(event.past): event.past for event in events}
        ((usual, _),) = Counter(id(event.past) for event in events).most_common(1)
        apart = {(id(event.payload), id(event.past)): event for event in events}
        inside = [event.payload if id(event.past) == usual else _with_its_past(event) for event in apart.values()]
        parked = self.parked(first.model_copy(update={"past": pasts[usual]}), now, most_tries)
        return parked.model_copy(update={"job_id": None, "event_type": None, "event_id": None, "event": inside})


def _with_its_past(event: ParkableEvent) -> JsonObject:
    """An event as it stands beside others that have another past."""
    past = event.past or Past()
    known: JsonObject = {"attempts": past.attempts, **past.model_dump(mode="json", exclude_defaults=True)}
    if event.event_id:
        known["event_id"] = event.event_id
    return {"schema": Parked.model_fields["schema_"].default, **known, "event": event.payload}
