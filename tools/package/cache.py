"""Packages that were built before: each is found by the hash of everything that it was made of.

By hand: make and its like compare times, which a checkout sets anew, and know nothing of a killed build.

packages/3f0c…/             a finished build
  ice-result-….zip
  ice-result-….cdx.json
  SHA256SUMS                of the two
packages/81aa….unfinished/  a build that goes on, or one that was killed
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from targets import Target

NEWEST = 4
"""How many packages of a runtime stay: with and without extras, before and after a change."""
SUMS = "SHA256SUMS"


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Wait until no other process has the lock, and hold it; a process that dies lets go of it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hash_inputs(target: Target, extras: list[str], version: str, root: Path, files: Iterable[Path]) -> str:
    """The same for the same content of `files`, the same interpreter that compiles and the same zlib that packs."""
    inputs = {
        "runtime": target.tag,
        "python": target.version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "extras": extras,
        "version": version,
        "files": {path.relative_to(root).as_posix(): _sha256(path) for path in files},
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


class PackageCache:
    """The finished packages in a folder. Only one process at a time may use it: see `exclusive`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder(self, key: str) -> Path:
        """Where the finished package with this hash is, or would be."""
        return self._folder / key

    def find(self, key: str) -> Path | None:
        """The folder of the package with this hash, if it is there with the bytes that were written."""
        folder = self.folder(key)
        sums = folder / SUMS
        if not sums.is_file() or sums.read_text(encoding="utf-8") != _sums(folder):
            return None
        os.utime(folder)  # it is in use
        return folder

    @contextmanager
    def add(self, key: str) -> Iterator[Path]:
        """A folder to build in, which becomes the package with this hash unless the build fails."""
        for left in self._folder.glob("*.unfinished"):
            shutil.rmtree(left)
        unfinished = self._folder / f"{key}.unfinished"
        unfinished.mkdir(parents=True)
        yield unfinished
        (unfinished / SUMS).write_text(_sums(unfinished), encoding="utf-8")
        shutil.rmtree(self.folder(key), ignore_errors=True)
        unfinished.rename(self.folder(key))
        for old in sorted(self._folder.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)[:-NEWEST]:
            shutil.rmtree(old)


def _sums(folder: Path) -> str:
    """As sha256sum writes and checks them."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{_sha256(path)}  {path.name}\n" for path in files)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
