"""The store behind `ots:`: rows that replace each other only forwards, though no transaction spans the tables.

    rows of outputs and items ──► row of the day ──► row of the job ──► rows that are left over are deleted
    (BatchWriteRow, on condition)                    (UpdateRow, on condition: it decides)

Every row is written on the condition that no later generation is there. The job's row decides: when it is refused,
another writing has won, and what this one wrote is deleted again. So whoever comes last leaves one writing alone,
and every step may be repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

from typing_extensions import override

from ice_result.core.types import JobId
from ice_result.errors import NoSuchTableError, RejectedError, StorageError
from ice_result.records.model import CONTENT_OF_ROLES, Manifest, Record
from ice_result.results.model import read_result
from ice_result.sinks.base import (
    TABLESTORE,
    ContentsLeftOutError,
    JobFilter,
    JobLine,
    SinkContext,
    StoredJob,
    TableState,
    TableStatus,
    WrittenJob,
)
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.table.rows import (
    CONTENT_ITEM_COLUMNS,
    FOUND_COLUMNS,
    LINE_COLUMNS,
    OLD_FILE_COUNT,
    OUTPUT_SECONDS,
    PARTS,
    STORED_COLUMNS,
    Row,
    Rows,
    Value,
    content_item,
    json_of,
    manifest_file,
    rows_of,
    size,
    stored_content,
    stored_job,
    time_text,
    written_job,
)
from ice_result.sinks.table.schema import CONTENTS, DAYS, FIRST_CONTENT_ITEM, ITEMS, JOBS, OUTPUTS, TABLES, Table
from ice_result.sinks.table.sink import NOTIFIED, TableSink
from ice_result.sinks.table.tablestore_client import SERVICE, Change, Edge, Tablestore, key_schema

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_OF_A_DETAIL = ("job_id", "number", "generation")
_LARGEST_VALUE = 2 * 1024 * 1024
_LARGEST_ROW = 4_000_000  # bytes of one UpdateRow, less what the protocol adds
_MOST_PROBLEMS = 100
_NOTHING: Mapping[str, object] = {"raw": {}, "result": read_result({"kind": "unknown"})}
_NO_OTHER_SINK = "No other sink has the whole record: add one of files or objects (file:, oss:, s3:)"
_log = logging.getLogger(__name__)


def fitting_rows(
    record: Record, manifest: Manifest, archive_url: str | None, contents: Sequence[Content] | None = None
) -> Rows:
    """Make the rows of a job; `record` and `manifest` contain as much of it as fits, and so do those of contents.

    `archive_url` is the first object sink, which has the whole record. Raises RejectedError for a job that cannot fit.
    """
    rows = rows_of(record, manifest, contents)
    if rows.contents:
        fitting = (_fitting_content(*each) for each in zip(rows.contents.files, contents or (), strict=True))
        rows = rows._replace(contents=rows.contents._replace(files=tuple(fitting)))
    raw_uri = f"{archive_url}/{Layout().record(record)}" if archive_url else None
    while part := _part_to_leave_out(rows.job):
        if part == "files":
            short = {"problems": manifest.problems[:_MOST_PROBLEMS], "notes": manifest.notes[:_MOST_PROBLEMS]}
            manifest = manifest.model_copy(update={"files": (), **short})
            kept: Row = {"manifest": json_of(manifest)}
        else:
            record = record.model_copy(update={part: _NOTHING[part]})
            kept = {"record": json_of(record)}
        rows = rows._replace(job={**rows.job, **kept, f"{part}_stored": False, "raw_uri": raw_uri})
    _check(rows)
    return rows


def _fitting_content(row: Row, content: Content) -> Row:
    """Return a row of ice_contents whose document fits: without its items, which are rows of their own, or null."""
    if _bytes(row["document"]) <= _LARGEST_VALUE:
        return row
    short = json_of(content.model_copy(update={"items": ()}))
    if _bytes(short) <= _LARGEST_VALUE:
        return {**row, "document": short}
    _log.warning(
        "job %s: content %s (%d bytes) is too large for Tablestore. It is stored there without its document; "
        "its items are in ice_items",
        row["job_id"],
        row["number"],
        _bytes(row["document"]),
    )
    return {**row, "document": None}


def _log_left_out(rows: Rows, record: Record, manifest: Manifest) -> None:
    """Log the parts of a job that Tablestore does not keep, and the store that has them."""
    parts = [part for part in PARTS if not rows.job[f"{part}_stored"]]
    whole_uri = rows.job["raw_uri"]
    if parts:
        _log.warning(
            "job %s: its record (%d bytes) and its manifest (%d bytes) are too large for Tablestore. They are stored "
            "there without %s. %s",
            record.job_id,
            len(json_of(record).encode()),
            len(json_of(manifest).encode()),
            ", ".join(parts),
            f"The whole record is in {whole_uri}" if whole_uri else _NO_OTHER_SINK,
        )


def _part_to_leave_out(job: Row) -> str | None:
    """Return the next part a row must do without; None when it fits, or when nothing more can be left out."""
    left = [part for part in PARTS if job[f"{part}_stored"]]
    too_long = [part for part in left if _bytes(job["manifest" if part == "files" else "record"]) > _LARGEST_VALUE]
    if not too_long and size(job) > _LARGEST_ROW:
        too_long = left
    return next(iter(too_long), None)


def _check(rows: Rows) -> None:
    """Raises RejectedError for a value, or a row of ice_jobs, that Tablestore would refuse."""
    for table, group in ((JOBS, (rows.job,)), *rows.details):
        for row in group:
            for name, value in row.items():
                if _bytes(value) > _LARGEST_VALUE:
                    raise _refused(table, rows, f"{name} has {_bytes(value):,} bytes, of at most {_LARGEST_VALUE:,}")
    if size(rows.job) > _LARGEST_ROW:
        raise _refused(JOBS, rows, f"the row has {size(rows.job):,} bytes, of at most {_LARGEST_ROW:,}")


def _refused(table: Table, rows: Rows, detail: str) -> RejectedError:
    return RejectedError(f"write {table.name}/{rows.job_id}", service=SERVICE, detail=f"too large: {detail}")


def _bytes(value: Value) -> int:
    return len(value.encode()) if isinstance(value, str) else 0


_LINE_COLUMNS = (*LINE_COLUMNS, OLD_FILE_COUNT, OUTPUT_SECONDS)
_NO_TIME = "0000-00-00T00:00:00.000000Z"  # before every other


class TablestoreSink(TableSink):
    """Store of records and manifests in five tables of one instance, which `ice-result setup --tables` makes."""

    capabilities = TABLESTORE
    _found_columns = (*FOUND_COLUMNS, "raw_uri", *(f"{part}_stored" for part in PARTS))
    _stored_columns = (*STORED_COLUMNS, "files_stored")

    def __init__(self, url: str, instance: Tablestore, archive_url: str | None = None) -> None:
        super().__init__(url)
        self._instance = instance
        self._archive_url = archive_url

    @override
    def load(self) -> None:
        self._instance.load()

    @override
    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Write all rows of the job, unless a later writing is there.

        Raises RejectedError, before any call, for a job that is too large.
        """
        rows = self._rows(record, manifest, contents)
        _log_left_out(rows, record, manifest)
        self.write(rows)

    @override
    def write(self, rows: Rows) -> None:
        """Write all rows of a job, its own last; afterwards only those of the latest generation are there."""
        details = [Change(table, row) for table, group in rows.details for row in group]
        moved = [*self._moved_contents(rows)]
        self._instance.write([*details, *moved, Change(DAYS, _day_row(rows.job))])
        is_latest = self._instance.put(JOBS, rows.job)
        for table, group in rows.details:
            self._delete_rest(table, rows, group if is_latest else ())

    def _moved_contents(self, rows: Rows) -> Iterator[Change]:
        """Return the rows of stored contents that stay, with the new generation of the job.

        The items are written before the rows of their files. So they are read only if one of these is of another
        generation.
        """
        if rows.contents is not None or not any(row["role"] in CONTENT_OF_ROLES for row in rows.outputs):
            return
        files = [row for row in self._content_rows(rows.job_id) if row.get("generation") != rows.generation]
        for table, moved in ((ITEMS, self._content_items(rows.job_id) if files else ()), (CONTENTS, files)):
            for row in moved:
                yield Change(table, {**row, "generation": rows.generation})

    @override
    def write_notified(self, job_id: JobId, text: str) -> None:
        self._instance.set_columns(JOBS, {"job_id": job_id, NOTIFIED: text})

    @override
    def verified(self, record: Record) -> Manifest | None:
        """Read the manifest in the job's row; files that were left out there are read from `ice_outputs`.

        Raises StorageError when some of them are missing.
        """
        job = self._job_row(record.job_id, (*self._found_columns, "generation"))
        if job is None:
            return None
        there = stored_job(job)
        if there.manifest is None or "files" not in there.left_out:
            return there.manifest
        generation, first, end = job.get("generation"), (record.job_id, 1), (record.job_id, Edge.HIGHEST)
        pages = self._instance.scan(OUTPUTS, first, end, [column.name for column in OUTPUTS.columns])
        files = [manifest_file(row) for page in pages for row in page if row.get("generation") == generation]
        if len(files) != there.record.file_count:
            raise self._not_whole(there)
        return there.manifest.model_copy(update={"files": tuple(files)})

    @override
    def job_at(self, key: str) -> StoredJob | None:
        """Read the job's row. Raises StorageError when a part was left out."""
        there = super().job_at(key)
        if there and there.left_out:
            raise self._not_whole(there)
        return there

    @override
    def contents_at(self, key: str) -> tuple[Content, ...]:
        """Read the contents of a job. The items of a document that was too large with them are read from `ice_items`.

        Raises ContentsLeftOutError for one that was too large without them too.
        """
        rows = [*self._content_rows(key)]
        present = [self._with_items(row, stored_content(row)) for row in rows if row.get("document") is not None]
        if len(present) < len(rows):
            what = f"{self.url}: {len(rows) - len(present)} of {len(rows)} contents of job {key} were too large for it"
            raise ContentsLeftOutError(
                f"{what}; a store of objects that the same function wrote has them", present, len(rows)
            )
        return tuple(present)

    def _with_items(self, row: Row, content: Content) -> Content:
        count, number = row.get("item_count"), content.number
        if len(content.items) == count:
            return content
        first, end = ((content.job_id, each * FIRST_CONTENT_ITEM) for each in (number, number + 1))
        pages = self._instance.scan(ITEMS, first, end, CONTENT_ITEM_COLUMNS)
        items = [
            content_item(each) for page in pages for each in page if each.get("generation") == row.get("generation")
        ]
        if len(items) != count:
            job = f"{self.url}: content {number} of job {content.job_id}"
            raise StorageError(f"{job} has {len(items)} of its {count} items: it is being written, or damaged")
        return content.model_copy(update={"items": tuple(items)})

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the jobs, newest first; jobs without any time come last."""
        return (line for job in self.written_jobs(wanted) if (line := job.line))

    @override
    def written_jobs(self, wanted: JobFilter) -> Iterator[WrittenJob]:
        for row in self._newest_first(wanted, _LINE_COLUMNS):
            job = written_job(row)
            if job.line and wanted.admits(job.line):
                yield job

    @override
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List job ids, newest first."""
        columns = ("job_id", "function_name", "finish_time", "create_time")
        for row in self._newest_first(wanted, columns):
            if wanted.function_name in {None, row.get("function_name")}:
                yield str(row["job_id"])

    @override
    def _rows(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> Rows:
        """Make the rows, less the parts that do not fit. Raises RejectedError for a job that never can."""
        return fitting_rows(record, manifest, self._archive_url, contents)

    @override
    def _content_rows(self, job_id: str) -> Iterator[Row]:
        """Read the rows; none from an instance of an earlier version, which has no such table."""
        try:
            yield from self._rows_of(CONTENTS, job_id, 1)
        except NoSuchTableError:
            return

    def _content_items(self, job_id: str) -> Iterator[Row]:
        return self._rows_of(ITEMS, job_id, FIRST_CONTENT_ITEM)

    def _rows_of(self, table: Table, job_id: str, first: int) -> Iterator[Row]:
        """Read the rows of a job in a table from the number `first` on."""
        columns = [column.name for column in table.columns]
        for page in self._instance.scan(table, (job_id, first), (job_id, Edge.HIGHEST), columns):
            yield from page

    @override
    def _job_row(self, job_id: str, columns: Sequence[str]) -> Row | None:
        return next(iter(self._instance.get(JOBS, [(job_id,)], columns)), None)

    @override
    def prepare(self, *, dry_run: bool) -> tuple[TableStatus, ...]:
        """Make the tables that are missing. Raises RejectedError for one whose key is not ours."""
        there = self._instance.names()
        tables = (*TABLES, DAYS)
        for table in tables:
            if table.name in there:
                self._check_key(table)
            elif not dry_run:
                self._instance.create(table)
        made: TableState = "missing" if dry_run else "created"
        return tuple(TableStatus(table.name, "present" if table.name in there else made) for table in tables)

    def _check_key(self, table: Table) -> None:
        key = self._instance.key_of(table.name)
        if key != key_schema(table):
            raise RejectedError(
                f"use table {table.name} of {self.url}",
                service=SERVICE,
                detail=f"ice-result did not make this table: its key is {_shown(key)}, expected "
                f"{_shown(key_schema(table))}; use another instance",
            )

    def _delete_rest(self, table: Table, rows: Rows, written: Sequence[Row]) -> None:
        """Delete this job's rows that were not `written`, but none of a later generation, and no content that stays."""
        kept = {row["number"] for row in written}
        first = next(number for number in count(1) if number not in kept)
        end = FIRST_CONTENT_ITEM if table is ITEMS and rows.contents is None else Edge.HIGHEST
        for page in self._instance.scan(table, (rows.job_id, first), (rows.job_id, end), _OF_A_DETAIL):
            rest = [{**row, "generation": rows.generation} for row in page if row["number"] not in kept]
            self._instance.write([Change(table, row, delete=True) for row in rest])

    def _newest_first(self, wanted: JobFilter, columns: Sequence[str]) -> Iterator[Row]:
        """Read the rows of the jobs since `wanted.since`."""
        since = time_text(wanted.since) or ""
        first, end = (Edge.HIGHEST,) * 3, (since[:10], since, Edge.LOWEST) if since else (Edge.LOWEST,) * 3
        days = [column.name for column in DAYS.columns]
        for page in self._instance.scan(DAYS, first, end, days, backwards=True):
            yield from self._jobs_of(page, columns)

    def _jobs_of(self, days: list[Row], columns: Sequence[str]) -> Iterator[Row]:
        """Read the jobs that these rows of ice_days name, in their order; a row of an earlier writing names none."""
        keys = [(job_id,) for job_id in dict.fromkeys(day["job_id"] for day in days)]
        rows = self._instance.get(JOBS, keys, columns) if keys else []
        jobs = {row["job_id"]: row for row in rows}
        for day in days:
            job = jobs.get(day["job_id"])
            if job is not None and _moment(job) == day["moment"]:
                yield job

    def _not_whole(self, there: StoredJob) -> StorageError:
        return StorageError(
            f"{self._address(there.record.job_id)} is stored without {', '.join(there.left_out)}, which was too large; "
            + (f"the whole record is in {there.whole_uri}" if there.whole_uri else "no other sink has the whole record")
        )


def open_tablestore(url: SinkUrl, context: SinkContext) -> TablestoreSink:
    """Open the sink of an `ots:` URL. Raises SettingsError."""
    instance = Tablestore(url.authority or "", context)
    instance.endpoint()  # wrong settings show now, not at the first job
    return TablestoreSink(url.text, instance, context.archive_url)


def _moment(job: Row) -> str:
    return str(job.get("finish_time") or job.get("create_time") or _NO_TIME)


def _day_row(job: Row) -> Row:
    moment = _moment(job)
    return {"day": moment[:10], "moment": moment, "job_id": job["job_id"], "function_name": job["function_name"]}


def _shown(key: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in key)
