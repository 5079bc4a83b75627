"""The part that all stores of tables share: a job is its row in ice_jobs, and its key the job id."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from ice_result.core.json_text import dump, load
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import NotJsonError, StorageError
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import Addresses, JobFilter, Near, Store, StoredBytes, StoredJob
from ice_result.sinks.table.rows import (
    FOUND_COLUMNS,
    STORED_COLUMNS,
    Row,
    Rows,
    rows_of,
    stored_bytes,
    stored_content,
    stored_job,
)
from ice_result.sinks.table.schema import CONTENTS, JOBS

if TYPE_CHECKING:
    from ice_result.contents.model import Content

NOTIFIED = "notified"
"""Column of ice_jobs with what targets have acknowledged."""


class TableSink(Store):
    """Store of records and manifests in tables. Subclasses write and read the rows."""

    _found_columns: ClassVar[Sequence[str]] = FOUND_COLUMNS
    _stored_columns: ClassVar[Sequence[str]] = STORED_COLUMNS

    def __init__(self, url: str) -> None:
        self.url = url

    @override
    def addresses(self, record: Record) -> Addresses:
        """Return the address of the job's row, which contains both, and that of the rows of its contents."""
        address = self._address(record.job_id)
        return Addresses(address, address, f"{self.url}#{CONTENTS.name}/{record.job_id}")

    @override
    def stage(self, record: Record) -> None:
        """Write nothing yet: all rows of a job are written together."""

    @override
    def stage_contents(self, record: Record, contents: Sequence[Content], *, are_all: bool = True) -> None:
        """Write nothing yet, as above."""

    @override
    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Write all rows of the job, unless a later writing is there."""
        self.write(self._rows(record, manifest, contents))

    @abstractmethod
    def write(self, rows: Rows) -> None:
        """Write all rows of a job, unless a later generation is there."""

    @override
    def find(self, job_id: JobId, near: Near | None = None) -> StoredJob | None:
        """Read the job's row; None when it is not there."""
        row = self._job_row(job_id, self._found_columns)
        return stored_job(row) if row else None

    @override
    def recorded(self, record: Record) -> Record | None:
        present = self.find(record.job_id)
        return present.record if present else None

    @override
    def verified(self, record: Record) -> Manifest | None:
        present = self.find(record.job_id)
        return present.manifest if present else None

    @override
    def acknowledged(self, job_id: JobId) -> dict[str, str]:
        """Read the column `notified` of the job's row. Raises StorageError when it is not ours."""
        row = self._job_row(job_id, ("job_id", NOTIFIED)) or {}
        text = row.get(NOTIFIED)
        if text is None:
            return {}
        told = _json_object(str(text))
        if told is None or not all(isinstance(value, str) for value in told.values()):
            raise StorageError(f"{self._address(job_id)}: {NOTIFIED} is not what this program writes there")
        return {name: str(value) for name, value in told.items()}

    @override
    def acknowledge(self, job_id: JobId, told: Mapping[str, str]) -> None:
        """Write the column `notified` of the job's row, if there is one."""
        self.write_notified(job_id, dump({**told}))

    @abstractmethod
    def write_notified(self, job_id: JobId, text: str) -> None:
        """Write the column `notified` of a job's row; write nothing when there is no such row."""

    @override
    def job_at(self, key: str) -> StoredJob | None:
        return self.find(JobId(key))

    @override
    def key_for(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        return job_id

    @override
    def stored(self, key: str) -> StoredBytes | None:
        row = self._job_row(key, self._stored_columns)
        return stored_bytes(row) if row else None

    @override
    def stored_job(self, job_id: JobId, wanted: JobFilter) -> StoredBytes | None:
        return self.stored(job_id)

    @override
    def as_stored(self, record: Record, manifest: Manifest) -> StoredBytes:
        """Return the job's row, which the others follow."""
        return stored_bytes(self._rows(record, manifest).job)

    @override
    def contents_at(self, key: str) -> tuple[Content, ...]:
        """Read the rows of the contents of a job."""
        return tuple(map(stored_content, self._content_rows(key)))

    def _rows(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> Rows:
        """Make the rows of a job, as this store can keep them."""
        return rows_of(record, manifest, contents)

    @abstractmethod
    def _content_rows(self, job_id: str) -> Iterable[Row]:
        """Read the rows of a job in ice_contents, in the order of their numbers."""

    @abstractmethod
    def _job_row(self, job_id: str, columns: Sequence[str]) -> Row | None:
        """Read these columns of a job's row in ice_jobs; None when it is not there."""

    def _address(self, job_id: str) -> str:
        return f"{self.url}#{JOBS.name}/{job_id}"


def _json_object(text: str) -> JsonObject | None:
    try:
        value = load(text)
    except NotJsonError:
        return None
    return value if isinstance(value, dict) else None
