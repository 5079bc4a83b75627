"""Redecoding: stored jobs are written again as this version writes them, from the response in their records.

    source ──► record ──► raw, region ──► decode, build ──► record, manifest ──► each store with other bytes
               manifest ──► facts of the files, stored or new ──┘                (the source last)
               contents ───────────────────────────────────────────────────────► each other store without them

ICE is not asked. Decoding and building are those of the pipeline. Writing is not: each store is compared first, and
written only when it differs. So a second run changes nothing, and an interrupted run is finished by the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JobId, JsonValue, Model
from ice_result.errors import IceResultError
from ice_result.maintenance.changes import Change, changes
from ice_result.maintenance.rebuilt_manifests import ManifestSource, RebuiltJob
from ice_result.maintenance.stored_versions import (
    NotRewritableError,
    OldRecord,
    is_later,
    parsed,
    read_job,
    read_record,
)
from ice_result.processing.parking import Failure
from ice_result.processing.process_job import record_of
from ice_result.records import Manifest, Record, shortfall
from ice_result.records.model import CONTENT_OF_ROLES
from ice_result.sinks.base import ContentsLeftOutError, JobFilter, Store, StoredBytes

if TYPE_CHECKING:
    from ice_result.contents.model import Content

RewriteOutcome: TypeAlias = Literal["changed", "unchanged", "left", "failed"]


class Rewritten(Model):
    """Result for one stored job; with a dry run, the result that it would have.

    `place` is the key of the record. `job_id` is null when it is not known. A job that is `left` stays as it is, for
    the `reason`. `sinks` are the sinks that differ. `changes` are the differences in the first sink that has the job;
    without any, only the bytes differ. `complete` and `suspicious` are those of the new manifest, and `incomplete` says
    why it is not complete.
    """

    job_id: str | None
    place: str
    outcome: RewriteOutcome
    function_name: str | None = None
    complete: bool | None = None
    suspicious: int | None = None
    incomplete: str | None = None
    sinks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str | None = None


class RewrittenStores(NamedTuple):
    """The stores of a run. `archives` may have the parts that were too large for other stores."""

    source: Store
    targets: Sequence[Store]
    archives: Sequence[Store]


_Contents: TypeAlias = "dict[int, Content]"


class _Rebuilt(NamedTuple):
    """A job as this version writes it, with the stored job that it was built from.

    `contents` reads those of the source, by their numbers.
    """

    stored: StoredBytes
    old: OldRecord
    record: Record
    manifest: Manifest
    contents: Callable[[], _Contents]


class _Difference(NamedTuple):
    """A job as a store has it now, and as it should have it. `left_over` is the same job under an earlier key.

    `has` are the contents that the store has now, and `contents` all that it should have; None when those are the same.
    """

    store: Store
    now: StoredBytes | None
    would: StoredBytes
    left_over: StoredBytes | None
    has: _Contents
    contents: _Contents | None


@dataclass(frozen=True)
class Rewriter:
    """Rewrites stored jobs, each by its own `deadline`. `manifest` builds their manifests. A dry run writes nothing.

    `region` is for records of versions that did not store one.
    """

    stores: RewrittenStores
    manifest: ManifestSource
    region: str | None
    deadline: Callable[[], Deadline]
    dry_run: bool = False

    def rewrite_job(self, job_id: JobId, wanted: JobFilter) -> Rewritten | None:
        """Rewrite one job by its id. Returns None when `wanted` does not admit it."""

        def find_and_rewrite() -> Rewritten | None:
            with time_limit(self.deadline()):
                stored = self.stores.source.stored_job(job_id, wanted)
            with time_limit(self.deadline()):
                return self._rewrite(stored, wanted, job_id)

        return _guarded(job_id, job_id, find_and_rewrite)

    def rewrite_at(self, key: str, wanted: JobFilter) -> Rewritten | None:
        """Rewrite the job with this key. Returns None when `wanted` does not admit it."""
        with time_limit(self.deadline()):
            return _guarded(None, key, lambda: self._rewrite(self.stores.source.stored(key), wanted, None))

    def _rewrite(self, stored: StoredBytes | None, wanted: JobFilter, asked: JobId | None) -> Rewritten | None:
        if stored is None:
            raise NotRewritableError("not_found", "the store has no such job")
        old = read_record(stored.record, self.region)
        if _key(self.stores.source, old) != stored.key or asked not in {None, old.job_id}:
            raise NotRewritableError("misplaced", "the record belongs to another job or to another partition")

        def rebuild_and_write() -> Rewritten | None:
            is_whole = old.raw and stored.files_stored
            archived = None if is_whole else self._archived(stored, old)
            job = read_job(old, archived)
            record, files = record_of(job, old.region)
            if not wanted.admits(record):
                return None
            known = stored if stored.files_stored else archived or stored
            if stored.manifest is None:
                known = self._moved(stored, record) or known
            contents = cache(partial(self._contents_of_source, stored, record))
            manifest = self.manifest(RebuiltJob(record, files, known, self._elsewhere(old)))
            return self._write(_Rebuilt(stored, old, record, manifest, contents))

        return _guarded(old.job_id, stored.key, rebuild_and_write)

    def _archived(self, stored: StoredBytes, old: OldRecord) -> StoredBytes | None:
        """Read a job that was too large for its store from the store that its row points to."""
        for store in self.stores.archives:
            if stored.raw_uri and stored.raw_uri.startswith(f"{store.url.rstrip('/')}/"):
                found = store.stored(_key(store, old))
                if found and read_record(found.record, self.region).job_id == old.job_id:
                    return found
        return None

    def _moved(self, left_over: StoredBytes, record: Record) -> StoredBytes | None:
        """Read the job in its new place, for a record that is left over from an interrupted move."""
        key = _new_key(self.stores.source, record)
        return None if key == left_over.key else self.stores.source.stored(key)

    def _contents_of_source(self, stored: StoredBytes, record: Record) -> _Contents:
        """Read the contents where the job is, and where it belongs: a move may have been interrupted between both."""
        source = self.stores.source
        keys = dict.fromkeys((stored.key, _new_key(source, record)))
        try:
            return _by_number(chain.from_iterable(map(source.contents_at, keys)))
        except ContentsLeftOutError as error:
            for store in self.stores.archives:
                archived = _by_number(store.contents(record))
                if len(archived) >= error.count:
                    return archived
            return _by_number(chain.from_iterable(_present_contents(source, key)[0] for key in keys))

    def _elsewhere(self, old: OldRecord) -> Iterator[StoredBytes]:
        """Yield the job as it is in the other stores."""
        for store in self.stores.targets:
            if store is not self.stores.source:
                found = store.stored(_key(store, old))
                if found and not is_later(found):
                    yield found

    def _write(self, job: _Rebuilt) -> Rewritten:
        """Compare all stores, then write those that differ."""
        compared = (self._difference(store, job) for store in self.stores.targets)
        differences = [difference for difference in compared if difference]
        if not self.dry_run:
            # The source last: the job stays under the key by which it was found until all other stores have it.
            for difference in sorted(differences, key=lambda each: each.store is self.stores.source):
                _write_difference(difference, job)
        return Rewritten(
            job_id=job.record.job_id,
            place=job.stored.key,
            outcome="changed" if differences else "unchanged",
            function_name=job.record.function_name,
            complete=job.manifest.complete,
            suspicious=job.manifest.suspicious,
            incomplete=shortfall(job.record, job.manifest),
            sinks=tuple(difference.store.url for difference in differences),
            changes=_changes(differences) if self.dry_run else (),
        )

    def _difference(self, store: Store, job: _Rebuilt) -> _Difference | None:
        would = store.as_stored(job.record, job.manifest)
        is_source = store is self.stores.source
        now = job.stored if is_source and would.key == job.stored.key else store.stored(would.key)
        earlier = _key(store, job.old)
        left_over = None if earlier == would.key else store.stored(earlier)
        there = [each for each in (now, left_over) if each]
        if any(map(is_later, there)) or (now and now.generation > would.generation):
            raise NotRewritableError("newer", f"{store.url} has a newer version of the job")
        if there and self._has_better(store, job, there, would):
            would = would._replace(pointer=there[0].pointer)
        has, contents = self._compared_contents(store, job, now, left_over)
        if now == would and left_over is None and contents is None:
            return None
        return _Difference(store, now, would, left_over, has, contents)

    def _has_better(self, store: Store, job: _Rebuilt, there: Sequence[StoredBytes], would: StoredBytes) -> bool:
        """Tell if the job's pointer leads to another record of the job, which is as good as this one, or better."""
        pointer = there[0].pointer
        other = None if pointer in {None, would.pointer} else store.pointed(job.record.job_id, pointer)
        if other is None or other.key in {would.key, *(each.key for each in there)}:
            return False
        if is_later(other):
            return True
        try:
            old = read_record(other.record, self.region)
            record, _ = record_of(read_job(old, None), old.region)
        except NotRewritableError:
            return False
        return record.job_id == job.record.job_id and _rank(record) >= _rank(job.record)

    def _compared_contents(
        self, store: Store, job: _Rebuilt, now: StoredBytes | None, left_over: StoredBytes | None
    ) -> tuple[_Contents, _Contents | None]:
        """Return the contents that a store has, and those that it should have; None when nothing is to be written.

        Those of the source replace those of the store, and no content is removed. All are written again to a place that
        may have been left half written.
        """
        is_kept = store is self.stores.source and left_over is None
        if is_kept or not any(file.role in CONTENT_OF_ROLES for file in job.manifest.files):
            return {}, None
        present, are_all = _present_contents(store, now.key) if now else ((), True)
        has = _by_number(present)
        earlier = _by_number(_present_contents(store, left_over.key)[0]) if left_over else {}
        should = {**earlier, **has, **job.contents()}
        kept = should if are_all else {number: each for number, each in should.items() if number in has}
        is_whole = now is not None and now.manifest is not None and left_over is None
        return has, None if not should or (is_whole and kept == has) else should


