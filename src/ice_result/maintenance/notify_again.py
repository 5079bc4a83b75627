"""Notifications sent again on purpose: of single jobs, or of all that finished since a time.

stored job ──► the targets that admit it ──► told, whether or not they have acknowledged ──► written down as before
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

NotifyOutcome: TypeAlias = Literal["told", "skipped", "failed"]


class ToldAgain(NamedTuple):
    """Result for one job. `skipped` is a job that no target admits; `refused` has an error by the target's name.

    In a dry run, `told` are the targets that would be told.
    """

    job_id: JobId
    outcome: NotifyOutcome
    function_name: str | None = None
    told: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    reason: str | None = None

    def as_json(self) -> JsonObject:
        """Return the values of the JSON line."""
        return {**self._asdict(), "told": [*self.told], "refused": dict(self.refused)}


class AgainNotifier(NamedTuple):
    """Tells stored jobs again. `only` are the names of the targets; empty means all. In a dry run, nobody is told."""

    notifier: Notifier
    sink: Store
    deadline: Callable[[], Deadline]
    only: Collection[str] = ()
    dry_run: bool = False

    def tell_since(self, wanted: JobFilter, *, most: int | None = None, concurrency: int) -> Iterator[ToldAgain]:
        """Tell of the jobs that `wanted` admits, newest first as far as the store can tell; none is kept in memory.

        At most `most` jobs are told, since work on several begins before the first is done; None means all.
        """
        job_ids = (line.job_id for line in self.sink.jobs(wanted))
        yield from self.tell_jobs(islice(job_ids, most), concurrency=concurrency)

    def tell_jobs(self, job_ids: Iterable[JobId], *, concurrency: int) -> Iterator[ToldAgain]:
        """Tell of these jobs, several at a time, in their order."""
        return in_order(self._tell, job_ids, concurrency)

    def _tell(self, job_id: JobId) -> ToldAgain:
        try:
            with time_limit(self.deadline()):
                return self._tell_stored(job_id)
        except IceResultError as error:
            return ToldAgain(job_id, "failed", reason=str(error))

    def _tell_stored(self, job_id: JobId) -> ToldAgain:
        found = self.sink.find(job_id)
        if found and found.left_out:  # the notification is made of the whole record
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
        if self.dry_run:
            return ToldAgain(job_id, "told", record.function_name, tuple(target.name for target in admitting))
        told = self.notifier.tell(record, manifest, self.sink, only=self.only, again=True)
        refused = tuple((name, str(error)) for name, error in sorted(told.refused.items()))
        return ToldAgain(job_id, "failed" if refused else "told", record.function_name, told.told, refused)
