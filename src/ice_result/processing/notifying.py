"""Notifying: the targets are notified of a job after all sinks have it, and of an event after it was parked.

    written to all sinks ──► notified ──► recorded
                                 └──► a target has not acknowledged ──► parked, with the names of these targets
    parked for targets ──► read from the first sink that has the complete job ──► notified ──► …

A retry for targets asks ICE only when no sink has the job any more. Then the job is written anew, and every target that
has not acknowledged it is notified.

Without ICE_RESULT_NOTIFY, neither this module nor `notify` is imported.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.deadline import time_limit
from ice_result.errors import IceResultError
from ice_result.notify.telling import NewEnvelope
from ice_result.processing.event_log import StageTimer
from ice_result.processing.parking import Failure, ParkedNow
from ice_result.processing.process_job import RecordedBefore
from ice_result.processing.write_job import Written
from ice_result.records import Manifest, Record
from ice_result.sinks.base import Near, Store, StoredJob
from ice_result.triggers import JobEvent, ParkableEvent

if TYPE_CHECKING:
    from ice_result.notify.telling import Notifier

_log = logging.getLogger(__name__)


class WrittenBefore(NamedTuple):
    """Job of an event that is parked for targets, and the sink that it was read from."""

    written: Written
    sink: Store


class Notifying:
    """The stage after the sinks. Any number of threads may use it at once."""

    def __init__(self, notifier: Notifier, sinks: Sequence[Store]) -> None:
        self._notifier = notifier
        self._sinks = sinks

    def load(self) -> None:
        """Begin to load what the targets need. Returns at once."""
        self._notifier.load()

    def tell(
        self, job: Written | RecordedBefore, event: JobEvent, timer: StageTimer, before: WrittenBefore | None = None
    ) -> Failure | None:
        """Notify the targets of a job that all sinks have. Returns the failure when a target has not acknowledged.

        `before` is given for a job that was read for the targets of its event: these alone are notified. Raises the
        error of a sink that cannot be read.
        """
        only = event.past.targets if before and event.past else ()
        first = self._sinks[0]
        with timer.stage("notify"):
            if isinstance(job, RecordedBefore):
                found = (not job.stored.left_out and _found(job.sink, job.stored)) or self._read(event)
            else:
                found = _Found(before.sink if before else first, job.record, job.manifest)
            if found is None:
                _log.warning("job %s: no notification sent: no sink has its record and its manifest", event.job_id)
                return None
            told = self._notifier.tell(found.record, found.manifest, first, stored_in=found.sink, only=only)
        if told.not_stored:  # the targets are notified again by the next event of the job
            _log.warning("job %s: acknowledgements not stored: %s", event.job_id, told.not_stored)
        timer.count("notified", len(told.told))
        return Failure.from_targets(told.refused) if told.refused else None

    def has_told(self, stored: StoredJob) -> bool:
        """Return whether the targets have acknowledged this job of the first sink; False if parts of it are missing."""
        if stored.manifest is None or stored.left_out:
            return False
        return self._notifier.has_told(stored.record, stored.manifest, self._sinks[0])

    def written_before(self, event: JobEvent) -> WrittenBefore | None:
        """Read the job of an event that is parked for targets, as `_read` does.

        Returns None for other events, and when no sink has the job: then ICE is asked, as for every event.
        """
        if event.past is None or not event.past.targets or event.past.sinks:
            return None
        found = self._read(event)
        if found is None:
            return None
        written = Written(found.record, found.manifest, {found.sink: found.sink.addresses(found.record)}, {})
        return WrittenBefore(written, found.sink)

    def _read(self, event: JobEvent) -> _Found | None:
        """Read the job from the first sink that has all of it, or else from one that could not keep all of it.

        Raises the error of a sink that cannot be read for now, or of any when no sink has the job: no part of a
        job is sent only because the whole cannot be read now.
        """
        near = Near(event.function_name, event.event_time or (event.past.first_parked if event.past else None))
        part: _Found | None = None
        errors: list[IceResultError] = []
        for sink in self._sinks:
            try:
                stored = sink.find(event.job_id, near)
            except IceResultError as error:
                errors.append(error)
                continue
            found = _found(sink, stored)
            if stored and found and not stored.left_out:
                return found
            part = part or found
        errors.sort(key=lambda error: not error.transient)
        if errors and (errors[0].transient or part is None):
            raise errors[0]
        return part

    def tell_parked(self, written: Sequence[ParkedNow]) -> None:
        """Send the notifications of these envelopes, with one deadline for all.

        Each event is notified when it is parked for the first time for a reason, and when it is dead. A failure is only
        logged: the events are already parked.
        """
        envelopes = [
            NewEnvelope(each.parked.envelope, each.parked.address, is_new=_is_new(each))
            for each in written
            if each.parked.envelope is not None and each.parked.address is not None
        ]
        if envelopes:
            with time_limit(written[0].deadline):
                self._notifier.tell_parked(envelopes)


class _Found(NamedTuple):
    """A stored job, and the sink that has it."""

    sink: Store
    record: Record
    manifest: Manifest


def _found(sink: Store, stored: StoredJob | None) -> _Found | None:
    return _Found(sink, stored.record, stored.manifest) if stored and stored.manifest else None


def _is_new(written: ParkedNow) -> bool:
    """Tell if the store had no envelope of these events for this reason."""
    parked = written.parked
    reason = parked.envelope.reason if parked.envelope else ""
    return parked.is_new and any(not event.past or reason not in _last_reason(event) for event in written.events)


def _last_reason(event: ParkableEvent) -> set[str]:
    """Return the reason for which an event was parked before, in a set that is empty for an event that was not."""
    past = event.past
    return {past.history[-1].reason} if past and past.history else set()
