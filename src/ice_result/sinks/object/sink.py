"""Records and manifests as objects, one line of JSON each, in any store that keeps bytes under keys.

A job is looked up in the partitions that can have it; the layout has no index of ids.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta, timezone
from itertools import chain, groupby, takewhile
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import ValidationError
from typing_extensions import override

from ice_result.core.calls import in_order
from ice_result.core.types import JobId, Model
from ice_result.errors import StorageError, shorten
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import OBJECTS, Addresses, JobFilter, JobLine, Near, Reads, Store, StoredBytes, StoredJob
from ice_result.sinks.object.layout import NO_VALUE, Layout, file_name, function_partition
from ice_result.sinks.object.store import ObjectStore, line
from ice_result.sinks.parked_events import ParkedEvents

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_LONGEST_JOB = timedelta(days=7)
"""Longest time before `since` at which a job that finished after it can have been created; earlier days are not read.

ICE documents no longest time for a job; this is far more than any we know of [inferred].
"""
_AT_ONCE = 16
_MOST_FUNCTIONS = 3  # in which a job is looked for of which an old event names neither function nor time
_BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)
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
        return Addresses(self.store.address(layout.record(record)), self.store.address(layout.manifest(record)))

    @override
    def stage(self, record: Record) -> None:
        self.store.put(self.layout.record(record), line(record))

    @override
    def stage_contents(self, record: Record, contents: Sequence[Content]) -> None:
        """Write a document for each file, and captions as files for players too."""
        folder = self.layout.contents_of(self.layout.record(record))

        def put(written: tuple[str, bytes]) -> None:
            self.store.put(f"{folder}{written[0]}", written[1])

        for _ in in_order(put, _files_of(contents), _AT_ONCE):
            pass

    @override
    def contents_at(self, key: str) -> tuple[Content, ...]:
        """List the folder of the contents, and read each document."""
        from ice_result.contents.model import Content  # noqa: PLC0415  only for a job that has contents

        def read(name: str) -> Content | None:
            return self._parsed(name, Content)

        listed = chain.from_iterable(self.store.list(self.layout.contents_of(key)))
        names = [name for name, _ in listed if name.endswith(".json")]
        found = [content for content in in_order(read, names, _AT_ONCE) if content]
        return tuple(sorted(found, key=lambda content: content.number))

    @override
    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Write the manifest, in the partition of its record. The contents are written before."""
        self.store.put(self.layout.manifest(record), line(manifest))

    @override
    def key_for(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        return self.layout.record_of(job_id, function_name, create_time)

    @override
    def stored(self, key: str) -> StoredBytes | None:
        """Read the record, and the manifest beside it: two calls."""
        record = self.store.get(key)
        return None if record is None else StoredBytes(key, record, self.store.get(self.layout.manifest_of(key)))

    @override
    def as_stored(self, record: Record, manifest: Manifest) -> StoredBytes:
        """Return a line of JSON for each."""
        return StoredBytes(self.layout.record(record), line(record), line(manifest))

    @override
    def remove(self, key: str) -> None:
        """Remove the manifest first: a record alone is one of a job that is not done with."""
        self.store.delete(self.layout.manifest_of(key))
        for name, _ in [*chain.from_iterable(self.store.list(self.layout.contents_of(key)))]:
            self.store.delete(name)
        self.store.delete(key)

    @override
    def versioning(self) -> str | None:
        return self.store.versioning()

    # Looking up

    @override
    def find(self, job_id: JobId, near: Near | None = None) -> StoredJob | None:
        """Ask for a job in each partition, the newest first.

        With `near`, only the days around its time are read; with its function too, nothing is listed.
        """

        def read(partition: _Partition) -> Record | None:
            return self._record(f"{partition.folder}{file_name(job_id)}")

        partitions = self._partitions(self._functions(None)) if near is None else self._partitions_near(near)
        for record in in_order(read, partitions, _AT_ONCE):
            if record is not None:
                return StoredJob(record, self._manifest(record))
        return None

    @override
    def recorded(self, record: Record) -> Record | None:
        return self._parsed(self.layout.record(record), Record)

    @override
    def verified(self, record: Record) -> Manifest | None:
        return self._parsed(self.layout.manifest(record), Manifest)

    @override
    def key_near(self, job_id: JobId, near: Near, reads: Reads) -> str | None:
        """Read the manifests of some partitions: of the days around the time, or else of the newest.

        Without a function's name, the functions are listed first.
        """
        for partition in takewhile(lambda _: reads.take(), self._partitions_near(near)):
            key = f"{partition.folder}{file_name(job_id)}"
            if self.store.get(self.layout.manifest_of(key)) is not None:
                return key
        return None

    @override
    def job_at(self, key: str) -> StoredJob | None:
        record = self._record(key)
        return StoredJob(record, self._manifest(record)) if record else None

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the newest day first, and within a day the last to finish first. A day is read when its turn comes."""

        def read(key: str) -> JobLine | None:
            return self._line(key, wanted)

        for _, of_one_day in groupby(self._partitions_of(wanted), key=lambda partition: partition.day):
            lines = in_order(read, self._keys(of_one_day), _AT_ONCE)
            yield from sorted((line for line in lines if line), key=_newest, reverse=True)

    @override
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List the newest day first; of the time only the day of creation is known here."""
        yield from self._keys(self._partitions_of(wanted))

    @override
    def key_of(self, job_id: JobId, wanted: JobFilter) -> str | None:
        """Ask in each partition, the newest first."""

        def there(partition: _Partition) -> str | None:
            key = f"{partition.folder}{file_name(job_id)}"
            return None if self.store.get(key) is None else key

        return next((key for key in in_order(there, self._partitions_of(wanted), _AT_ONCE) if key), None)

    def _partitions_of(self, wanted: JobFilter) -> list[_Partition]:
        return self._partitions(self._functions(wanted.function_name), _first_day(wanted.since))

    def _partitions_near(self, near: Near) -> list[_Partition]:
        """Return the partitions in which a job can be, the likeliest first."""
        functions = self._functions(near.function_name)
        if near.time is None:
            return self._partitions(functions) if len(functions) <= _MOST_FUNCTIONS else []
        return [
            _Partition(self.layout.folder("records", function, f"dt={day.isoformat()}"), day)
            for day in _days_around(near.time)
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
            for key, _ in chain.from_iterable(self.store.list(partition.folder)):
                if key.endswith(".json"):
                    yield key
                else:
                    _skipped(key, "not a record's name")

    def _line(self, key: str, wanted: JobFilter) -> JobLine | None:
        record = self._record(key)
        if record is None or not wanted.admits(record):
            return None
        line = StoredJob(record, self._manifest(record)).line
        return line if wanted.admits(line) else None

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


def _files_of(contents: Iterable[Content]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each object, one at a time: they may be large."""
    for content in contents:
        yield f"{content.number}.json", line(content)
        if content.kind == "captions":
            yield f"{content.number}.srt", content.srt().encode()
            yield f"{content.number}.vtt", content.vtt().encode()


def _days_around(time: datetime) -> list[date]:
    """Return the day of that time, the day before and the day after, as far as there are such days."""
    day = time.date() if time.year in {MINYEAR, MAXYEAR} else time.astimezone(timezone.utc).date()
    numbers = [day.toordinal() + days for days in (0, -1, 1)]
    return [date.fromordinal(number) for number in numbers if date.min.toordinal() <= number <= date.max.toordinal()]


def _first_day(since: datetime | None) -> date:
    if since is None:
        return date.min
    try:
        return (since.astimezone(timezone.utc) - _LONGEST_JOB).date()
    except OverflowError:  # within days of the year 1
        return date.min


def _newest(line: JobLine) -> tuple[datetime, str]:
    return line.finish_time or line.create_time or _BEFORE_ALL, line.job_id


def _skipped(key: str, why: str) -> None:
    _log.warning("skipped %s: %s", shorten(key), why)