def rewrite_all(
    rewriter: Rewriter,
    job_ids: Collection[JobId],
    wanted: JobFilter,
    *,
    concurrency: int,
    limit: int | None,
) -> Iterator[Rewritten]:
    """Rewrite these jobs, or without ids every job that `wanted` admits. Yields each result as soon as it is known.

    At most `limit` jobs are rewritten. Keys are listed as they are needed. After a pass over a whole store that skipped
    no job, the store notes that each job can be found by its id. Raises the error of a source that cannot be listed.
    """
    source = rewriter.stores.source
    is_whole = not job_ids and limit is None and wanted == JobFilter() and source in rewriter.stores.targets
    count = 0
    for rewritten in _rewrite_each(rewriter, job_ids, wanted, concurrency=concurrency, limit=limit):
        is_whole = is_whole and rewritten.outcome in {"changed", "unchanged"}
        count += 1
        yield rewritten
    if is_whole and count and not rewriter.dry_run:
        with time_limit(rewriter.deadline()):
            source.set_complete()


def _rewrite_each(
    rewriter: Rewriter,
    job_ids: Collection[JobId],
    wanted: JobFilter,
    *,
    concurrency: int,
    limit: int | None,
) -> Iterator[Rewritten]:
    if job_ids:
        steps = (partial(rewriter.rewrite_job, job_id, wanted) for job_id in job_ids)
    else:
        steps = (partial(rewriter.rewrite_at, key, wanted) for key in rewriter.stores.source.keys(wanted))
    left = limit or sys.maxsize
    work: AsCompleted[None, Rewritten | None] = AsCompleted()
    for step in steps:
        work.start(None, step)
        while work.under_way and work.under_way >= min(concurrency, left):
            for _, rewritten in work.ended(work.under_way - 1):
                if rewritten:
                    left -= 1
                    yield rewritten
        if not left:
            return
    yield from (rewritten for _, rewritten in work.ended() if rewritten)


