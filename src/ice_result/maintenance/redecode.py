"""Stored jobs written again: as this version makes them, with facts of their files from where the caller says.

    source ──► record ──► raw, region ──► decode, build ──► record, manifest ──► each store that has other bytes
               manifest ──► facts of the files, stored or asked for anew ──┘      (the source last)

ICE is not asked. Stages three and four are those of the pipeline; the others are not: what is in a store is compared
first, and written only when it is different, so that a second run changes nothing. A run that was interrupted is
finished by the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple, Protocol, TypeAlias

from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JobId, Model
from ice_result.errors import IceResultError
from ice_result.maintenance.json_diff import Change, changes
from ice_result.maintenance.stored_versions import (
    NotRewritableError,
    OldRecord,
    is_later,
    json_of,
    read_job,
    read_record,
)
from ice_result.processing.failure import Failure
from ice_result.processing.process_job import record_of
from ice_result.records import (
    Manifest,
    ObjectFacts,
    OutputFiles,
    Record,
    build_manifest,
    shortfall,
)
from ice_result.sinks.base import JobFilter, Store, StoredBytes

RewrittenAs: TypeAlias = Literal["changed", "unchanged", "left", "failed"]


class Rewritten(Model):
    """What became of the job at one place, or with a dry run would; without a `job_id` it is not known which.

    `left` is left alone, for `reason`. `sinks` are those in which something is different, and `changes` what that is
    in the first of them that has the job; empty, the same values are written differently. `complete` is of the new
    manifest, and `incomplete` says in short why it is not.
    """

    job_id: str | None
    place: str
    outcome: RewrittenAs
    function_name: str | None = None
    complete: bool | None = None
    incomplete: str | None = None
    sinks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str | None = None


class FileFacts(Protocol):
    """Where the facts of a job's output files come from."""

    def of(self, stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts] | None:
        """The facts for its manifest; None when no file is to be looked up. Raises NotRewritableError.

        `stored` is the job in the source, then in the other stores, each read when it is come to.
        """
        ...


class RewrittenStores(NamedTuple):
    """Store that jobs are read from, and stores they are written to; `archives` may have parts too large for others."""

    source: Store
    targets: Sequence[Store]
    archives: Sequence[Store]


class _Made(NamedTuple):
    """A job made anew, and what it was made of."""

    stored: StoredBytes
    old: OldRecord
    record: Record
    manifest: Manifest


class _Difference(NamedTuple):
    """What a store has of a job, and what it should have; `left_over` is the same job at an earlier place."""

    store: Store
    now: StoredBytes | None
    would: StoredBytes
    left_over: StoredBytes | None


@dataclass(frozen=True)
class Rewriter:
    """Makes jobs anew, each within the time that `deadline` gives it; with `dry_run` nothing is written.

    `region` is for records of times that did not write one down.
    """

    stores: RewrittenStores
    facts: FileFacts
    region: str | None
    deadline: Callable[[], Deadline]
    dry_run: bool = False

    def job(self, job_id: JobId, wanted: JobFilter) -> Rewritten | None:
        """One job by its id, looked for among those that `wanted` may admit."""

        def find() -> Rewritten | None:
            with time_limit(self.deadline()):
                key = self.stores.source.key_of(job_id, wanted)
            if key is None:
                raise NotRewritableError("not_found", "the store has no such job")
            with time_limit(self.deadline()):
                return self._rewrite(key, wanted, job_id)

        return _guarded(job_id, job_id, find)

    def at(self, key: str, wanted: JobFilter) -> Rewritten | None:
        """The job that lies there; None when it is not one that `wanted` admits."""
        with time_limit(self.deadline()):
            return _guarded(None, key, lambda: self._rewrite(key, wanted, None))

    def _rewrite(self, key: str, wanted: JobFilter, asked: JobId | None) -> Rewritten | None:
        source = self.stores.source
        stored = source.stored(key)
        if stored is None:
            raise NotRewritableError("not_found", "the store has no such job")
        old = read_record(stored.record, self.region)
        if _key(source, old) != key or asked not in {None, old.job_id}:
            raise NotRewritableError("misplaced", "the record is of another job, or belongs to another place")

        def settle() -> Rewritten | None:
            is_whole = old.raw and stored.files_stored
            archived = None if is_whole else self._archived(stored, old)
            job = read_job(old, archived)
            record, files = record_of(job, old.region)
            if not wanted.admits(record):
                return None
            known = stored if stored.files_stored else archived or stored
            everywhere = chain([known], self._elsewhere(old))
            manifest = build_manifest(record, files, self.facts.of(everywhere, files))
            return self._settle(_Made(stored, old, record, manifest))

        return _guarded(old.job_id, key, settle)

    def _archived(self, stored: StoredBytes, old: OldRecord) -> StoredBytes | None:
        """All of a job that was too large for its store, from the store it points to; None when it is not there."""
        for store in self.stores.archives:
            if stored.raw_uri and stored.raw_uri.startswith(f"{store.url.rstrip('/')}/"):
                found = store.stored(_key(store, old))
                if found and read_record(found.record, self.region).job_id == old.job_id:
                    return found
        return None

    def _elsewhere(self, old: OldRecord) -> Iterator[StoredBytes]:
        for store in self.stores.targets:
            if store is not self.stores.source:
                found = store.stored(_key(store, old))
                if found and not is_later(found):
                    yield found

    def _settle(self, made: _Made) -> Rewritten:
        """All stores are compared before the first is written."""
        compared = (self._difference(store, made) for store in self.stores.targets)
        differences = [difference for difference in compared if difference]
        if not self.dry_run:
            # The source last: what it was found by stays until all the others have it.
            for difference in sorted(differences, key=lambda each: each.store is self.stores.source):
                _write(difference, made)
        return Rewritten(
            job_id=made.record.job_id,
            place=made.stored.key,
            outcome="changed" if differences else "unchanged",
            function_name=made.record.function_name,
            complete=made.manifest.complete,
            incomplete=shortfall(made.record, made.manifest),
            sinks=tuple(difference.store.url for difference in differences),
            changes=_changes(differences) if self.dry_run else (),
        )

    def _difference(self, store: Store, made: _Made) -> _Difference | None:
        would = store.as_stored(made.record, made.manifest)
        is_source = store is self.stores.source
        now = made.stored if is_source and would.key == made.stored.key else store.stored(would.key)
        earlier = _key(store, made.old)
        left_over = None if earlier == would.key else store.stored(earlier)
        if now and (is_later(now) or now.generation > would.generation):
            raise NotRewritableError("newer", f"{store.url} has a later writing of the job")
        return None if now == would and left_over is None else _Difference(store, now, would, left_over)


