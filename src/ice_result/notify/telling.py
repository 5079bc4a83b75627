"""Notifier: each target that has not acknowledged the stored state of a job is sent a notification of it.

    all sinks have the job ──► acknowledgements are read ──► the other targets are notified ──► acknowledgements stored
                               (first sink)                  (in parallel)                      (first sink)

    id of the stored state   A            A            A     B            B
    acknowledged by a target –            –            A     A            B
                             └─ notified, and killed before this is stored: notified again with the same id

Acknowledgements are read before a notification and stored after it. So each target whose filters match is notified of
the stored state of a job at least once. It is notified twice only when a process dies between the two, when two
processes work on one job, or when the first sink cannot be read or written.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ice_result.core.calls import begin, in_order, result_of
from ice_result.core.deadline import current_deadline, time_limit
from ice_result.errors import IceResultError, NotificationRefusedError, describe_defect
from ice_result.notify.documents import Recorded, StoredAt, parked_notification, recorded_id, recorded_notification
from ice_result.notify.model import Notification, Target
from ice_result.notify.urls import Filters
from ice_result.records.model import CONTENT_OF_ROLES, SETTLED, Manifest, Record
from ice_result.sinks.base import Store
from ice_result.sinks.parked_model import Parked

LIMIT_SECONDS = 5.0
"""Maximum time for notifying all targets of one job."""
_SHARE_FOR_TELLING = 0.8  # of the time left: acknowledgements must be stored after it
_MOST_ROUNDS = 3
_NOT_DELIVERED = "%s: notification that %s is %s was not delivered: %s"
_ENVELOPES_AT_ONCE = 16
_log = logging.getLogger(__name__)


class Receiver(NamedTuple):
    """A target with its filters."""

    target: Target
    filters: Filters


class Told(NamedTuple):
    """Result of a notification: the targets that have acknowledged, and the error of each target that has not.

    `refused` also has the error of a store for targets that may have been notified of an outdated version. A target
    occurs twice if it was notified of two versions of the job. `not_stored` is the error of the sink that could not
    store the acknowledgements: these targets are notified again by the next event of the job.
    """

    told: tuple[str, ...]
    refused: Mapping[str, IceResultError]
    not_stored: IceResultError | None = None


class NewEnvelope(NamedTuple):
    """Envelope that was just written, `is_new` for the first time for its reason."""

    envelope: Parked
    address: str
    is_new: bool


class Notifier:
    """Notifies the targets of ICE_RESULT_NOTIFY. Any number of threads may use it at once."""

    def __init__(self, receivers: Sequence[Receiver], region: str | None) -> None:
        self.receivers = receivers
        self._region = region

    def load(self) -> None:
        """Begin to load what the targets need, in parallel. Returns at once."""
        for receiver in self.receivers:
            begin(receiver.target.load)

    def tell(
        self,
        record: Record,
        manifest: Manifest,
        sink: Store,
        *,
        stored_in: Store | None = None,
        only: Collection[str] = (),
        again: bool = False,
    ) -> Told:
        """Notify the targets whose filters admit the job and that have not acknowledged this version of it.

        `sink` is the first sink, which keeps the acknowledgements. `stored_in` is the sink that has the job; None means
        the first. `only` are the names of the targets to notify; empty means all. With `again`, it makes no difference
        what was acknowledged. Never raises an IceResultError.
        """
        having = stored_in or sink
        told, refused, not_stored = list[str](), dict[str, IceResultError](), None
        regardless = [target.name for target, _ in self.receivers] if again else []
        for _ in range(_MOST_ROUNDS):
            receivers = self.admitting(record, manifest, only)
            if not receivers:
                refused = {}
                break
            at = _stored_at(record, manifest, having)
            job = Recorded(record, manifest, at)
            round_told, refused, not_stored = self._tell(job, sink, receivers, regardless)
            told += round_told
            try:
                later = _written_later(record, manifest, having) if round_told else None
            except IceResultError as error:  # what they were told may be outdated
                refused = {**dict.fromkeys(round_told, error), **refused}
                break
            if later is None:
                break
            (record, manifest), regardless = later, round_told
        return Told(tuple(told), refused, not_stored)

    def has_told(self, record: Record, manifest: Manifest, sink: Store) -> bool:
        """Return whether every target that admits the job has acknowledged its stored state.

        Without such a target, nothing is read. Raises the error of a sink that cannot be read.
        """
        admitting = self.admitting(record, manifest)
        if not admitting:
            return True
        told_id, acknowledged = recorded_id(record, manifest), sink.acknowledged(record.job_id)
        return all(acknowledged.get(target.name) == told_id for target in admitting)

    def tell_parked(self, envelopes: Sequence[NewEnvelope]) -> None:
        """Send the notifications of events that were parked for the first time, and of dead ones, within one limit.

        A failure is only logged.
        """
        with time_limit(current_deadline().within(LIMIT_SECONDS)):
            for _ in in_order(self._tell_envelope, envelopes, _ENVELOPES_AT_ONCE, timed_out=_not_told):
                pass

    def _tell_envelope(self, written: NewEnvelope) -> None:
        parked, address, is_new = written
        try:
            for occasion, is_due in (("parked", is_new), ("dead", parked.dead)):
                targets = [target for target, filters in self.receivers if is_due and occasion in filters.on]
                if targets:
                    notification = parked_notification(parked, address, self._region, dead=occasion == "dead")
                    for name, error in _send(notification, targets)[1].items():
                        _log.warning(_NOT_DELIVERED, name, notification.subject, occasion, error)
        except Exception as error:  # noqa: BLE001  a bug of ours must not cost the user an event
            _not_told(written, error)

    def admitting(self, record: Record, manifest: Manifest, only: Collection[str] = ()) -> list[Target]:
        """List the targets whose filters admit this job; of those that are named in `only`, if any are."""
        return [
            target
            for target, filters in self.receivers
            if filters.admits_recorded(record.outcome, record.function_name, complete=manifest.complete)
            and (not only or target.name in only)
        ]

    def _tell(
        self, job: Recorded, sink: Store, targets: Sequence[Target], regardless: Collection[str]
    ) -> tuple[list[str], dict[str, IceResultError], IceResultError | None]:
        """Notify these targets. Returns the names of those that have acknowledged, and the errors of the others.

        The last value is the error of the sink that could not store the acknowledgements. It makes no difference what
        the targets named in `regardless` have acknowledged. An acknowledgement of another version is removed first: if
        this process dies in between, the next event of the job notifies the target.
        """
        record, manifest, _ = job
        told_id = recorded_id(record, manifest)
        acknowledged = _acknowledged(record, sink)
        lacking = [each for each in targets if each.name in regardless or acknowledged.get(each.name) != told_id]
        if not lacking:
            return [], {}, None
        names = {target.name for target in lacking}
        kept = {name: known for name, known in acknowledged.items() if known == told_id or name not in names}
        if kept != acknowledged:
            _remove_outdated(record, kept, sink)
        notification = recorded_notification(job)
        limit = current_deadline().within(LIMIT_SECONDS)
        with time_limit(limit.part(_SHARE_FOR_TELLING)):
            told, refused = _send(notification, lacking)
        if told:
            try:
                sink.acknowledge(record.job_id, {**kept, **dict.fromkeys(told, told_id)})
            except IceResultError as error:
                return told, refused, error
        return told, refused, None


def _not_told(written: NewEnvelope, error: Exception) -> None:
    shown = str(error) if isinstance(error, IceResultError) else describe_defect(error)
    _log.warning("no notification of %s: %s", written.address, shown)


def _acknowledged(record: Record, sink: Store) -> dict[str, str]:
    """Read the last acknowledged id of each target; none if they cannot be read: a duplicate is better than a loss."""
    try:
        return sink.acknowledged(record.job_id)
    except IceResultError as error:
        _log.warning("job %s: acknowledgements not read: %s", record.job_id, error)
        return {}


def _remove_outdated(record: Record, kept: Mapping[str, str], sink: Store) -> None:
    try:
        sink.acknowledge(record.job_id, kept)
    except IceResultError as error:
        _log.warning("job %s: outdated acknowledgements not removed: %s", record.job_id, error)


def _stored_at(record: Record, manifest: Manifest, sink: Store) -> StoredAt:
    addresses = sink.addresses(record)
    has_contents = any(file.role in CONTENT_OF_ROLES for file in manifest.files)
    return StoredAt(
        record=addresses.record,
        manifest=addresses.manifest,
        contents=addresses.contents if has_contents else None,
    )


def _send(notification: Notification, targets: Sequence[Target]) -> tuple[list[str], dict[str, IceResultError]]:
    """Send a notification to these targets, in parallel. Returns the names of those that acknowledged it."""
    sending = {target.name: begin(partial(target.send, notification)) for target in targets}
    told: list[str] = []
    refused: dict[str, IceResultError] = {}
    for name, task in sending.items():
        try:
            result_of(task)
            told.append(name)
        except IceResultError as error:
            refused[name] = error
        except Exception as error:  # noqa: BLE001  a bug in one target must not undo what the others acknowledged
            refused[name] = NotificationRefusedError(describe_defect(error))
    return told, refused


def _written_later(record: Record, manifest: Manifest, sink: Store) -> tuple[Record, Manifest] | None:
    """Read the stored job if another process has changed it since.

    Returns None when it is the same, or can never be read. The last notification must describe the stored job. For a
    settled record, the manifest decides: one call. Raises the transient error of a store that cannot be read for now.
    """
    try:
        if record.standing == SETTLED and sink.verified(record) == manifest:
            return None
        stored = sink.job_at(sink.key_for(record.job_id, record.function_name, record.create_time))
    except IceResultError as error:
        if error.transient:
            raise
        return None
    if stored is None or stored.manifest is None:
        return None
    is_same = recorded_id(stored.record, stored.manifest) == recorded_id(record, manifest)
    return None if is_same else (stored.record, stored.manifest)
