"""Records and manifests as objects, one line of JSON each, in any store that keeps bytes under keys.

A job is looked up by its pointer. In a store without the mark (see pointers.py), a job without a pointer is looked for
in the partitions that can have it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import ValidationError
from typing_extensions import override

from ice_result.core.calls import begin, in_order, result_of
from ice_result.core.types import JobId, Model
from ice_result.errors import IceResultError, StorageError, shorten
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import (
    OBJECTS,
    Addresses,
    JobFilter,
    JobLine,
    Near,
    Store,
    StoredBytes,
    StoredJob,
    WrittenJob,
)
from ice_result.sinks.object.acknowledgements import read_acknowledged, write_acknowledged
from ice_result.sinks.object.days import BEFORE_ALL, days_around, first_day, time_before
from ice_result.sinks.object.layout import NO_VALUE, Layout, file_name, function_partition
from ice_result.sinks.object.pointers import Pointers
from ice_result.sinks.object.record_times import ListedRecord, listings, with_manifests
from ice_result.sinks.object.store import ObjectStore, line
from ice_result.sinks.object.stored_contents import StoredContents
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Listed

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_CLOCK_DIFFERENCE = timedelta(hours=1)
"""Most by which the clocks of ICE and of a store can differ, with room to spare: services refuse less [inferred]."""
_AT_ONCE = 16
F = TypeVar("F")
T = TypeVar("T", bound=Model)
_log = logging.getLogger(__name__)


class _Partition(NamedTuple):
    """Start of the keys of a function's jobs of one day; the day None is for jobs without a CreateTime."""

    folder: str
    day: date | None


