"""Locks between processes, held by an open file. The system releases them when the process ends in any way.

The standard library has what it takes; filelock locks files of its own, where here the file or folder in use is locked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 2**30  # after the content: other processes cannot read locked bytes

    def lock(descriptor: int) -> None:
        """Lock an open file until it is closed. Raises BlockingIOError when another process holds the lock."""
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, "locked by another process") from error
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)

    @contextmanager
    def locked_folder(_folder: Path) -> Iterator[None]:
        """Do nothing: on Windows, an open file can be neither moved nor removed."""
        yield

else:
    import fcntl

    def lock(descriptor: int) -> None:
        """Lock an open file until it is closed. Raises BlockingIOError when another process holds the lock."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @contextmanager
    def locked_folder(folder: Path) -> Iterator[None]:
        """Hold the lock of a folder. Raises BlockingIOError when another process, or thread, holds it."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            lock(descriptor)
            yield
        finally:
            os.close(descriptor)
