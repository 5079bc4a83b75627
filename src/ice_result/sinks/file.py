"""The folder behind `file:`: every file is whole at every moment, and durable once its address is known."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ice_result.calls import Deadline
from ice_result.errors import StorageError
from ice_result.sinks.layout import Layout
from ice_result.sinks.model import Listed, SinkContext
from ice_result.sinks.objects import ObjectSink
from ice_result.sinks.urls import SinkUrl


@dataclass(frozen=True)
class FileStore:
    """Files below `folder`, which is made when first needed.

    A process killed while it writes leaves at most a file `.<random>.tmp`, which nothing reads.
    """

    folder: Path

    def address(self, key: str, /) -> str:
        """The path of the file."""
        return str(self.folder / key)

    def put(self, key: str, data: bytes, _deadline: Deadline, /) -> str:
        """Write the file unless it holds `data` already; its path. Raises StorageError, with path and cause."""
        path = self.folder / key
        try:
            if _content(path) != data:
                _make_folder(path.parent)
                _replace(path, data)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
        return self.address(key)

    def get(self, key: str, _deadline: Deadline, /) -> bytes | None:
        """The content of the file; None when there is none. Raises StorageError, with path and cause."""
        path = self.folder / key
        try:
            return _content(path)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}") from error

    def delete(self, key: str, _deadline: Deadline, /) -> None:
        """Remove the file, durably. Raises StorageError, with path and cause."""
        path = self.folder / key
        try:
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except FileNotFoundError:  # its folder neither
            return
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror or error}") from error

    def list(self, folder: str, _deadline: Deadline, /) -> Iterator[Listed]:
        """The files below `folder`; none when there is no such folder. Raises StorageError."""
        for entry in _entries(self.folder / folder):
            if entry.is_dir():
                yield from self.list(f"{folder}{entry.name}/", _deadline)
            elif not (entry.name.startswith(".") and entry.name.endswith(".tmp")):
                yield from _listed(f"{folder}{entry.name}", entry)

    def children(self, folder: str, _deadline: Deadline, /) -> Iterator[str]:
        """The folders in `folder`, by name; none when there is no such folder. Raises StorageError."""
        return (entry.name for entry in _entries(self.folder / folder) if entry.is_dir())


def open_file(url: SinkUrl, _context: SinkContext) -> ObjectSink:
    """The sink of a `file:` URL."""
    return ObjectSink(url.text, FileStore(Path(url.path)), Layout())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"cannot list {folder}: {error.strerror or error}") from error


def _listed(key: str, entry: os.DirEntry[str]) -> Iterator[Listed]:
    try:
        yield Listed(key, datetime.fromtimestamp(entry.stat().st_mtime, timezone.utc))
    except FileNotFoundError:  # removed since the folder was read
        return


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes) -> None:
    """A new file takes the place of the old one in a single step: readers see the one or the other.

    write .tmp ── fsync ──► rename over path ── fsync folder ──► durable
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Make `folder` and those above it, each durably: a new folder is an entry in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