def rewrite_all(
    rewriter: Rewriter,
    job_ids: Iterable[JobId],
    wanted: JobFilter,
    *,
    concurrency: int,
    limit: int | None,
) -> Iterator[Rewritten]:
    """Make these jobs anew, or without ids all that `wanted` admits, and tell of each as soon as it is done.

    No more than `limit` are touched. Places are read as there is room for them. Raises what the source raises when it
    cannot be listed.
    """
    steps: Iterator[Callable[[], Rewritten | None]] = (partial(rewriter.job, id_, wanted) for id_ in job_ids)
    first = next(steps, None)
    if first is None:
        keys = rewriter.stores.source.keys(wanted)
        return _side_by_side((partial(rewriter.at, key, wanted) for key in keys), concurrency, limit)
    return _side_by_side(chain((first,), steps), concurrency, limit)


def _side_by_side(
    steps: Iterator[Callable[[], Rewritten | None]], concurrency: int, limit: int | None
) -> Iterator[Rewritten]:
    left = limit or sys.maxsize
    under_way: AsCompleted[None, Rewritten | None] = AsCompleted()
    for step in steps:
        under_way.start(None, step)
        while under_way.under_way and under_way.under_way >= min(concurrency, left):
            for _, rewritten in under_way.ended(under_way.under_way - 1):
                if rewritten:
                    left -= 1
                    yield rewritten
        if not left:
            return
    yield from (rewritten for _, rewritten in under_way.ended() if rewritten)


def _guarded(job_id: JobId | None, key: str, step: Callable[[], Rewritten | None]) -> Rewritten | None:
    """Whatever one job is like, the others have their turn."""
    try:
        return step()
    except NotRewritableError as error:
        return Rewritten(job_id=job_id, place=key, outcome="left", reason=str(error))
    except IceResultError as error:
        stopped = Failure.from_error(error)
    except Exception as error:  # noqa: BLE001  our own mistake in one job
        stopped = Failure.from_bug(error)
    return Rewritten(job_id=job_id, place=key, outcome="failed", reason=f"{stopped.reason}: {stopped.message}")


def _write(difference: _Difference, made: _Made) -> None:
    """Only what is other; what lies at an earlier place goes when the new one is complete."""
    store, now, would, left_over = difference
    if now is None or now.record != would.record:
        store.stage(made.record)
    if now != would:
        store.commit(made.record, made.manifest)
    if left_over and store.capabilities.several_keys:
        store.remove(left_over.key)


def _changes(differences: Sequence[_Difference]) -> tuple[Change, ...]:
    for _, now, would, left_over in differences:
        if old := now or left_over:
            return (
                *changes(json_of(old.record), json_of(would.record), "/record"),
                *changes(json_of(old.manifest), json_of(would.manifest), "/manifest"),
            )
    return ()


def _key(store: Store, old: OldRecord) -> str:
    return store.key_for(old.job_id, old.function_name, old.create_time)
