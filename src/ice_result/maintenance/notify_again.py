"""Notifications sent again manually: of single jobs, or of all that finished since a time.

stored job ──► the targets that admit it ──► notified, even if they have acknowledged ──► acknowledgements stored
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import IceResultError
from ice_result.notify.telling import Notifier
from ice_result.sinks.base import JobFilter, Store

NotifyOutcome: TypeAlias = Literal["notified", "would_notify", "skipped", "failed"]


class ToldAgain(NamedTuple):
    """Result for one job. `skipped` is a job that no target admits; `would_notify` is the outcome of a dry run.

    `targets` are those that admit the job, `notified` those that acknowledged. `refused` has the errors of
    the others, and of those that may have been notified of an outdated version.
    """

    job_id: JobId
    outcome: NotifyOutcome
    function_name: str | None = None
    targets: tuple[str, ...] = ()
    notified: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    reason: str | None = None

    def as_json(self) -> JsonObject:
        """Return the values of the JSON line."""
        return {
            **self._asdict(),
            "targets": [*self.targets],
            "notified": [*self.notified],
            "refused": dict(self.refused),
        }


class AgainNotifier(NamedTuple):
    """Sends notifications of stored jobs again. `only` are the names of the targets; empty means all.

    In a dry run, nothing is sent.
    """

    notifier: Notifier
    sink: Store
    deadline: Callable[[], Deadline]
    only: Collection[str] = ()
    dry_run: bool = False

    def tell_since(self, wanted: JobFilter, *, most: int | None = None, concurrency: int) -> Iterator[ToldAgain]:
        """Send the notifications of the jobs that `wanted` admits, newest first if the store has an order by time.

        At most `most` jobs are taken, since work on several begins before the first is done; None means all.
        """
        job_ids = (line.job_id for line in self.sink.jobs(wanted))
        yield from self.tell_jobs(islice(job_ids, most), concurrency=concurrency)

    def tell_jobs(self, job_ids: Iterable[JobId], *, concurrency: int) -> Iterator[ToldAgain]:
        """Send the notifications of these jobs, several at a time, in their order."""
        return in_order(self._tell, job_ids, concurrency, timed_out=_failed)

    def _tell(self, job_id: JobId) -> ToldAgain:
        try:
            with time_limit(self.deadline()):
                return self._tell_stored(job_id)
        except IceResultError as error:
            return _failed(job_id, error)

    def _tell_stored(self, job_id: JobId) -> ToldAgain:
        found = self.sink.find(job_id)
        if found and found.left_out:  # the notification is made of the complete record
            record = found.record
            found = self.sink.job_at(self.sink.key_for(job_id, record.function_name, record.create_time))
        if found is None:
            return ToldAgain(job_id, "failed", reason=f"not recorded in {self.sink.url}")
        record, manifest = found.record, found.manifest
        if manifest is None:
            reason = f"it has no manifest yet; `ice-result verify {job_id}` makes one"
            return ToldAgain(job_id, "failed", record.function_name, reason=reason)
        admitting = self.notifier.admitting(record, manifest, self.only)
        if not admitting:
            return ToldAgain(job_id, "skipped", record.function_name, reason="no target admits it")
        names = tuple(target.name for target in admitting)
        if self.dry_run:
            return ToldAgain(job_id, "would_notify", record.function_name, names)
        told = self.notifier.tell(record, manifest, self.sink, only=self.only, again=True)
        refused = tuple((name, str(error)) for name, error in sorted(told.refused.items()))
        outcome: NotifyOutcome = "failed" if refused or told.not_stored else "notified"
        notified = tuple(dict.fromkeys(told.told))
        not_stored = told.not_stored
        problem = f"could not store that {', '.join(notified)} was notified: {not_stored}" if not_stored else None
        return ToldAgain(job_id, outcome, record.function_name, names, notified, refused, problem)


def _failed(job_id: JobId, error: IceResultError) -> ToldAgain:
    return ToldAgain(job_id, "failed", reason=str(error))
