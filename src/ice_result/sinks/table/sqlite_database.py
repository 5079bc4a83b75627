"""The database behind `sqlite:`: each change is one transaction, in a file that many threads and processes may share.

    thread ──lock──► the process's one connection ──BEGIN IMMEDIATE──► the file (write-ahead log, fsync at COMMIT)

One connection is kept open for writing: a new one for every job made it a fifth as fast [measured], because the last
to close a database folds the log back into it. The log needs shared memory, which network file systems lack.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ice_result.core.deadline import current_deadline
from ice_result.errors import StorageError
from ice_result.sinks.base import TableState, TableStatus
from ice_result.sinks.table.rows import Row
from ice_result.sinks.table.schema import JOBS, SQLITE_TABLES, Table
from ice_result.sinks.table.sqlite_file import BUSY_SECONDS, SqliteFile
from ice_result.sinks.table.sqlite_search import index_captions
from ice_result.sinks.table.sqlite_versions import COLUMNS_THERE, Columns, check_tables, columns_of, prepare_tables

T = TypeVar("T")
_PAUSE_SECONDS = 0.02  # for the cases where it does not wait at all
_NO_TABLE = {f"no such table: {table.name}" for table in SQLITE_TABLES}


class SqliteDatabase:
    """Tables of this version in one SQLite file, which is made when it is first written to."""

    def __init__(self, path: Path) -> None:
        self._named = path
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._file = SqliteFile(self._path, self._lock)
        self._prepared: sqlite3.Connection | None = None  # the one whose tables are of this version
        self._is_indexed = False

    def check_exists(self, url: str) -> None:
        """Check that the file exists and has a table of ours. Raises StorageError, which names `url`."""
        if not self.exists():
            raise StorageError(f"no such file: {self._named} ({url})")
        if self.columns().keys().isdisjoint(table.name for table in SQLITE_TABLES):
            raise StorageError(f"{self._named} is not a store ({url}): expected a file with the table {JOBS.name}")

    def exists(self) -> bool:
        """Tell if the file exists. Raises StorageError for a path at which no file can be."""
        try:
            self._check_kind()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failure("read", error) from error
        return True

    def _check_kind(self) -> None:
        """Check that there is no pipe at the path: opening it would never end. Raises OSError and StorageError."""
        mode = self._path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise StorageError(f"cannot use {self._named}: it is not a regular file")

    def prepare(self, *, dry_run: bool) -> tuple[TableStatus, ...]:
        """Make the file and the tables that are missing. Raises StorageError for a table without our columns."""
        there = self.columns()
        check_tables(there, self._named)
        if not dry_run:
            with self._transaction():
                pass
        made: TableState = "missing" if dry_run else "created"
        return tuple(TableStatus(table.name, "present" if table.name in there else made) for table in SQLITE_TABLES)

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Return the value of `change`, made in one transaction; made again in the file that is at the path then."""
        while True:
            with self._transaction() as connection:
                value = change(connection)
            if self._file.is_current():
                return value
            if not current_deadline().left():
                raise StorageError(f"cannot write {self._named}: the file was moved away while it was written to")

    def read(self, query: str, values: tuple[str | int, ...]) -> Iterator[Row]:
        """Read the rows of a query, one by one, on a connection of its own: nobody waits for a slow reader."""
        if not self.exists():
            return
        try:
            connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            with closing(connection):
                connection.row_factory = sqlite3.Row
                yield from map(dict, self._patiently(lambda: connection.execute(query, values)))
        except OSError as error:
            raise self._failure("read", error) from error
        except sqlite3.Error as error:
            if str(error) not in _NO_TABLE:  # another process makes it just now, or an earlier version made the file
                raise self._failure("read", error) from error

    def columns(self) -> Columns:
        """Read the present columns by table."""
        return columns_of(row.values() for row in self.read(COLUMNS_THERE, ()))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction in the file at the path; it is committed at the end, or rolled back."""
        if not self._lock.acquire(timeout=min(current_deadline().left(), threading.TIMEOUT_MAX)):
            raise StorageError(
                f"cannot write {self._named}: other threads of this process held the database until the time limit"
            )
        try:
            connection = self._patiently(self._begin)
            try:
                if connection is not self._prepared:
                    prepare_tables(connection, self._named)
                    self._is_indexed = False
                if not self._is_indexed:
                    self._is_indexed = index_captions(connection)  # a part of what writers without FTS5 left
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
        with suppress(OSError):
            self._check_kind()
        connection = self._file.connection()
        connection.execute("BEGIN IMMEDIATE")
        return connection

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
            cause = "another process kept it locked until the time limit"
        elif os.path.isdir(self._path):  # noqa: PTH112  unlike that of a Path, it never raises
            cause = "it is a folder; expected a file"
        return StorageError(f"cannot {operation} {self._named}: {cause}")


def insert(table: Table) -> str:
    """Return the statement that inserts a row."""
    names = ", ".join(column.name for column in table.written)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.written))})"  # noqa: S608  our names


def upsert(table: Table) -> str:
    """Return the statement that inserts a row, in place of the one with its key."""
    key = ", ".join(column.name for column in table.key)
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.written if not column.key)
    return f"{insert(table)} ON CONFLICT ({key}) DO UPDATE SET {changes}"


def _is_locked(error: Exception) -> bool:
    texts = ("database is locked", "database table is locked")
    return isinstance(error, BlockingIOError) or str(error).startswith(texts)