class ObjectStoreSink(Store):
    """Store of records and manifests over any object store, with parked events beside them.

    Foreign and damaged objects are skipped with a warning.
    """

    capabilities = OBJECTS

    def __init__(self, url: str, store: ObjectStore, layout: Layout) -> None:
        self.url = url
        self.store = store
        self.layout = layout
        self._pointers = Pointers(store, layout)
        self._contents = StoredContents(store, layout)

    @override
    def load(self) -> None:
        self.store.load()

    @override
    def check_exists(self) -> None:
        self.store.check_exists(self.url)

    @property
    @override
    def parking(self) -> ParkedEvents:
        return ParkedEvents(self.url, self.store, self.layout)

    @override
    def addresses(self, record: Record) -> Addresses:
        layout = self.layout
        key = layout.record(record)
        keys = (key, layout.manifest_of(key), layout.contents_of(key))
        return Addresses(*map(self.store.address, keys))

    @override
    def stage(self, record: Record) -> None:
        """Write the record, and in parallel the pointer to it."""
        pointing = begin(lambda: self._pointers.write(record))
        try:
            self._put_record(record)
        except IceResultError:
            with suppress(IceResultError):  # the record's error says enough
                result_of(pointing)
            raise
        result_of(pointing)

    @override
    def stage_contents(self, record: Record, contents: Sequence[Content], *, are_all: bool = True) -> None:
        self._contents.write(self.layout.record(record), contents, are_all=are_all)

    @override
    def contents_at(self, key: str) -> tuple[Content, ...]:
        return self._contents.read(key)

    @override
    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Write the manifest, in the partition of its record. The contents are written before."""
        self.store.put(self.layout.manifest(record), line(manifest))

    @override
    def key_for(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        return self.layout.record_of(job_id, function_name, create_time)

    @override
    def as_stored(self, record: Record, manifest: Manifest) -> StoredBytes:
        """Return a line of JSON for each."""
        pointer = self._pointers.bytes_for(record)
        return StoredBytes(self.layout.record(record), line(record), line(manifest), pointer=pointer)

    @override
    def rewrite(
        self,
        record: Record,
        manifest: Manifest,
        now: StoredBytes | None,
        contents: Sequence[Content] | None = None,
        *,
        with_pointer: bool = True,
    ) -> None:
        """Write the documents that differ from those of `now`.

        The pointer is the last: it leads to an earlier place of the job until the new one is complete.
        """
        would = self.as_stored(record, manifest)
        if now is None or now.record != would.record:
            self._put_record(record)
        if contents:
            self.stage_contents(record, contents)
        if now is None or now.manifest != would.manifest:
            self.commit(record, manifest)
        if with_pointer and (now is None or now.pointer != would.pointer):
            self._pointers.write(record)

    @override
    def pointed(self, job_id: JobId, pointer: bytes | None) -> StoredBytes | None:
        key = self._pointers.record_key(job_id, pointer)
        return self.stored(key) if key else None

    @override
    def remove(self, key: str) -> None:
        """Remove the manifest first: a record alone is one of a job that is not done with. The pointer stays."""
        self.store.delete(self.layout.manifest_of(key))
        self._contents.remove(key)
        self.store.delete(key)

    @override
    def set_complete(self) -> None:
        """Set the mark that every job has a pointer."""
        self._pointers.set_complete()

    @override
    def versioning(self) -> str | None:
        return self.store.versioning()

    def _put_record(self, record: Record) -> None:
        self._pointers.before_first_record()
        self.store.put(self.layout.record(record), line(record))

    @override
    def acknowledged(self, job_id: JobId) -> dict[str, str]:
        return read_acknowledged(self.store, self.layout, job_id)

    @override
    def acknowledge(self, job_id: JobId, told: Mapping[str, str]) -> None:
        write_acknowledged(self.store, self.layout, job_id, told)

    # Looking up

    @override
    def find(self, job_id: JobId, near: Near | None = None) -> StoredJob | None:
        """Follow the pointer of a job: three reads, or two when it is not there.

        Without the mark, a job without a pointer is looked for in each partition, the newest first. With `near`, only
        the days around its time are read; with its function too, nothing is listed.
        """
        key = self._pointed(job_id)
        record = self._record(key) if key else None
        if record is None and not self._pointers.is_complete():
            partitions = self._partitions(self._functions(None)) if near is None else self._partitions_near(near)
            record = _first(self._record, partitions, job_id)
        return StoredJob(record, self._manifest(record)) if record else None

    @override
    def recorded(self, record: Record) -> Record | None:
        """Read the record where this one belongs, or else where the pointer of its job leads."""
        present = self._parsed(self.layout.record(record), Record)
        if present is None and (key := self._pointed(record.job_id)):
            present = self._parsed(key, Record)
        return present

    @override
    def verified(self, record: Record) -> Manifest | None:
        return self._parsed(self.layout.manifest(record), Manifest)

    @override
    def job_at(self, key: str) -> StoredJob | None:
        record = self._record(key)
        return StoredJob(record, self._manifest(record)) if record else None

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the newest day first, and within a day the last to finish first. A day is read when its turn comes."""

        def read(key: str) -> JobLine | None:
            record = self._record(key)
            job = self._admitted(record, wanted) if record else None
            return job.line if job else None

        for _, of_one_day in groupby(self._partitions_of(wanted), key=lambda partition: partition.day):
            lines = in_order(read, self._keys(of_one_day), _AT_ONCE)
            yield from sorted((line for line in lines if line), key=_newest, reverse=True)

    @override
    def written_jobs(self, wanted: JobFilter) -> Iterator[WrittenJob]:
        """List the newest day first. A record that was written before `since` is not read: its job ended before."""
        earliest = time_before(wanted.since, _CLOCK_DIFFERENCE)

        def read(listed: ListedRecord) -> WrittenJob | None:
            record = self._record(listed.key)
            if record is None:  # damaged, or removed meanwhile
                return None if self.store.get(listed.key) is None else WrittenJob(None, None)
            job = self._admitted(record, wanted)
            if job is None:
                return None
            return WrittenJob(job.line, listed.manifest_written, job.manifest.output_seconds if job.manifest else None)

        folders = [each.folder for each in self._partitions_of(wanted)]
        both = listings(self.store.list, chain.from_iterable((each, self.layout.manifest_of(each)) for each in folders))
        pairs = (with_manifests(_records(records), next(both), self.layout.manifest_of) for records in both)
        recent = (each for pair in pairs for each in pair if each.written >= earliest)
        yield from filter(None, in_order(read, recent, _AT_ONCE))

    @override
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List the newest day first; of the time only the day of creation is known here."""
        yield from self._keys(self._partitions_of(wanted))

    @override
    def stored(self, key: str) -> StoredBytes | None:
        """Read the record, the manifest beside it, and the pointer of its job: three calls."""
        record = self.store.get(key)
        if record is None:
            return None
        pointer = self.store.get(self.layout.pointer_beside(key))
        return StoredBytes(key, record, self._manifest_bytes(key), pointer=pointer)

    @override
    def stored_job(self, job_id: JobId, wanted: JobFilter) -> StoredBytes | None:
        """Follow the pointer: three calls. Without the mark, a job without one is looked for as `find` does."""
        pointer = self._pointers.read(job_id)
        key = self._pointers.record_key(job_id, pointer)
        record = self.store.get(key) if key else None
        if key and record is not None:
            return StoredBytes(key, record, self._manifest_bytes(key), pointer=pointer)
        if self._pointers.is_complete():
            return None

        def there(key: str) -> tuple[str, bytes] | None:
            found = self.store.get(key)
            return None if found is None else (key, found)

        found = _first(there, self._partitions_of(wanted), job_id)
        return StoredBytes(*found, self._manifest_bytes(found[0]), pointer=pointer) if found else None

    def _pointed(self, job_id: JobId) -> str | None:
        return self._pointers.record_key(job_id, self._pointers.read(job_id))

    def _manifest_bytes(self, record_key: str) -> bytes | None:
        return self.store.get(self.layout.manifest_of(record_key))

    def _partitions_of(self, wanted: JobFilter) -> list[_Partition]:
        return self._partitions(self._functions(wanted.function_name), first_day(wanted.since))

    def _partitions_near(self, near: Near) -> list[_Partition]:
        """Return the partitions in which a job can be, the likeliest first."""
        if near.time is None:
            return []
        functions = self._functions(near.function_name)
        return [
            _Partition(self.layout.folder("records", function, f"dt={day.isoformat()}"), day)
            for day in days_around(near.time)
            for function in functions
        ]

    def _functions(self, function_name: str | None) -> list[str]:
        """Return the outer folder of a function's jobs; without a name, the folders of all functions."""
        if function_name is not None:
            return [function_partition(function_name)]
        return [*self.store.children(self.layout.folder("records"))]

    def _partitions(self, functions: Iterable[str], first: date = date.min) -> list[_Partition]:
        """List the partitions of these functions from the `first` day on, and those without a day; newest first."""

        def days(function: str) -> list[_Partition]:
            names = self.store.children(self.layout.folder("records", function))
            return [partition for name in names if (partition := self._partition(function, name))]

        found = chain.from_iterable(in_order(days, functions, _AT_ONCE))
        kept = [partition for partition in found if partition.day is None or partition.day >= first]
        return sorted(kept, key=lambda partition: partition.day or date.min, reverse=True)

    def _partition(self, function: str, name: str) -> _Partition | None:
        folder = self.layout.folder("records", function, name)
        column, _, day = name.partition("=")
        if name == f"dt={NO_VALUE}":
            return _Partition(folder, None)
        try:
            if column == "dt":
                return _Partition(folder, date.fromisoformat(day))
        except ValueError:
            pass
        _skipped(f"{function}/{name}/", "not a partition of ours")
        return None

    def _keys(self, partitions: Iterable[_Partition]) -> Iterator[str]:
        for partition in partitions:
            yield from (key for key, _ in _records(chain.from_iterable(self.store.list(partition.folder))))

    def _admitted(self, record: Record, wanted: JobFilter) -> StoredJob | None:
        """Return the job with its manifest; None for a job that `wanted` does not admit."""
        if not wanted.admits(record):
            return None
        job = StoredJob(record, self._manifest(record))
        return job if wanted.admits(job.line) else None

    def _record(self, key: str) -> Record | None:
        record = self._read(key, Record)
        if record is None or self.layout.record(record) == key:
            return record
        _skipped(key, "the record of another job, or of another partition")
        return None

    def _manifest(self, record: Record) -> Manifest | None:
        return self._read(self.layout.manifest(record), Manifest)

    def _read(self, key: str, model: type[T]) -> T | None:
        """Read a document; None, with a warning, for one that this version cannot read."""
        try:
            return self._parsed(key, model)
        except StorageError as error:
            _log.warning("skipped %s", error)
            return None

    def _parsed(self, key: str, model: type[T]) -> T | None:
        """Read a document; None when there is none. Raises StorageError for one that this version cannot read."""
        data = self.store.get(key)
        try:
            return None if data is None else model.model_validate_json(data)
        except ValidationError as error:
            what = f"a damaged {model.__name__.lower()}, or one of another version"
            raise StorageError(f"{shorten(key)}: {what}") from error


def _first(read: Callable[[str], F | None], partitions: Iterable[_Partition], job_id: JobId) -> F | None:
    """Return the first value that is found under the key of a job in one of the partitions."""
    keys = (f"{partition.folder}{file_name(job_id)}" for partition in partitions)
    return next((value for value in in_order(read, keys, _AT_ONCE) if value is not None), None)


def _newest(line: JobLine) -> tuple[datetime, str]:
    return line.finish_time or line.create_time or BEFORE_ALL, line.job_id


def _records(listed: Iterable[Listed]) -> Iterator[Listed]:
    for each in listed:
        if each.key.endswith(".json"):
            yield each
        else:
            _skipped(each.key, "not a record's name")


def _skipped(key: str, why: str) -> None:
    _log.warning("skipped %s: %s", shorten(key), why)
