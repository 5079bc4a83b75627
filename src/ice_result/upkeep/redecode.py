"""Records and manifests made anew from the responses that are stored in them: ICE is not asked.

    source ──► record, manifest ──► raw, region, what OSS said ──► decode, build ──► each store that holds other bytes
                                                                                     (the source last)

For when a new version of this program reads more out of a response. Stages three and four are those of the pipeline;
the others are not: what stands in a store is compared first, and written only when it is other, so that a second run
changes nothing. A run that was interrupted is finished by the next one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal, NamedTuple, TypeAlias

from ice_result.addresses import ObjectAddress
from ice_result.calls import Deadline
from ice_result.errors import IceResultError
from ice_result.records import (
    Manifest,
    ObjectFacts,
    ObjectInspector,
    Record,
    build_manifest,
    build_record,
    output_files,
)
from ice_result.results import decode
from ice_result.sinks.catalogue import Holdings, JobFilter, Removes, Stored
from ice_result.sinks.model import Sink
from ice_result.stopped import Stopped
from ice_result.upkeep.changes import Change, changes
from ice_result.upkeep.old_records import NotRedecodableError, Old, OldRecord, is_later, json_of, read_job, read_record
from ice_result.values import JobId, JsonObject, Model

RedecodedAs: TypeAlias = Literal["changed", "unchanged", "left", "failed"]
_LOOKAHEAD = 2  # jobs begun for each that is worked on
_NOT_LOOKED_UP = ObjectFacts(
    exists=None,
    problem="not_checked",
    message="named by the response as it is read now, and not looked up: verification of outputs is switched off",
)


class Redecoded(Model):
    """What became of the job at one place, or with a dry run would; without a `job_id` it is not known which.

    `left` is left alone, for `reason`. `sinks` are those in which something is other, and `changes` what that is in
    the first of them that has the job; empty, the same values are written differently.
    """

    job_id: str | None
    place: str
    outcome: RedecodedAs
    function_name: str | None = None
    sinks: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str | None = None


class Shelf(NamedTuple):
    """A store as it is written to, and as it is read."""

    sink: Sink
    holdings: Holdings


class Shelves(NamedTuple):
    """Where jobs are read from, and where they are written to; `archives` may have what others could not keep."""

    source: Shelf
    targets: Sequence[Shelf]
    archives: Sequence[Shelf]


class _Made(NamedTuple):
    """A job made anew, and what it was made of."""

    stored: Stored
    old: OldRecord
    record: Record
    manifest: Manifest


class _Difference(NamedTuple):
    """What a store has of a job, and what it should have; `left_over` is the same job at an earlier place."""

    shelf: Shelf
    now: Stored | None
    would: Stored
    left_over: Stored | None


@dataclass(frozen=True)
class Redecoder:
    """Makes jobs anew, each within the time that `deadline` gives it; with `dry_run` nothing is written.

    `region` is for records of times that did not write one down. `inspector` looks up files that the manifest does
    not know; without one they are not looked up.
    """

    shelves: Shelves
    inspector: ObjectInspector | None
    region: str | None
    deadline: Callable[[], Deadline]
    dry_run: bool = False

    def job(self, job_id: JobId, wanted: JobFilter) -> Redecoded | None:
        """One job by its id, looked for among those that `wanted` may admit."""

        def find() -> Redecoded | None:
            place = self.shelves.source.holdings.place_of(job_id, wanted, self.deadline())
            if place is None:
                raise NotRedecodableError("not_found", "the store has no such job")
            return self._redecode(place, wanted, job_id)

        return _guarded(job_id, job_id, find)

    def at(self, place: str, wanted: JobFilter) -> Redecoded | None:
        """The job that lies there; None when it is not one that `wanted` admits."""
        return _guarded(None, place, lambda: self._redecode(place, wanted, None))

    def _redecode(self, place: str, wanted: JobFilter, asked: JobId | None) -> Redecoded | None:
        deadline, source = self.deadline(), self.shelves.source
        stored = source.holdings.stored(place, deadline)
        if stored is None:
            raise NotRedecodableError("not_found", "the store has no such job")
        old = read_record(stored.record, self.region)
        if _place(source, old) != place or asked not in {None, old.job_id}:
            raise NotRedecodableError("misplaced", "the record is of another job, or belongs to another place")

        def settle() -> Redecoded | None:
            job = read_job(stored, old, lambda: self._whole(stored, old, deadline))
            record, manifest = self._build(job, deadline)
            if not wanted.admits(record):
                return None
            return self._settle(_Made(stored, old, record, manifest), deadline)

        return _guarded(old.job_id, place, settle)

    def _whole(self, stored: Stored, old: OldRecord, deadline: Deadline) -> JsonObject:
        """The response of a record that was too large for its store, from the store it points to."""
        for shelf in self.shelves.archives:
            if stored.raw_uri and stored.raw_uri.startswith(f"{shelf.sink.url.rstrip('/')}/"):
                found = shelf.holdings.stored(_place(shelf, old), deadline)
                whole = read_record(found.record, self.region) if found else None
                if whole and whole.job_id == old.job_id:
                    return whole.raw
        return {}

    def _build(self, old: Old, deadline: Deadline) -> tuple[Record, Manifest]:
        job = old.job
        decoded = decode(job.function_name, job.result, job.output_bucket)
        files = output_files(job, decoded)
        record = build_record(job, decoded, files, old.region)
        if old.facts is None:
            return record, build_manifest(record, files, None)
        addresses = [file.address for file in files.files if file.address]
        facts = {address: old.facts.get(address.uri) or self._look_up(address, deadline) for address in addresses}
        return record, build_manifest(record, files, facts)

    def _look_up(self, address: ObjectAddress, deadline: Deadline) -> ObjectFacts:
        return self.inspector.facts(address, deadline) if self.inspector else _NOT_LOOKED_UP

    def _settle(self, made: _Made, deadline: Deadline) -> Redecoded:
        """All stores are compared before the first is written."""
        compared = (self._difference(shelf, made, deadline) for shelf in self.shelves.targets)
        differences = [difference for difference in compared if difference]
        if not self.dry_run:
            # The source last: what it was found by stays until all the others have it.
            for difference in sorted(differences, key=lambda each: each.shelf.sink is self.shelves.source.sink):
                _write(difference, made, deadline)
        return Redecoded(
            job_id=made.record.job_id,
            place=made.stored.place,
            outcome="changed" if differences else "unchanged",
            function_name=made.record.function_name,
            sinks=tuple(difference.shelf.sink.url for difference in differences),
            changes=_changes(differences) if self.dry_run else (),
        )

    def _difference(self, shelf: Shelf, made: _Made, deadline: Deadline) -> _Difference | None:
        holdings = shelf.holdings
        would = holdings.as_stored(made.record, made.manifest)
        is_source = shelf.sink is self.shelves.source.sink
        now = made.stored if is_source and would.place == made.stored.place else holdings.stored(would.place, deadline)
        earlier = _place(shelf, made.old)
        left_over = None if earlier == would.place else holdings.stored(earlier, deadline)
        if now and (is_later(now) or now.generation > would.generation):
            raise NotRedecodableError("newer", f"{shelf.sink.url} has a later writing of the job")
        return None if now == would and left_over is None else _Difference(shelf, now, would, left_over)


def redecode_all(
    redecoder: Redecoder,
    job_ids: Iterable[JobId],
    wanted: JobFilter,
    *,
    concurrency: int,
    limit: int | None,
    deadline: Deadline,
) -> Iterator[Redecoded]:
    """Make these jobs anew, or without ids all that `wanted` admits, and tell of each as soon as it is done.

    No more than `limit` are touched. Places are read as there is room for them. Raises what the source raises when it
    cannot be listed.
    """
    steps: Iterator[Callable[[], Redecoded | None]] = (partial(redecoder.job, id_, wanted) for id_ in job_ids)
    first = next(steps, None)
    if first is None:
        places = redecoder.shelves.source.holdings.places(wanted, deadline)
        return _side_by_side((partial(redecoder.at, place, wanted) for place in places), concurrency, limit)
    return _side_by_side(chain((first,), steps), concurrency, limit)


def _side_by_side(
    steps: Iterator[Callable[[], Redecoded | None]], concurrency: int, limit: int | None
) -> Iterator[Redecoded]:
    done, most = 0, limit or sys.maxsize
    under_way: set[Future[Redecoded | None]] = set()
    workers = ThreadPoolExecutor(concurrency, thread_name_prefix="redecode")
    try:
        for step in steps:
            under_way.add(workers.submit(step))
            while under_way and len(under_way) >= min(concurrency * _LOOKAHEAD, most - done):
                for redecoded in _ended(under_way):
                    done += 1
                    yield redecoded
            if done >= most:
                return
        while under_way:
            yield from _ended(under_way)
    finally:
        workers.shutdown(cancel_futures=True)


def _ended(under_way: set[Future[Redecoded | None]]) -> Iterator[Redecoded]:
    """Those that end next, which are then no longer under way."""
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        under_way.remove(future)
        if redecoded := future.result():
            yield redecoded


def _guarded(job_id: JobId | None, place: str, step: Callable[[], Redecoded | None]) -> Redecoded | None:
    """Whatever one job is like, the others have their turn."""
    try:
        return step()
    except NotRedecodableError as error:
        return Redecoded(job_id=job_id, place=place, outcome="left", reason=str(error))
    except IceResultError as error:
        stopped = Stopped.by(error)
    except Exception as error:  # noqa: BLE001  our own mistake in one job
        stopped = Stopped.by_defect(error)
    return Redecoded(job_id=job_id, place=place, outcome="failed", reason=f"{stopped.reason}: {stopped.message}")


def _write(difference: _Difference, made: _Made, deadline: Deadline) -> None:
    """Only what is other; what lies at an earlier place goes when the new one is complete."""
    shelf, now, would, left_over = difference
    if now is None or now.record != would.record:
        shelf.sink.stage(made.record, deadline)
    if now != would:
        shelf.sink.commit(made.record, made.manifest, deadline)
    if left_over and isinstance(shelf.holdings, Removes):
        shelf.holdings.remove(left_over.place, deadline)


def _changes(differences: Sequence[_Difference]) -> tuple[Change, ...]:
    for _, now, would, left_over in differences:
        if old := now or left_over:
            return (
                *changes(json_of(old.record), json_of(would.record), "/record"),
                *changes(json_of(old.manifest), json_of(would.manifest), "/manifest"),
            )
    return ()


def _place(shelf: Shelf, old: OldRecord) -> str:
    return shelf.holdings.place_as(old.job_id, old.function_name, old.create_time)
