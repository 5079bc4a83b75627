"""Several events of one job in one payload: the job is processed once, for the sinks and the targets of all of them."""

from __future__ import annotations

from dataclasses import replace

from ice_result.core.types import JobId
from ice_result.triggers import JobEvent, Past


class SeenJobs:
    """Jobs of the events so far. `again` has one event for each job that a later event names for more sinks."""

    def __init__(self) -> None:
        self._events: dict[JobId, JobEvent] = {}
        self.again: dict[JobId, tuple[int, JobEvent]] = {}

    def is_new(self, index: int, event: JobEvent) -> bool:
        """Return True for the first event of a job, which is processed now."""
        known = self._events.setdefault(event.job_id, event)
        if known is not event:
            both = merge_events(known, event)
            if both is not known:
                first, _ = self.again.get(event.job_id, (index, event))
                self._events[event.job_id], self.again[event.job_id] = both, (first, both)
        return known is event


def merge_events(one: JobEvent, other: JobEvent) -> JobEvent:
    """Merge two events of one job into one, for the sinks and the targets of both.

    An event that names neither is for all sinks, and so is a merged one of which an event was. After a job
    is written to a sink, every target is notified of it.
    """
    first, second = one.past or Past(), other.past or Past()
    sinks: set[str] = set()
    targets: set[str] = set()
    if _is_for_some(first) and _is_for_some(second):
        sinks = {*first.sinks, *second.sinks}
        targets = set() if sinks else {*first.targets, *second.targets}
    if (sinks, targets) == (set(first.sinks), set() if first.sinks else set(first.targets)):
        return one
    past = first.model_copy(update={"sinks": tuple(sorted(sinks)), "targets": tuple(sorted(targets))})
    return replace(one, past=past)


def _is_for_some(past: Past) -> bool:
    return bool(past.sinks or past.targets)
