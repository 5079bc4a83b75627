"""Parking: an event that cannot be finished is written, in an envelope, to the first store that accepts it.

    Failure (why) + event ──► Parked (the envelope) ──► first store ──► if it refuses, the next one ──► …

Thousands of events that were not begun in time are parked together in a few envelopes: there is no time left to write
them one by one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.types import JsonObject
from ice_result.errors import (
    INTERNAL,
    IceResultError,
    NotificationRefusedError,
    NotNotifiedError,
    ParkingError,
    ServiceError,
    describe_defect,
    is_try,
    shorten,
)
from ice_result.processing.event_log import StageTimer
from ice_result.sinks.base import Store
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Expected, Parked, ParkedError
from ice_result.triggers import JobEvent, Malformed, ParkableEvent, Past

_LONGEST_PIECE = 1 << 18  # characters of an envelope of several events: a thousand events or more
_WRITTEN_AT_ONCE = 8


class Failure(NamedTuple):
    """Reason why an event could not be finished. `sinks` are the sinks without the job, when other sinks have it.

    `targets` are those that have not acknowledged a job that all sinks have.

    `cause` is the part of the message that another call has too when it fails in the same way.
    """

    reason: str
    transient: bool
    error: str
    message: str
    sinks: tuple[str, ...] = ()
    cause: str = ""
    targets: tuple[str, ...] = ()

    @classmethod
    def from_error(cls, error: IceResultError, sinks: tuple[str, ...] = ()) -> Self:
        """Make the failure of an error that a stage raised."""
        return cls(error.reason, error.transient, type(error).__name__, str(error), sinks, error.cause)

    @classmethod
    def from_sinks(cls, refused: Mapping[Store, IceResultError], *, recorded_elsewhere: bool) -> Self:
        """Make the failure of sinks that refused a job: of a permanent error, if there is one."""
        worst = min(refused.values(), key=lambda error: error.transient)
        return cls.from_error(worst, tuple(sink.url for sink in refused) if recorded_elsewhere else ())

    @classmethod
    def from_targets(cls, refused: Mapping[str, IceResultError]) -> Self:
        """Make the failure of targets that have not acknowledged: temporary, as long as one of the errors is."""
        first = max(refused.values(), key=lambda error: error.transient)
        kind = NotNotifiedError if first.transient else NotificationRefusedError
        names = ", ".join(sorted(refused))
        return cls(
            kind.reason,
            kind.transient,
            type(first).__name__,
            f"not notified: {names}: {first}",
            (),
            first.cause,
            tuple(sorted(refused)),
        )

    @classmethod
    def from_bug(cls, error: Exception) -> Self:
        """Make the failure of a bug in ice-result."""
        return cls(INTERNAL, False, type(error).__name__, describe_defect(error))

    @classmethod
    def malformed(cls, event: Malformed) -> Self:
        """Make the failure of an event without a job id."""
        return cls("malformed", False, "Malformed", event.reason)


class ParkedAs(NamedTuple):
    """Result of parking. `address` is None when there is no store, or none accepted the envelope.

    `reason` begins with the reason of the failure. The errors of the stores follow, as far as they are other errors.
    `envelope` is what the store has then, and `is_new` tells if the store had none of the event for this reason.
    """

    address: str | None
    reason: str
    envelope: Parked | None = None
    is_new: bool = True


class ParkedNow(NamedTuple):
    """Events that were parked just now, in one envelope. Targets may be told of it until the deadline."""

    events: Sequence[ParkableEvent]
    parked: ParkedAs
    deadline: Deadline


class Parking(NamedTuple):
    """Writes envelopes into the stores that keep parked events, and marks them dead after `most_tries` attempts."""

    parking_stores: Sequence[ParkedEvents]
    most_tries: int
    now: Callable[[], datetime]

    def park(self, event: ParkableEvent, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Park one event by the deadline."""
        return self._write(self._envelope(event, failure), failure, deadline, timer)

    def park_together(
        self, events: Mapping[int, ParkableEvent], failure: Failure, deadline: Callable[[], Deadline]
    ) -> Iterator[tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]]:
        """Park many events in a few envelopes. Yields the events, the result and the timer of each envelope."""

        def park_piece(piece: dict[int, ParkableEvent]) -> tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]:
            timer = StageTimer()
            envelope = self._envelope_of_several([*piece.values()], failure)
            return piece, self._write(envelope, failure, deadline(), timer), timer

        return in_order(park_piece, _pieces(events), _WRITTEN_AT_ONCE)

    def _envelope(self, event: ParkableEvent, failure: Failure) -> Parked:
        """Make the envelope of an event. An event that was out of time has not been attempted."""
        past, now = event.past or Past(), self.now()
        attempts = past.attempts + is_try(failure.reason)
        return Parked(
            reason=failure.reason,
            transient=failure.transient,
            job_id=event.job_id if isinstance(event, JobEvent) else None,
            event_type=event.event_type,
            event_id=event.event_id,
            sinks=failure.sinks or (() if failure.targets else past.sinks),
            targets=failure.targets or (() if failure.sinks else past.targets),
            error=ParkedError(type=failure.error, message=failure.message),
            attempts=attempts,
            dead=is_try(failure.reason) and attempts >= self.most_tries,
            first_parked=past.first_parked or now,
            last_parked=now,
            history=past.history,
            event=event.payload,
        )

    def _envelope_of_several(self, events: Sequence[ParkableEvent], failure: Failure) -> Parked:
        """Make one envelope of several events. A message that contains several of them is in it once.

        The past of the envelope is the past that most of the events have. An event with another past is inside in an
        envelope of its own.
        """
        first, *others = events
        if not others:
            return self._envelope(first, failure)
        pasts = {id(event.past): event.past for event in events}
        ((usual, _),) = Counter(id(event.past) for event in events).most_common(1)
        apart = {(id(event.payload), id(event.past)): event for event in events}
        inside = [event.payload if id(event.past) == usual else _with_its_past(event) for event in apart.values()]
        parked = self._envelope(replace(first, past=pasts[usual]), failure)
        return parked.model_copy(update={"job_id": None, "event_type": None, "event_id": None, "event": inside})

    def _write(self, envelope: Parked, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Write the envelope to the first store that accepts it. Without a store, only the failure is reported."""
        reason = f"{failure.reason}: {failure.message}"
        causes = {failure.cause}
        with timer.stage("park"):
            for store, end in _in_turn(self.parking_stores, deadline):
                try:
                    with time_limit(end):
                        parked = store.park(envelope)
                        return ParkedAs(parked.address, reason, parked.envelope, parked.is_new)
                except Exception as error:  # noqa: BLE001  a bug in one store must not keep the others from trying
                    cause = error.cause if isinstance(error, IceResultError) else str(error)
                    if cause not in causes:
                        causes.add(cause)
                        shown = cause if isinstance(error, ServiceError) else shorten(str(error))
                        reason = f"{reason}; not parked: {shown}"
        return ParkedAs(None, reason)


def leave_notes(
    parking_stores: Sequence[ParkedEvents], notes: Iterable[Expected], deadline: Callable[[], Deadline]
) -> Iterator[str]:
    """Write each note to the first store that accepts it, several at a time. Yields their addresses in order.

    `deadline` gives the deadline of each note. Raises the error of the last store when no store accepts a note; other
    notes may be written by then.
    """

    def leave(note: Expected) -> str:
        refused: IceResultError = ParkingError("no store keeps notes")
        for store, end in _in_turn(parking_stores, deadline()):
            try:
                with time_limit(end):
                    return store.expect(note)
            except IceResultError as error:
                refused = error
        raise refused

    return in_order(leave, notes, _WRITTEN_AT_ONCE)


def _in_turn(stores: Sequence[ParkedEvents], deadline: Deadline) -> Iterator[tuple[ParkedEvents, Deadline]]:
    """Yield each store, with an equal share of the time that is left then."""
    for number, store in enumerate(stores):
        yield store, deadline.part(1 / (len(stores) - number))


def _with_its_past(event: ParkableEvent) -> JsonObject:
    """Return an event in an envelope of its own, for a place beside events with another past."""
    past = event.past or Past()
    known: JsonObject = {"attempts": past.attempts, **past.model_dump(mode="json", exclude_defaults=True)}
    if event.event_id:
        known["event_id"] = event.event_id
    return {"schema": Parked.model_fields["schema_"].default, **known, "event": event.payload}


def _pieces(events: Mapping[int, ParkableEvent]) -> Iterator[dict[int, ParkableEvent]]:
    """Split events, in their order, into groups for one envelope each, small enough to be read again quickly.

    A message that contains several of the events counts once in each envelope.
    """
    piece: dict[int, ParkableEvent] = {}
    messages: set[int] = set()
    size = 0
    for index, event in events.items():
        if id(event.payload) not in messages:
            length = len(json.dumps(event.payload))
            if piece and size + length > _LONGEST_PIECE:
                yield piece
                piece, messages, size = {}, set(), 0
            messages.add(id(event.payload))
            size += length
        piece[index] = event
    if piece:
        yield piece