def _guarded(job_id: JobId | None, key: str, step: Callable[[], Rewritten | None]) -> Rewritten | None:
    """Run a step of one job. An error becomes its result, so that the other jobs go on."""
    try:
        return step()
    except NotRewritableError as error:
        return Rewritten(job_id=job_id, place=key, outcome="left", reason=str(error))
    except IceResultError as error:
        failure = Failure.from_error(error)
    except Exception as error:  # noqa: BLE001  a bug that one job reveals
        failure = Failure.from_bug(error)
    return Rewritten(job_id=job_id, place=key, outcome="failed", reason=f"{failure.reason}: {failure.message}")


def _write_difference(difference: _Difference, job: _Rebuilt) -> None:
    """Write the documents that differ. The job under an earlier key is removed after the new one is complete."""
    store, now, would, left_over, _, contents = difference
    if now != would or contents is not None:
        all_contents = None if contents is None else [contents[number] for number in sorted(contents)]
        is_pointed_to = would.pointer == store.as_stored(job.record, job.manifest).pointer
        store.rewrite(job.record, job.manifest, now, all_contents, with_pointer=is_pointed_to)
    if left_over:
        store.remove(left_over.key)


def _changes(differences: Sequence[_Difference]) -> tuple[Change, ...]:
    for _, now, would, left_over, has, contents in differences:
        if old := now or left_over:
            return (
                *changes(parsed(old.record), parsed(would.record), "/record"),
                *changes(parsed(old.manifest), parsed(would.manifest), "/manifest"),
                *changes(parsed(old.pointer), parsed(would.pointer), "/pointer"),
                *changes(_shown(has), _shown(has if contents is None else contents), "/contents"),
            )
    return ()


def _present_contents(store: Store, key: str) -> tuple[Sequence[Content], bool]:
    """Read the contents under a key; False with those of a store for which others of the job were too large."""
    try:
        return store.contents_at(key), True
    except ContentsLeftOutError as error:
        return error.present, False


def _shown(contents: _Contents) -> JsonValue:
    return {str(number): {"uri": each.uri, "sha256": each.sha256} for number, each in contents.items()}


def _by_number(contents: Iterable[Content]) -> _Contents:
    return {content.number: content for content in contents}


def _rank(record: Record) -> tuple[int, bool]:
    """Return the order of two records of a job: of equal ones, that with a time of creation is better."""
    return record.standing, record.create_time is not None


def _new_key(store: Store, record: Record) -> str:
    return store.key_for(record.job_id, record.function_name, record.create_time)


def _key(store: Store, old: OldRecord) -> str:
    return store.key_for(old.job_id, old.function_name, old.create_time)
