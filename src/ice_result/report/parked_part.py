"""Parked events of a report: how many there are, and the first of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import read_envelopes
from ice_result.sinks.object.layout import file_name
from ice_result.sinks.parked_events import ParkedEvents

MOST_EVENTS = 500
"""Parked events whose envelopes are read and shown."""


class ParkedRow(NamedTuple):
    """Facts of a parked event that the pages show. Without `error` its envelope is damaged."""

    reason: str
    job_id: str | None
    since: datetime
    attempts: int
    dead: bool
    error: str | None
    place: str


class ParkedPart(NamedTuple):
    """Parked events of a report, the oldest first. `failure` says why they could not be read."""

    total: int = 0
    rows: tuple[ParkedRow, ...] = ()
    has_stores: bool = True
    failure: str = ""


def read_parked(
    stores: Sequence[ParkedEvents], seconds: float, since: datetime | None = None, job_ids: Collection[str] = ()
) -> ParkedPart:
    """Read the first parked events: those parked since a time, or those of some jobs."""
    if not stores:
        return ParkedPart(has_stores=False)
    names = {file_name(job_id) for job_id in job_ids}
    try:
        with time_limit(Deadline.after(seconds)):
            entries = [
                entry
                for entry in list_parked(stores, None)
                if (since is None or entry.written >= since) and (not names or entry.key.rpartition("/")[2] in names)
            ]
    except IceResultError as error:
        return ParkedPart(failure=str(error))
    rows = []
    for envelope in islice(read_envelopes(entries[:MOST_EVENTS], Deadline.after(seconds)), MOST_EVENTS):
        entry, parked = envelope.entry, envelope.parked
        place = entry.store.address(entry.key)
        if parked is None:
            rows.append(ParkedRow(entry.reason, None, entry.written, 0, dead=False, error=None, place=place))
        else:
            since_then = parked.first_parked or parked.last_parked or entry.written
            rows.append(
                ParkedRow(
                    parked.reason, parked.job_id, since_then, parked.attempts, parked.dead, parked.error.message, place
                )
            )
    return ParkedPart(len(entries), tuple(rows))
