"""The record and the manifest of one job into all sinks, in two rounds of calls that go out together:

    look up each output file ──► commit to every sink (the manifest)
    stage in every sink (the record)

No event takes back what an earlier one found out. So before a record that says less than one may that is stored, and
before a manifest that is not complete, each sink is read:

    a better record, or a complete manifest of the same files ──► stays, and is copied to the sinks without one
    the sink cannot be read                                   ──► nothing is written there: it refuses the job
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from ice_result.core.calls import begin, in_order, result_of
from ice_result.core.deadline import current_deadline, time_limit
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.threads import Task
from ice_result.errors import IceResultError, StorageError, TimedOutError
from ice_result.processing.event_log import StageTimer
from ice_result.records import Manifest, ObjectFacts, ObjectInspector, OutputFiles, Record, build_manifest
from ice_result.records.model import SETTLED
from ice_result.sinks.base import Addresses, Catalogue, Found, Loads, ParkingLot, Sink
from ice_result.sinks.registry import catalogue_of, holdings_of

T = TypeVar("T")
CALLS_PER_JOB = 4
"""How many calls one job may have under way at once."""
_SHARE_FOR_LOOKING_UP = 0.5  # of a job's time: a store that does not answer must not cost what is written after it


class Stores(NamedTuple):
    """Everything the last two stages talk to."""

    sinks: Sequence[Sink]
    lots: Sequence[ParkingLot]
    inspector: ObjectInspector | None


class Target(NamedTuple):
    """The sinks that a job is for, and what times its stages."""

    sinks: Sequence[Sink]
    timer: StageTimer


class Written(NamedTuple):
    """What the sinks have of a job now: `record` and `manifest`, at these addresses.

    `refused` holds the error of each sink that the job is for and that lacks it. `files_missing` says that a job that
    succeeded is recorded without any of its files, and was not before.
    """

    record: Record
    manifest: Manifest
    addresses: Mapping[Sink, Addresses]
    refused: Mapping[Sink, IceResultError]
    files_missing: bool = False


class JobWriter:
    """Writes one job after the other; any number of threads may use it at once."""

    def __init__(self, stores: Stores, *, concurrency: int) -> None:
        self._stores = stores
        self._most_calls = concurrency * CALLS_PER_JOB
        self._lock = threading.Lock()
        self._writing = 0

    def load(self, *others: object) -> None:
        """Begin to make the stores ready, and `others`. What cannot be loaded is reported when it is used."""
        stores = self._stores
        for part in (*others, stores.inspector, *stores.sinks, *stores.lots):
            if isinstance(part, Loads):
                begin(part.load)

    def write(self, record: Record, files: OutputFiles, target: Target) -> Written:
        """Look the files up, and write record and manifest; less than all only where no better ones are stored."""

        def manifest() -> Manifest:
            return build_manifest(record, files, self._facts(files, target.timer))

        with self._lock:
            self._writing += 1
        try:
            return self._write_unless_better(record, manifest, target)
        finally:
            with self._lock:
                self._writing -= 1

    def copy(self, found: Found, target: Target) -> Written:
        """Write what another sink has, but not in place of better ones.

        Raises StorageError for a record without a manifest.
        """
        manifest = _manifest_of(found.record, found.manifest)
        return self._write_unless_better(found.record, lambda: manifest, target)

    def _write_unless_better(self, record: Record, manifest: Callable[[], Manifest], target: Target) -> Written:
        if record.standing == SETTLED:
            return self._write(record, manifest, target)
        stored, unreadable = self._read_all(lambda catalogue: catalogue.recorded(record))
        better = {sink: there for sink, there in stored.items() if there and there.standing > record.standing}
        readable = target._replace(sinks=[sink for sink in target.sinks if sink not in unreadable])
        written = self._keep(better, readable) if better else self._write(record, manifest, readable)
        refused = {sink: error for sink, error in unreadable.items() if sink in target.sinks}
        return written._replace(
            refused={**written.refused, **refused},
            files_missing=bool(written.addresses)
            and written.record.outcome == "outputs_missing"
            and not any(there and there.standing >= written.record.standing for there in stored.values()),
        )

    def _keep(self, better: Mapping[Sink, Record], target: Target) -> Written:
        """Leave the best of these records, and the manifest beside it, as they are; the other sinks get a copy.

        Raises StorageError when none of the sinks has both, and can give all of it where it must be copied.
        """
        best = max(record.standing for record in better.values())
        having = {sink: record for sink, record in better.items() if record.standing == best}
        lacking = [sink for sink in target.sinks if sink not in having]
        errors: list[IceResultError] = []
        for source, record in having.items():
            try:
                found = self._found_in(source, record, is_copied=bool(lacking))
                manifest = _manifest_of(found.record, found.manifest)
            except IceResultError as error:
                errors.append(error)
                if isinstance(error, _WithoutManifestError) and source in target.sinks:
                    lacking.append(source)
                continue
            there = {sink: sink.addresses(record) for sink in target.sinks if sink not in lacking}
            if not lacking:
                return Written(found.record, manifest, there, {})
            copied = self._write(found.record, lambda: manifest, target._replace(sinks=lacking))  # noqa: B023
            return copied._replace(addresses={**there, **copied.addresses})
        raise errors[0]

    def _found_in(self, source: Sink, record: Record, *, is_copied: bool) -> Found:
        """What the source has of the job: all of it when it is to be copied, or it raises."""
        if not is_copied:
            return Found(record, catalogue_of(source).verified(record))
        place = holdings_of(source).place_as(record.job_id, record.function_name, record.create_time)
        return catalogue_of(source).found_at(place) or Found(record, None)

    def _write(self, record: Record, manifest_of_record: Callable[[], Manifest], target: Target) -> Written:
        with target.timer.stage("stage"):
            staging = {sink: begin(partial(sink.stage, record)) for sink in target.sinks}
            manifest = manifest_of_record()
            staged, refused = _gather(staging)
        with target.timer.stage("commit"):
            kept, unreadable = self._complete_ones(record, manifest)
            refused |= {sink: error for sink, error in unreadable.items() if sink in staged}
            manifest = next(iter(kept.values()), manifest)
            committed, refused_later = self._on_each(
                [sink for sink in staged if sink not in refused],
                lambda sink: sink.commit(record, kept.get(sink, manifest)),
            )
        there = {sink: sink.addresses(record) for sink in committed}
        return Written(record, manifest, there, {**refused, **refused_later})

    def _complete_ones(
        self, record: Record, manifest: Manifest
    ) -> tuple[dict[Sink, Manifest], dict[Sink, IceResultError]]:
        """Read the complete manifests of the same files that are stored, where `manifest` is not complete.

        Returns them, and the errors of the sinks that cannot be read.
        """
        if manifest.complete or not manifest.files or record.outcome != "ok":
            return {}, {}
        with time_limit(current_deadline().part(_SHARE_FOR_LOOKING_UP)):
            stored, unreadable = self._read_all(lambda catalogue: catalogue.verified(record))
        complete = {
            sink: there for sink, there in stored.items() if there and there.complete and _same_files(there, manifest)
        }
        return complete, unreadable

    def _facts(self, files: OutputFiles, timer: StageTimer) -> dict[ObjectAddress, ObjectFacts] | None:
        inspector = self._stores.inspector
        if inspector is None:
            return None
        addresses = [file.address for file in files.files if file.address]
        at_once = max(CALLS_PER_JOB, self._most_calls // max(1, self._writing))
        with timer.stage("look_up"), time_limit(current_deadline().part(_SHARE_FOR_LOOKING_UP)):
            return dict(
                zip(addresses, in_order(inspector.facts, addresses, at_once, hanging=_unreachable), strict=True)
            )

    def _read_all(self, read: Callable[[Catalogue], T]) -> tuple[dict[Sink, T], dict[Sink, IceResultError]]:
        """Read in each sink, whether the job is for it or not; and the errors of those that cannot be read."""
        return self._on_each(self._stores.sinks, lambda sink: read(catalogue_of(sink)))

    def _on_each(
        self, sinks: Iterable[Sink], call: Callable[[Sink], T]
    ) -> tuple[dict[Sink, T], dict[Sink, IceResultError]]:
        return _gather({sink: begin(partial(call, sink)) for sink in sinks})


class _WithoutManifestError(StorageError):
    """A function was killed between the record and the manifest."""


def _manifest_of(record: Record, manifest: Manifest | None) -> Manifest:
    if manifest is None:
        what = f"job {record.job_id}: its stored record has no manifest beside it"
        raise _WithoutManifestError(f"{what}; `ice-result verify {record.job_id}` makes one")
    return manifest


def _same_files(one: Manifest, other: Manifest) -> bool:
    """Whether both are of the same files, in whatever order ICE named them."""
    return {file.uri for file in one.files} == {file.uri for file in other.files}


def _unreachable(error: TimedOutError) -> ObjectFacts:
    return ObjectFacts(exists=None, problem="unreachable", message=str(error))


def _gather(calls: Mapping[Sink, Task[T]]) -> tuple[dict[Sink, T], dict[Sink, IceResultError]]:
    """Wait for all calls; return what each sink answered, and the errors of those that refused."""
    answers: dict[Sink, T] = {}
    refused: dict[Sink, IceResultError] = {}
    for sink, call in calls.items():
        try:
            answers[sink] = result_of(call)
        except IceResultError as error:
            refused[sink] = error
    return answers, refused
