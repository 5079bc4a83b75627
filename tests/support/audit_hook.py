"""Record of the network and file operations of a piece of code, as Python reports them (`sys.addaudithook`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_TWO_PATHS = {"os.rename", "os.link", "os.symlink"}
_CHANGING = {*_TWO_PATHS, "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "sqlite3.connect"}
_ASKING = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex"}


@dataclass
class Watched:
    """Resolved names, connected addresses, and paths that were written, created, renamed or removed."""

    names: set[str] = field(default_factory=set)
    called: set[object] = field(default_factory=set)
    changed: set[Path] = field(default_factory=set)

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        """Record one audit event."""
        if event in {"socket.connect", "socket.sendto"}:
            self.called.add(arguments[1])
        elif event in _ASKING:
            self.names.add(str(arguments[0]))
        elif event in _CHANGING:
            self._change(*arguments[: 2 if event in _TWO_PATHS else 1])
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            self._change(arguments[0])

    def _change(self, *paths: object) -> None:
        texts = [os.fsdecode(path) for path in paths if isinstance(path, (str, bytes, os.PathLike))]
        self.changed |= {Path(text).resolve() for text in texts if "__pycache__" not in text and text != os.devnull}


_watching: list[Watched] = []


@contextmanager
def watched() -> Iterator[Watched]:
    """Record the operations of all threads of this process until the end of the block."""
    seen = Watched()
    _watching.append(seen)
    yield seen
    _watching.remove(seen)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    for seen in _watching:
        seen.note(event, arguments)


sys.addaudithook(_hook)  # for ever: Python has no way to take one away
