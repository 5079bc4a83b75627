"""Notifying: the targets are notified of a job after all sinks have it, and of an event after it was parked.

    written to all sinks ──► notified ──► recorded
                                 └──► a target has not acknowledged ──► parked, with the names of these targets
    parked for targets ──► read from the first sink that has the complete job ──► notified ──► …

Nothing here is used, and nothing of `notify` is imported, without ICE_RESULT_NOTIFY.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError
from ice_result.processing.event_log import StageTimer
from ice_result.processing.parking import Failure, ParkedAs
from ice_result.processing.process_job import RecordedBefore
from ice_result.processing.write_job import Written
from ice_result.sinks.base import Near, Store, StoredJob
from ice_result.triggers import JobEvent, ParkableEvent

if TYPE_CHECKING:
    from ice_result.notify.telling import Notifier

_log = logging.getLogger(__name__)


class Notifying:
    """The stage after the sinks. Any number of threads may use it at once."""

    def __init__(self, notifier: Notifier, sinks: Sequence[Store]) -> None:
        self._notifier = notifier
        self._sinks = sinks

    def load(self) -> None:
        """Begin to load what the targets need. Returns at once."""
        self._notifier.load()

    def tell(self, job: Written | RecordedBefore, event: JobEvent, timer: StageTimer) -> Failure | None:
        """Notify the targets of a job that all sinks have. Returns the failure when a target has not acknowledged.

        An event that is parked for some targets is for these alone.
        """
        only = event.past.targets if event.past and not event.past.sinks else ()
        with timer.stage("notify"):
            stored = self._whole(event, job.stored) if isinstance(job, RecordedBefore) else job
            if stored is None or stored.manifest is None:
                _log.warning("job %s: no notification sent: no sink has the complete record", event.job_id)
                return None
            told = self._notifier.tell(stored.record, stored.manifest, self._sinks[0], only=only)
        timer.count("notified", len(told.told))
        return Failure.from_targets(told.refused) if told.refused else None

    def has_told(self, stored: StoredJob) -> bool:
        """Return whether the targets have acknowledged this job of the first sink; False if parts of it are missing."""
        if stored.manifest is None or stored.left_out:
            return False
        return self._notifier.has_told(stored.record, stored.manifest, self._sinks[0])

    def written_before(self, event: JobEvent) -> Written | None:
        """Read the job of an event that is parked for targets, from the first sink that has all of it.

        Returns None for other events, and when no sink has the complete job: then ICE is asked, as for every event.
        """
        if event.past is None or not event.past.targets or event.past.sinks:
            return None
        found = self._whole(event)
        if found is None or found.manifest is None:
            return None
        first = self._sinks[0]
        return Written(found.record, found.manifest, {first: first.addresses(found.record)}, {})

    def _whole(self, event: JobEvent, found: StoredJob | None = None) -> StoredJob | None:
        """Return the job if it is complete; else read it from the first sink that has all of it."""
        if found and found.manifest and not found.left_out:
            return found
        near = Near(event.function_name, event.event_time or (event.past.first_parked if event.past else None))
        for sink in self._sinks:
            try:
                found = sink.find(event.job_id, near)
            except IceResultError as error:
                _log.warning("job %s: not read from %s: %s", event.job_id, sink.url, error)
                continue
            if found and found.manifest and not found.left_out:
                return found
        return None

    def tell_parked(self, events: Sequence[ParkableEvent], parked: ParkedAs, deadline: Deadline) -> None:
        """Send the notification of the envelope of these events, unless it was parked before for the same reason.

        A failure is only logged: the event is already parked.
        """
        envelope, address = parked.envelope, parked.address
        if envelope is None or address is None:
            return
        is_new = any(not event.past or envelope.reason not in _last_reason(event) for event in events)
        if not (is_new or envelope.dead):
            return
        try:
            with time_limit(deadline):
                self._notifier.tell_parked(envelope, address, is_new=is_new)
        except Exception as error:  # noqa: BLE001  a bug of ours must not cost the user an event
            _log.warning("no notification of %s: %s", address, Failure.from_bug(error).message)


def _last_reason(event: ParkableEvent) -> set[str]:
    """Return the reason for which an event was parked before, in a set that is empty for an event that was not."""
    past = event.past
    return {past.history[-1].reason} if past and past.history else set()
