"""Looking jobs up in the object layout: partitions that cannot have them are left out, the others are read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta, timezone
from itertools import chain, groupby, takewhile
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.core.types import JobId, Model
from ice_result.errors import StorageError, shorten
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import Hint, JobFilter, JobLine, Near, Reads, StoredJob
from ice_result.sinks.object.layout import NO_VALUE, Layout, file_name, function_partition
from ice_result.sinks.object.store import ObjectStore

LONGEST_JOB = timedelta(days=7)
"""Longest time before `since` at which a job that finished after it can have been created; earlier days are not read.

ICE documents no longest time for a job; this is far more than any we know of [inferred].
"""
_AT_ONCE = 16
_MOST_FUNCTIONS = 3  # in which a job is looked for of which an old event names neither function nor time
_BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)
T = TypeVar("T", bound=Model)
_log = logging.getLogger(__name__)


class _Partition(NamedTuple):
    """Partition of a function's jobs of one day; the day None is for jobs without a CreateTime."""

    function: str
    folder: str
    day: date | None


@dataclass(frozen=True)
class ObjectReader:
    """Reads records and manifests in any object store. It skips foreign and damaged objects with a warning."""

    store: ObjectStore
    layout: Layout

    def find(self, job_id: JobId, hint: Hint | None = None) -> StoredJob | None:
        """Ask for a job in each partition, the newest first: the layout has no index of ids.

        With a hint, only the days around the one it names are read; with its function too, nothing is listed.
        """
        name = file_name(job_id)

        def read(partition: _Partition) -> Record | None:
            folder = self.layout.folder("records", partition.function, partition.folder)
            return self._record(f"{folder}{name}")

        partitions = self._partitions(None, None) if hint is None else self._partitions_near(hint)
        for record in in_order(read, partitions, _AT_ONCE):
            if record is not None:
                return StoredJob(record, self._manifest(record))
        return None

    def recorded(self, record: Record) -> Record | None:
        """Read the record's own key. Raises StorageError for one that this version cannot read."""
        return self._readable(self.layout.record(record), Record)

    def verified(self, record: Record) -> Manifest | None:
        """Read the manifest's own key. Raises StorageError for one that this version cannot read."""
        return self._readable(self.layout.manifest(record), Manifest)

    def key_near(self, job_id: JobId, near: Near, reads: Reads) -> str | None:
        """Read the manifests of some partitions: of the days around the time, or else of the newest.

        Without a function's name, the functions are listed first.
        """
        name = file_name(job_id)
        for partition in takewhile(lambda _: reads.take(), self._partitions_of(near)):
            key = f"{self.layout.folder('records', partition.function, partition.folder)}{name}"
            if self.store.get(self.layout.manifest_of(key)) is not None:
                return key
        return None

    def job_at(self, key: str) -> StoredJob | None:
        """Read the record's key and the manifest's."""
        record = self._record(key)
        return StoredJob(record, self._manifest(record)) if record else None

    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the newest day first, and within a day the last to finish first. A day is read when its turn comes."""

        def read(key: str) -> JobLine | None:
            return self._line(key, wanted)

        partitions = self._partitions(wanted.function_name, wanted.since)
        for _, of_one_day in groupby(partitions, key=lambda partition: partition.day):
            lines = in_order(read, self._keys(of_one_day), _AT_ONCE)
            yield from sorted((line for line in lines if line), key=_newest, reverse=True)

    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List the newest day first; of the time only the day of creation is known here."""
        yield from self._keys(self._partitions(wanted.function_name, wanted.since))

    def key_of(self, job_id: JobId, wanted: JobFilter) -> str | None:
        """Ask in each partition, the newest first."""
        name = file_name(job_id)

        def there(partition: _Partition) -> str | None:
            key = f"{self.layout.folder('records', partition.function, partition.folder)}{name}"
            return None if self.store.get(key) is None else key

        partitions = self._partitions(wanted.function_name, wanted.since)
        return next((key for key in in_order(there, partitions, _AT_ONCE) if key), None)

    def _partitions(self, function_name: str | None, since: datetime | None) -> list[_Partition]:
        return self._partitions_in(self._functions(function_name), since)

    def _partitions_in(self, functions: Iterable[str], since: datetime | None) -> list[_Partition]:
        def days(function: str) -> list[_Partition]:
            folders = self.store.children(self.layout.folder("records", function))
            return [partition for folder in folders if (partition := _partition(function, folder))]

        first = _first_day(since)
        found = [partition for listed in in_order(days, functions, _AT_ONCE) for partition in listed]
        kept = [partition for partition in found if partition.day is None or partition.day >= first]
        return sorted(kept, key=lambda partition: partition.day or date.min, reverse=True)

    def _partitions_of(self, near: Near) -> Iterable[_Partition]:
        """Return the partitions in which the job of an event can be, the likeliest first."""
        if near.time is not None:
            return self._partitions_near(Hint(near.function_name, near.time))
        functions = self._functions(near.function_name)
        if len(functions) > _MOST_FUNCTIONS:
            return ()
        return self._partitions_in(functions, None)

    def _functions(self, function_name: str | None) -> list[str]:
        """Return the outer folder of a function's jobs; without a name, the folders of all functions."""
        if function_name is not None:
            return [function_partition(function_name)]
        return [*self.store.children(self.layout.folder("records"))]

    def _partitions_near(self, hint: Hint) -> list[_Partition]:
        functions = self._functions(hint.function_name)
        days = _days_around(hint.created)
        return [_Partition(function, f"dt={each.isoformat()}", each) for each in days for function in functions]

    def _keys(self, partitions: Iterable[_Partition]) -> Iterator[str]:
        for partition in partitions:
            folder = self.layout.folder("records", partition.function, partition.folder)
            for key, _ in chain.from_iterable(self.store.list(folder)):
                if key.endswith(".json"):
                    yield key
                else:
                    _skipped(key, "not a record's name")

    def _line(self, key: str, wanted: JobFilter) -> JobLine | None:
        record = self._record(key)
        if record is None:
            return None
        line = JobLine(
            **{name: getattr(record, name) for name in JobLine.model_fields if name != "complete"}, complete=None
        )
        if not wanted.admits(line):
            return None
        manifest = self._manifest(record)
        whole = line.model_copy(update={"complete": manifest.complete}) if manifest else line
        return whole if wanted.admits(whole) else None

    def _record(self, key: str) -> Record | None:
        record = self._read(key, Record)
        if record is None or self.layout.record(record) == key:
            return record
        _skipped(key, "the record of another job, or of another partition")
        return None

    def _manifest(self, record: Record) -> Manifest | None:
        return self._read(self.layout.manifest(record), Manifest)

    def _read(self, key: str, model: type[T]) -> T | None:
        try:
            return self._readable(key, model)
        except StorageError as error:
            _log.warning("skipped %s", error)
            return None

    def _readable(self, key: str, model: type[T]) -> T | None:
        data = self.store.get(key)
        try:
            return None if data is None else model.model_validate_json(data)
        except ValidationError as error:
            what = f"no {model.__name__.lower()} of this version: {error.error_count()} errors"
            raise StorageError(f"{shorten(key)}: {what}") from error


