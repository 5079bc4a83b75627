"""Statistics of a store for monitoring: recorded jobs, their lag, parked events, and overdue notes.

The memory for 100,000 jobs is that for one: jobs are counted by function and outcome while they are read, and only the
lag of each job is kept, in eight bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.core.types import Model
from ice_result.records.model import Outcome
from ice_result.sinks.base import JobFilter, JobLine, Store, WrittenJob
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import DEAD, Listed, Parked

_READ_AT_ONCE = 16


class JobGroup(Model):
    """Number of jobs of one function with one outcome; `incomplete` are those without a complete manifest.

    `output_seconds` is the total duration of their output files that exist and whose duration is known; else null.
    """

    function: str
    outcome: Outcome
    jobs: int
    incomplete: int
    output_seconds: float | None = None

    def with_job(self, job: JobLine, output_seconds: float | None) -> JobGroup:
        """Return the group with one more job."""
        known = [seconds for seconds in (self.output_seconds, output_seconds) if seconds is not None]
        changes = {
            "jobs": self.jobs + 1,
            "incomplete": self.incomplete + (job.complete is not True),
            "output_seconds": round(sum(known), 3) if known else None,
        }
        return self.model_copy(update=changes)


class Lag(Model):
    """Seconds from FinishTime to the last writing of the manifest, of the `jobs` of which both times are known."""

    jobs: int
    median_seconds: float
    p95_seconds: float
    max_seconds: float


class ParkedGroup(Model):
    """Number of events that are parked in `sink` for one reason. The oldest was parked first at `oldest`.

    The reason of a dead event is the one for which it was parked last.
    """

    sink: str
    reason: str
    dead: bool
    events: int
    oldest: datetime
    oldest_seconds: float


class _ParkedSince(NamedTuple):
    reason: str
    since: datetime


class OverdueNotes(Model):
    """Number of notes in `sink` whose time is over; the earliest was due at `oldest`."""

    sink: str
    notes: int
    oldest: datetime | None
    oldest_seconds: float | None


class Stats(Model):
    """Statistics of the jobs in `sink` that finished since a time, or of all jobs, and of what is unfinished at `time`.

    `unreadable` is the number of damaged records, which are in no other figure; in tables it is not known, and 0.
    `lag` is null if the store does not know when manifests were written, or if there is no job.
    """

    time: datetime
    since: datetime | None
    sink: str
    jobs: int
    incomplete: int
    unreadable: int
    groups: tuple[JobGroup, ...]
    lag: Lag | None
    parked: tuple[ParkedGroup, ...]
    overdue: tuple[OverdueNotes, ...]


def read_stats(store: Store, parking_stores: Sequence[ParkedEvents], since: datetime | None, now: datetime) -> Stats:
    """Read the jobs of a store, and the parked events and notes of the stores that keep them.

    Raises the error of a store that cannot be read: statistics that leave out a store would look as if all was well.
    """
    groups, lags, unreadable = _count(store.written_jobs(JobFilter(since=since)))
    return Stats(
        time=now,
        since=since,
        sink=store.url,
        jobs=sum(group.jobs for group in groups),
        incomplete=sum(group.incomplete for group in groups),
        unreadable=unreadable,
        groups=groups,
        lag=_lag(lags),
        parked=tuple(group for each in parking_stores for group in _parked(each, now)),
        overdue=tuple(_overdue(each, now) for each in parking_stores),
    )


def _count(jobs: Iterable[WrittenJob]) -> tuple[tuple[JobGroup, ...], array[float], int]:
    """Group jobs by function and outcome, collect their lags, and count the records that cannot be read."""
    groups: dict[tuple[str, Outcome], JobGroup] = {}
    lags, unreadable = array("d"), 0
    for line, manifest_written, output_seconds in jobs:
        if line is None:
            unreadable += 1
            continue
        key = line.function_name, line.outcome
        group = groups.get(key) or JobGroup(function=line.function_name, outcome=line.outcome, jobs=0, incomplete=0)
        groups[key] = group.with_job(line, output_seconds)
        if line.finish_time and manifest_written:
            lags.append(_seconds(line.finish_time, manifest_written))
    return tuple(groups[key] for key in sorted(groups)), lags, unreadable


def _lag(lags: array[float]) -> Lag | None:
    """Return the nearest-rank percentiles: each is the lag of a job."""
    ordered = array("d", sorted(lags))
    number = len(ordered)
    if not number:
        return None
    median, p95 = (ordered[-(-number * percent // 100) - 1] for percent in (50, 95))
    return Lag(jobs=number, median_seconds=median, p95_seconds=p95, max_seconds=ordered[-1])


def _parked(store: ParkedEvents, now: datetime) -> Iterator[ParkedGroup]:
    """Read the envelopes of a store, page by page: only they know when an event was parked first."""

    def read(listed: Listed) -> _ParkedSince | None:
        text = store.read(listed.key)
        if text is None:  # retried or discarded meanwhile
            return None
        try:
            parked = Parked.model_validate_json(text)
        except ValidationError:  # damaged: its folder is the reason
            return _ParkedSince(folder, listed.written)
        return _ParkedSince(parked.reason, parked.first_parked or parked.last_parked or listed.written)

    counted: dict[tuple[bool, str], tuple[int, datetime]] = {}
    for folder in store.reasons():
        listed = (each for page in store.parked(folder) for each in page)
        for reason, since in filter(None, in_order(read, listed, _READ_AT_ONCE)):
            number, oldest = counted.get((folder == DEAD, reason), (0, since))
            counted[folder == DEAD, reason] = (number + 1, min(oldest, since))
    for (dead, reason), (number, oldest) in sorted(counted.items()):
        yield ParkedGroup(
            sink=store.url,
            reason=reason,
            dead=dead,
            events=number,
            oldest=oldest,
            oldest_seconds=_seconds(oldest, now),
        )


def _overdue(store: ParkedEvents, now: datetime) -> OverdueNotes:
    """Count the notes that are due, by the times in their names."""
    number, oldest = 0, None
    for _, due in takewhile(lambda note: note[1] < now, store.expected()):
        number, oldest = number + 1, oldest or due
    return OverdueNotes(
        sink=store.url, notes=number, oldest=oldest, oldest_seconds=_seconds(oldest, now) if oldest else None
    )


def _seconds(begin: datetime, end: datetime) -> float:
    """Return the seconds between two times; none if the clocks of two services put the end before the beginning."""
    return max(0.0, round((end - begin).total_seconds(), 3))
