"""Parking: events that cannot be finished are written into the first store that takes them.

Many events that time did not suffice to begin are parked together, in a few envelopes: to park thousands one by one
would take the time that there is not.
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
from ice_result.sinks.base import Expected, Parked, ParkingLot
from ice_result.triggers import ParkableEvent

_LONGEST_PIECE = 1 << 18  # characters of an envelope of several events: a thousand events or more
_PARKED_AT_ONCE = 8
_NOTES_AT_ONCE = 8


class ParkedAs(NamedTuple):
    """Result of parking: the address and the reason, or no address when no store took the envelope."""

    address: str | None
    reason: str


class Parking(NamedTuple):
    """Writes envelopes into `lots`, the stores that keep parked events."""

    lots: Sequence[ParkingLot]
    most_tries: int
    now: Callable[[], datetime]

    def park(self, event: ParkableEvent, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Park one event by the deadline."""
        return self._park(failure.parked(event, self.now(), self.most_tries), failure, deadline, timer)

    def park_together(
        self, events: Mapping[int, ParkableEvent], failure: Failure, deadline: Callable[[], Deadline]
    ) -> Iterator[tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]]:
        """Park many events in a few envelopes; yield the events of each envelope, and how it was parked."""

        def park_piece(piece: dict[int, ParkableEvent]) -> tuple[dict[int, ParkableEvent], ParkedAs, StageTimer]:
            timer = StageTimer()
            envelope = failure.parked_together([*piece.values()], self.now(), self.most_tries)
            return piece, self._park(envelope, failure, deadline(), timer), timer

        return in_order(park_piece, _pieces(events), _PARKED_AT_ONCE)

    def _park(self, envelope: Parked, failure: Failure, deadline: Deadline, timer: StageTimer) -> ParkedAs:
        """Try one store after the other, each for its share of the time."""
        why = failure.message
        with timer.stage("park"):
            for number, lot in enumerate(self.lots):
                try:
                    with time_limit(deadline.part(1 / (len(self.lots) - number))):
                        address = lot.park(envelope)
                except Exception as error:  # noqa: BLE001  our own mistake in one store must not cost the others
                    why = f"{why}; not parked: {shorten(str(error))}"
                else:
                    return ParkedAs(address, f"{failure.reason}: {why}")
        return ParkedAs(None, f"{ParkingError.reason}: {why}")


def leave_notes(
    lots: Sequence[ParkingLot], notes: Iterable[Expected], deadline: Callable[[], Deadline]
) -> Iterator[str]:
    """Write each note into the first store that takes it, some at once; their addresses, in their order.

    `deadline` is asked for each. Raises the last store's error when none takes a note; others may be written by then.
    """
    return in_order(lambda note: _leave(lots, note, deadline()), notes, _NOTES_AT_ONCE)


def _leave(lots: Sequence[ParkingLot], note: Expected, deadline: Deadline) -> str:
    """Write a note into the first store that takes it; each has its share of the time."""
    for number, lot in enumerate(lots, start=1):
        with time_limit(deadline.part(1 / (len(lots) - number + 1))):
            try:
                return lot.expect(note)
            except IceResultError:
                if number == len(lots):
                    raise
    raise ParkingError("no store keeps notes")


def _pieces(events: Mapping[int, ParkableEvent]) -> Iterator[dict[int, ParkableEvent]]:
    """Split `events`, in their order, into as many together as make an envelope that is soon read again.

    A message that several came from is in an envelope once.
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
