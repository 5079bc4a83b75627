"""The sink behind `sqlite:`: each job is one transaction in a file of tables; parked events are in a table beside."""

# ruff: noqa: S608  the only texts put into statements are names of tables and columns, from schema.py; values never are

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from ice_result.core.types import JobId
from ice_result.sinks.base import SQLITE, FoundCue, JobFilter, JobLine, SinkContext, TableStatus, WrittenJob
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.table.rows import (
    LINE_COLUMNS,
    OLD_FILE_COUNT,
    OUTPUT_SECONDS,
    Row,
    Rows,
    job_line,
    time_text,
    written_job,
)
from ice_result.sinks.table.schema import CONTENTS, FIRST_CONTENT_ITEM, ITEMS, JOBS
from ice_result.sinks.table.sink import NOTIFIED, TableSink
from ice_result.sinks.table.sqlite_database import SqliteDatabase, insert, upsert
from ice_result.sinks.table.sqlite_parked import SqliteObjects
from ice_result.sinks.table.sqlite_search import find_cues, index_captions, mark_outdated
from ice_result.sinks.table.sqlite_versions import MOMENT

_UPSERT_JOB = f"{upsert(JOBS)} WHERE excluded.generation >= {JOBS.name}.generation"
"""Writes a job's row unless a later generation is there: no row is changed then."""

_OF_EARLIER_VERSIONS = {"file_count": OLD_FILE_COUNT, OUTPUT_SECONDS: f"NULL AS {OUTPUT_SECONDS}"}
"""Values of a job's row in place of columns that a file of an earlier version lacks."""
_MOVE_CONTENTS = (
    f"UPDATE {ITEMS.name} SET generation = ? WHERE job_id = ? AND number >= {FIRST_CONTENT_ITEM}",
    f"UPDATE {CONTENTS.name} SET generation = ? WHERE job_id = ?",
)
"""Give the rows of contents that stay the generation of the others."""


class SqliteSink(TableSink):
    """Store of records and manifests in the tables of one SQLite file, with parked events and notes beside them."""

    capabilities = SQLITE

    def __init__(self, url: str, path: Path, *, ids_a_page: int = 1000) -> None:
        super().__init__(url)
        self._ids_a_page = ids_a_page
        self._database = SqliteDatabase(path)

    @override
    def check_exists(self) -> None:
        self._database.check_exists(self.url)

    @property
    @override
    def parking(self) -> ParkedEvents:
        return ParkedEvents(self.url, SqliteObjects(self.url, self._database), Layout())

    @override
    def write(self, rows: Rows) -> None:
        """Write all rows of a job in one transaction; nothing changes when a later generation is there."""

        def write(connection: sqlite3.Connection) -> None:
            job = connection.execute(_UPSERT_JOB, tuple(rows.job.values()))
            if job.rowcount:
                if rows.contents is not None:
                    mark_outdated(connection, rows.job_id, rows.contents.files)
                for table, details in rows.details:
                    kept = f" AND number < {FIRST_CONTENT_ITEM}" if rows.contents is None and table is ITEMS else ""
                    connection.execute(f"DELETE FROM {table.name} WHERE job_id = ?{kept}", (rows.job_id,))
                    columns = [column.name for column in table.columns]
                    connection.executemany(insert(table), (tuple(map(row.get, columns)) for row in details))
                if rows.contents is None:
                    for statement in _MOVE_CONTENTS:
                        connection.execute(statement, (rows.generation, rows.job_id))
                else:
                    index_captions(connection, rows.job_id)

        self._database.write(write)

    @override
    def acknowledged(self, job_id: JobId) -> dict[str, str]:
        """Read the column; a file of an earlier version has none until it is written to."""
        has_column = NOTIFIED in self._database.columns().get(JOBS.name, {})
        return super().acknowledged(job_id) if has_column else {}

    @override
    def write_notified(self, job_id: JobId, text: str) -> None:
        statement = f"UPDATE {JOBS.name} SET {NOTIFIED} = ? WHERE job_id = ?"
        self._database.write(lambda connection: connection.execute(statement, (text, job_id)))

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the jobs, newest first; jobs without any time come last."""
        return map(job_line, self._job_rows(wanted, LINE_COLUMNS))

    @override
    def written_jobs(self, wanted: JobFilter) -> Iterator[WrittenJob]:
        return map(written_job, self._job_rows(wanted, (*LINE_COLUMNS, OUTPUT_SECONDS)))

    def _job_rows(self, wanted: JobFilter, names: Sequence[str]) -> Iterator[Row]:
        """Read columns of the rows that `wanted` admits; a file of an earlier version may not have all of them."""
        there = self._database.columns().get(JOBS.name, {})
        instead = {name: text for name, text in _OF_EARLIER_VERSIONS.items() if there and name not in there}
        columns = ", ".join(instead.get(name, name) for name in names)
        asked = {**_by_function_and_time(wanted), "state = ?": wanted.state, "outcome = ?": wanted.outcome}
        where, values = _where(asked)
        incomplete = " AND complete IS NOT TRUE" if wanted.incomplete else ""
        query = f"SELECT {columns} FROM {JOBS.name} WHERE {where}{incomplete} ORDER BY {MOMENT} DESC, job_id DESC"
        return self._database.read(query, values)

    @override
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List job ids, a page at a time: a reader that stays would keep the log of all later writings."""
        last = ""
        while page := self._ids(wanted, last):
            yield from page
            last = page[-1]

    def _ids(self, wanted: JobFilter, after: str) -> list[str]:
        where, values = _where({"job_id > ?": after, **_by_function_and_time(wanted)})
        query = f"SELECT job_id FROM {JOBS.name} WHERE {where} ORDER BY job_id LIMIT ?"
        return [str(row["job_id"]) for row in self._database.read(query, (*values, self._ids_a_page))]

    @override
    def prepare(self, *, dry_run: bool) -> tuple[TableStatus, ...]:
        """Make the file and the tables that are missing. Raises StorageError for a table without our columns."""
        return self._database.prepare(dry_run=dry_run)

    @override
    def search(self, words: Sequence[str], since: datetime | None = None) -> Iterator[FoundCue]:
        return find_cues(self._database, words, since)

    @override
    def _content_rows(self, job_id: str) -> Iterator[Row]:
        return self._database.read(f"SELECT * FROM {CONTENTS.name} WHERE job_id = ? ORDER BY number", (job_id,))

    @override
    def _job_row(self, job_id: str, columns: Sequence[str]) -> Row | None:
        return next(
            self._database.read(f"SELECT {', '.join(columns)} FROM {JOBS.name} WHERE job_id = ?", (job_id,)), None
        )


def open_sqlite(url: SinkUrl, _context: SinkContext) -> SqliteSink:
    """Open the sink of a `sqlite:` URL."""
    return SqliteSink(url.text, Path(url.path))


def _by_function_and_time(wanted: JobFilter) -> dict[str, str | None]:
    return {"function_name = ?": wanted.function_name, f"{MOMENT} >= ?": time_text(wanted.since)}


def _where(asked: Mapping[str, str | None]) -> tuple[str, tuple[str, ...]]:
    """Return the conditions that have a value as one, and their values."""
    conditions = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join(conditions) or "TRUE", tuple(conditions.values())
