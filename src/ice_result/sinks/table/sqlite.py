"""The database behind `sqlite:`: each job is one transaction, in a file that many threads and processes may share.

    thread ──lock──► the process's one connection ──BEGIN IMMEDIATE──► the file (write-ahead log, fsync at COMMIT)

One connection is kept open for writing: a new one for every job made it a fifth as fast [measured], because the last
to close a database folds the log back into it. The log needs shared memory, which network file systems lack.
"""

# ruff: noqa: S608  the only texts put into statements are names of tables and columns, from schema.py; values never are

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from ice_result.core.deadline import current_deadline
from ice_result.errors import StorageError
from ice_result.sinks.base import SQLITE, JobFilter, JobLine, SinkContext, TableState, TableStatus
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.table.rows import LINE_COLUMNS, OLD_FILE_COUNT, Row, Rows, job_line, time_text
from ice_result.sinks.table.schema import JOBS, TABLES, Table
from ice_result.sinks.table.sink import TableSink
from ice_result.sinks.table.sqlite_file import BUSY_SECONDS, SqliteFile
from ice_result.sinks.table.sqlite_versions import (
    COLUMNS_THERE,
    MOMENT,
    Columns,
    check_tables,
    columns_of,
    prepare_tables,
)

T = TypeVar("T")
_PAUSE_SECONDS = 0.02  # for the cases where it does not wait at all


def _insert(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"


_UPSERT_JOB = (
    f"{_insert(JOBS)} ON CONFLICT (job_id) DO UPDATE SET "
    + ", ".join(f"{column.name} = excluded.{column.name}" for column in JOBS.columns if not column.key)
    + f" WHERE excluded.generation >= {JOBS.name}.generation"
)
"""Writes a job's row unless a later generation is there: no row is changed then."""


class SqliteSink(TableSink):
    """Store of records and manifests in the three tables of one SQLite file, made when it is first written to."""

    capabilities = SQLITE

    def __init__(self, url: str, path: Path, *, ids_a_page: int = 1000) -> None:
        super().__init__(url)
        self._ids_a_page = ids_a_page
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._file = SqliteFile(self._path)
        self._prepared: sqlite3.Connection | None = None  # the one whose tables are of this version

    @override
    def write(self, rows: Rows) -> None:
        """Write all rows of a job in one transaction; nothing changes when a later generation is there."""
        while True:
            with self._writing() as connection:
                job = connection.execute(_UPSERT_JOB, tuple(rows.job.values()))
                if job.rowcount:
                    for table, details in rows.details:
                        connection.execute(f"DELETE FROM {table.name} WHERE job_id = ?", (rows.job_id,))
                        connection.executemany(_insert(table), (tuple(row.values()) for row in details))
            if self._file.is_current():
                return
            if not current_deadline().left():
                raise StorageError(f"cannot write {self._path}: the file was moved away while it was written to")

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the jobs, newest first; jobs without any time come last."""
        there = self._tables().get(JOBS.name, {})
        renamed = {"file_count": OLD_FILE_COUNT} if OLD_FILE_COUNT in there and "file_count" not in there else {}
        columns = ", ".join(renamed.get(name, name) for name in LINE_COLUMNS)
        asked = {**_by_function_and_time(wanted), "state = ?": wanted.state, "outcome = ?": wanted.outcome}
        where, values = _where(asked)
        incomplete = " AND complete IS NOT TRUE" if wanted.incomplete else ""
        query = f"SELECT {columns} FROM {JOBS.name} WHERE {where}{incomplete} ORDER BY {MOMENT} DESC, job_id DESC"
        yield from map(job_line, self._read(query, values))

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
        return [str(row["job_id"]) for row in self._read(query, (*values, self._ids_a_page))]

    @override
    def prepare(self, *, dry_run: bool) -> tuple[TableStatus, ...]:
        """Make the file and the tables that are missing. Raises StorageError for a table without our columns."""
        there = self._tables()
        check_tables(there, self._path)
        if not dry_run:
            with self._writing():
                pass
        made: TableState = "missing" if dry_run else "created"
        return tuple(TableStatus(table.name, "present" if table.name in there else made) for table in TABLES)

    @override
    def _job_row(self, job_id: str, columns: Sequence[str]) -> Row | None:
        return next(self._read(f"SELECT {', '.join(columns)} FROM {JOBS.name} WHERE job_id = ?", (job_id,)), None)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction in the file at the path; it is committed at the end, or rolled back."""
        if not self._lock.acquire(timeout=min(current_deadline().left(), threading.TIMEOUT_MAX)):
            raise StorageError(f"cannot write {self._path}: other writers of this process took all the time there was")
        try:
            connection = self._patiently(self._begin)
            try:
                if connection is not self._prepared:
                    prepare_tables(connection, self._path)
                yield connection
                connection.execute("COMMIT")
                self._prepared = connection
            except BaseException:
                self._prepared = None  # somebody may have dropped a table
                if connection.in_transaction:  # SQLite ends it by itself when the disk is full
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as error:
            raise self._failure("write", error) from error
        finally:
            self._lock.release()

    def _begin(self) -> sqlite3.Connection:
        """Return the connection of this process to the file at the path, in a transaction."""
        connection = self._file.connection()
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _read(self, query: str, values: tuple[str | int, ...]) -> Iterator[Row]:
        """Read the rows of a query, one by one, on a connection of its own: nobody waits for a slow reader."""
        try:
            if not self._is_there():
                return
            connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            with closing(connection):
                connection.row_factory = sqlite3.Row
                yield from map(dict, self._patiently(lambda: connection.execute(query, values)))
        except OSError as error:
            raise self._failure("read", error) from error
        except sqlite3.Error as error:
            if str(error) != f"no such table: {JOBS.name}":  # another process makes the file just now
                raise self._failure("read", error) from error

    def _is_there(self) -> bool:
        """Tell if the file exists. Raises OSError for a path at which no file can be."""
        try:
            self._path.stat()
        except FileNotFoundError:
            return False
        return True

    def _tables(self) -> Columns:
        return columns_of(row.values() for row in self._read(COLUMNS_THERE, ()))

    def _patiently(self, step: Callable[[], T]) -> T:
        """Return the value of `step()`, tried again while others hold the lock and time is left."""
        while True:
            try:
                return step()
            except (sqlite3.OperationalError, BlockingIOError) as error:
                if not _is_locked(error) or not current_deadline().left():
                    raise
                current_deadline().clock.sleep(min(_PAUSE_SECONDS, current_deadline().left()))

    def _failure(self, operation: str, error: sqlite3.Error | OSError) -> StorageError:
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        if _is_locked(error):
            cause = "others kept it locked for all the time there was"
        elif os.path.isdir(self._path):  # noqa: PTH112  unlike that of a Path, it never raises
            cause = "it is a folder; expected a file"
        return StorageError(f"cannot {operation} {self._path}: {cause}")


def open_sqlite(url: SinkUrl, _context: SinkContext) -> SqliteSink:
    """Open the sink of a `sqlite:` URL."""
    return SqliteSink(url.text, Path(url.path))


def _is_locked(error: Exception) -> bool:
    texts = ("database is locked", "database table is locked")
    return isinstance(error, BlockingIOError) or str(error).startswith(texts)


def _by_function_and_time(wanted: JobFilter) -> dict[str, str | None]:
    return {"function_name = ?": wanted.function_name, f"{MOMENT} >= ?": time_text(wanted.since)}


def _where(asked: Mapping[str, str | None]) -> tuple[str, tuple[str, ...]]:
    """Return the conditions that have a value as one, and their values."""
    conditions = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join(conditions) or "TRUE", tuple(conditions.values())