def _partition(function: str, folder: str) -> _Partition | None:
    name, _, day = folder.partition("=")
    if folder == f"dt={NO_VALUE}":
        return _Partition(function, folder, None)
    try:
        if name == "dt":
            return _Partition(function, folder, date.fromisoformat(day))
    except ValueError:
        pass
    _skipped(f"{function}/{folder}/", "not a partition of ours")
    return None


def _days_around(time: datetime) -> list[date]:
    """Return the day of that time, the day before and the day after, as far as there are such days."""
    day = time.date() if time.year in {MINYEAR, MAXYEAR} else time.astimezone(timezone.utc).date()
    numbers = [day.toordinal() + days for days in (0, -1, 1)]
    return [date.fromordinal(number) for number in numbers if date.min.toordinal() <= number <= date.max.toordinal()]


def _first_day(since: datetime | None) -> date:
    if since is None:
        return date.min
    try:
        return (since.astimezone(timezone.utc) - LONGEST_JOB).date()
    except OverflowError:  # within days of the year 1
        return date.min


def _newest(line: JobLine) -> tuple[datetime, str]:
    return line.finish_time or line.create_time or _BEFORE_ALL, line.job_id


def _skipped(key: str, why: str) -> None:
    _log.warning("skipped %s: %s", shorten(key), why)
