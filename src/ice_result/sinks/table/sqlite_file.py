"""File of a SQLite store, open for writing; opened again when another file, or none, is in its place.

    connection() ──► is the file at the path still the one that is open?
                       yes ──► its connection
                       no  ──► its log is folded into it, wherever it is now
                               what is left of the log at the path is removed
                               the path is opened, and a new file made if there is none

A file that was moved away keeps all that was written to it. A log (`-wal`) and its index (`-shm`) belong to one file
alone: beside another they would damage it, or make every process that opens it fail. So processes open files one
after the other, under the lock of their folder, and each removes only the log of a file that is no longer there.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ice_result.core.file_locks import locked_folder

BUSY_SECONDS = 0.25
"""Longest time that SQLite waits for a lock by itself."""
_SECONDS_TO_END = 1.0
_SET_UP = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"  # a COMMIT is on disk when it returns
_LOG, _INDEX, _JOURNAL = "-wal", "-shm", "-journal"
_Identity = tuple[int, int]


class _Open(NamedTuple):
    """Open connection, its finalizer, and the identities of its files."""

    connection: sqlite3.Connection
    finalizer: weakref.finalize[[sqlite3.Connection, threading.Lock], SqliteFile]
    file: _Identity | None
    log: _Identity | None


class SqliteFile:
    """Connection for writing to the file at a path, for the thread that has the `lock`."""

    def __init__(self, path: Path, lock: threading.Lock) -> None:
        self._path = path
        self._lock = lock
        self._open: _Open | None = None

    def connection(self) -> sqlite3.Connection:
        """Return the connection to the file that is at the path now. Raises OSError and sqlite3.Error.

        BlockingIOError and `database is locked` mean that another process is in the way at this moment.
        """
        if self._open and self.is_current():
            return self._open.connection
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked_folder(self._path.resolve().parent):
            self._leave()
            if not self._path.exists():
                self._remove(_LOG, _INDEX, _JOURNAL)
            self._open = self._opened()
        return self._open.connection

    def is_current(self) -> bool:
        """Tell if the file at the path is the open one."""
        return self._open is not None and self._open.file == _identity(self._path)

    def _opened(self) -> _Open:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.executescript(_SET_UP)
            file, log = _identity(self._path), _identity(self._beside(_LOG))
        except BaseException:
            connection.close()
            raise
        return _Open(connection, weakref.finalize(self, _close_at_end, connection, self._lock), file, log)

    def _leave(self) -> None:
        """Close the file that was open, whole, and remove its log where it no longer belongs."""
        if self._open is None:
            return
        left, self._open = self._open, None
        with suppress(sqlite3.Error):  # the file may be of a disk that is gone
            left.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left.finalizer.detach()
        left.connection.close()
        if left.log is not None and _identity(self._beside(_LOG)) == left.log:
            self._remove(_LOG, _INDEX)

    def _remove(self, *suffixes: str) -> None:
        for suffix in suffixes:
            self._beside(suffix).unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        """Return the path of a file beside it: SQLite names such files after the target of a symbolic link."""
        file = self._path.resolve()
        return file.with_name(file.name + suffix)


def _close_at_end(connection: sqlite3.Connection, lock: threading.Lock) -> None:
    """Close a connection that nobody needs any more, or that the process ends with.

    SQLite crashes if a connection is closed while another thread uses it. At the end of the process, the lock is kept,
    so that no thread uses the closed connection. While a thread has the lock, the connection is left open: the next
    process that opens the file finds all that was committed in its log.
    """
    if lock.acquire(timeout=_SECONDS_TO_END):
        connection.close()


def _identity(path: Path) -> _Identity | None:
    """Return the identity of the file at a path, however it is named; None when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
