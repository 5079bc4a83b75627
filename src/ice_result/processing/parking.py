"""Parking: an event that cannot be finished is written to the first store that accepts it.

Thousands of events that were not begun in time are parked together in a few envelopes: there is no time left to write
them one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError, ParkingError, shorten
from ice_result.processing.event_log import StageTimer
from ice_result.processing.failure import Failure
from ice_result.sinks.object.parked_events import ParkedEvents
from ice_result.sinks.parked_events import Expected, Parked
from ice_result.triggers import ParkableEvent

_LONGEST_PIECE = 1 << 18  # characters of an envelope of several events: a thousand events or more
_PARKED_AT_ONCE = 8
_NOTES_AT_ONCE = 8


class ParkedAs(NamedTuple):
    """Result of parking. `address` is None when no store accepted the envelope."""

    address: str | None
    reason: str


class Parking(NamedTuple):
    """Writes envelopes into the stores that keep parked events, and marks them dead after `most_tries` attempts."""

    parking_stores: Sequence[ParkedEvents]
    most_tries: int
    now: Callable[[], datetime]

    def park(self, event: ParkableEvent, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Park one event by the deadline."""
        return self._park(failure.parked(event, self.now(), self.most_tries), failure, deadline, timer)

    def park_together(
        self, events: Mapping[int, ParkableEvent], failure: Failure, deadline: Callable[[], Deadline]
    ) -> Iterator[tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]]:
        """Park many events in a few envelopes. Yields the events, the result and the timer of each envelope."""

        def park_piece(piece: dict[int, ParkableEvent]) -> tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]:
            timer = StageTimer()
            envelope = failure.parked_together([*piece.values()], self.now(), self.most_tries)
            return piece, self._park(envelope, failure, deadline(), timer), timer

        return in_order(park_piece, _pieces(events), _PARKED_AT_ONCE)

    def _park(self, envelope: Parked, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Write the envelope to the first store that accepts it. Each store has an equal share of the time."""
        why = failure.message
        with timer.stage("park"):
            for number, parking_store in enumerate(self.parking_stores):
                try:
                    with time_limit(deadline.part(1 / (len(self.parking_stores) - number))):
                        address = parking_store.park(envelope)
                except Exception as error:  # noqa: BLE001  a bug in one store must not keep the others from trying
                    why = f"{why}; not parked: {shorten(str(error))}"
                else:
                    return ParkedAs(address, f"{failure.reason}: {why}")
        return ParkedAs(None, f"{ParkingError.reason}: {why}")


def leave_notes(
    parking_stores: Sequence[ParkedEvents], notes: Iterable[Expected], deadline: Callable[[], Deadline]
) -> Iterator[str]:
    """Write each note to the first store that accepts it, several at a time. Yields their addresses in order.

    `deadline` gives the deadline of each note. Raises the error of the last store when no store accepts a note; other
    notes may be written by then.
    """
    return in_order(lambda note: _leave(parking_stores, note, deadline()), notes, _NOTES_AT_ONCE)


def _leave(parking_stores: Sequence[ParkedEvents], note: Expected, deadline: Deadline) -> str:
    """Write one note to the first store that accepts it. Each store has an equal share of the time."""
    for number, parking_store in enumerate(parking_stores, start=1):
        with time_limit(deadline.part(1 / (len(parking_stores) - number + 1))):
            try:
                return parking_store.expect(note)
            except IceResultError:
                if number == len(parking_stores):
                    raise
    raise ParkingError("no store keeps notes")


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
