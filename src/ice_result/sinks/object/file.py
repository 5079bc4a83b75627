"""The folder behind `file:`: every file is whole at every moment, and durable once its address is known."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

from typing_extensions import override

from ice_result.errors import StorageError, shorten
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.layout import KINDS, MARK, Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import KEYS_A_PAGE, ObjectStore
from ice_result.sinks.parked_model import Listed
from ice_result.sinks.registry import SinkUrl

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileStore(ObjectStore):
    """Files below `folder`, which is made when first needed.

    A process killed while it writes leaves at most a file `.<random>.tmp`, which nothing reads.
    """

    folder: Path

    @override
    def check_exists(self, url: str, /) -> None:
        """Check that the folder exists, and that it is empty or has a folder of a store. Raises StorageError."""
        try:
            names = {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}
        except FileNotFoundError as error:
            raise StorageError(f"no such folder: {self.folder} ({url})") from error
        except OSError as error:
            raise StorageError(f"cannot list {self.folder}: {error.strerror or error} ({url})") from error
        if names and names.isdisjoint({*KINDS, MARK}):
            *others, last = (f"{kind}/" for kind in KINDS)
            expected = f"expected a folder with {', '.join(others)} or {last} in it"
            raise StorageError(f"{self.folder} is not a store ({url}): {expected}{self._hint()}")

    def _hint(self) -> str:
        """Name the store that the folder is a part of, such as `out` for `out/records`."""
        above = next((path for path in (self.folder, *self.folder.parents) if path.name in KINDS), None)
        if above is None:
            return ""
        return f"; did you mean file:{above.parent if above.is_absolute() else f'./{above.parent}'}?"

    @override
    def address(self, key: str, /) -> str:
        """Return the path of the file."""
        return str(self.folder / key)

    @override
    def put(self, key: str, data: bytes, /) -> str:
        """Write the file unless it contains `data` already; return its path. Raises StorageError."""
        path = self.folder / key
        try:
            if _content(path) != data:
                _make_folder(path.parent)
                _replace(path, data)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
        return self.address(key)

    @override
    def put_over(self, key: str, data: bytes, /) -> bool:
        """Write the file; return False when there was none. Raises StorageError."""
        was_there = self.get(key) is not None
        self.put(key, data)
        return was_there

    @override
    def get(self, key: str, /) -> bytes | None:
        """Read the file; None when there is none. Raises StorageError, with path and cause."""
        path = self.folder / key
        try:
            return _content(path)
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror or error}") from error

    @override
    def delete(self, key: str, /) -> None:
        """Remove the file, durably. Raises StorageError, with path and cause."""
        path = self.folder / key
        try:
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except FileNotFoundError:  # its folder neither
            return
        except OSError as error:
            raise StorageError(f"cannot remove {path}: {error.strerror or error}") from error

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """List the files below `folder`, page by page; none when there is no such folder. Raises StorageError."""
        files = self._files(folder, after)
        while page := [*islice(files, KEYS_A_PAGE)]:
            yield page

    @override
    def is_empty(self, folder: str, /) -> bool:
        """Tell if there is no file below `folder`. It ends at the first file. Raises StorageError."""
        return next(self._files(folder, ""), None) is None

    def _files(self, folder: str, after: str) -> Iterator[Listed]:
        for key, entry in _in_order(folder, _entries(self.folder / folder)):
            if key.endswith("/"):
                if key > after or after.startswith(key):
                    yield from self._files(key, after)
            elif key > after and not (entry.name.startswith(".") and entry.name.endswith(".tmp")):
                yield from _listed(key, entry)

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        """List the folders in `folder`, by name; none when there is no such folder. Raises StorageError."""
        return (entry.name for entry in _entries(self.folder / folder) if _is_folder(entry))


def open_file(url: SinkUrl, _context: SinkContext) -> ObjectStoreSink:
    """Open the sink of a `file:` URL."""
    return ObjectStoreSink(url.text, FileStore(Path(url.path)), Layout())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [*entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"cannot list {folder}: {error.strerror or error}") from error


def _in_order(folder: str, entries: Iterable[os.DirEntry[str]]) -> list[tuple[str, os.DirEntry[str]]]:
    """Sort entries by the key of the file, or the start of all keys in the folder: then all keys are in order."""
    keyed = [(f"{folder}{entry.name}/" if _is_folder(entry) else f"{folder}{entry.name}", entry) for entry in entries]
    return sorted(keyed, key=lambda each: each[0])


def _listed(key: str, entry: os.DirEntry[str]) -> Iterator[Listed]:
    try:
        yield Listed(key, datetime.fromtimestamp(entry.stat().st_mtime, timezone.utc))
    except FileNotFoundError:  # removed since the folder was read
        return
    except OSError as error:  # as of a link to itself: nobody can read it
        _log.warning("skipped %s: %s", shorten(key), error.strerror or error)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes) -> None:
    """Replace a file by a new one in a single step: readers see the old file or the new one.

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
