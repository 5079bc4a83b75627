"""The list of done jobs of a backfill: a file beside the list of ids, one for each target.

# ice-result backfill: done for file:/srv/out
cover-0001
videoclip-0001
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, NamedTuple, TypeAlias

from typing_extensions import Self

from ice_result.core.file_locks import lock
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.settings import Settings
from ice_result.sinks.registry import SinkUrl

_HEADER = "# ice-result backfill: done for "
_LONGEST_HEADER = 1 << 16
JobNews: TypeAlias = Literal["new", "done before", "named twice"]


class Target(NamedTuple):
    """Place that a backfill brings jobs to: sinks, or a queue. Another target has another list of done jobs."""

    name: str

    @classmethod
    def of_sinks(cls, sinks: Iterable[SinkUrl]) -> Target:
        """Name the sinks, in any order. A path means the same from every folder."""
        return cls(", ".join(sorted({_from_everywhere(url) for url in sinks})))

    @classmethod
    def of_queue(cls, queue: str, settings: Settings) -> Target:
        """Name the queue, and the account that its endpoint belongs to."""
        return cls(f"queue {queue} at {settings.mns_endpoint}")

    def path_beside(self, file: Path) -> Path:
        """Return the path of the list of done jobs: FILE, eight digits for the target, and `.done`."""
        digits = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return file.with_name(f"{file.name}.{digits}.done")


def _from_everywhere(url: SinkUrl) -> str:
    return f"{url.scheme}:{Path(url.path).absolute()}" if url.scheme in {"file", "sqlite"} else url.text.rstrip("/")


class Progress:
    """Jobs that are done, in a file with one line per job. Without a path, only in memory.

    One process at a time uses the file. When a process is killed, the last line may be incomplete; the next process
    removes it, and the job in it is done again.
    """

    def __init__(self, path: Path | None, target: Target) -> None:
        """Raises StorageError for a file that cannot be used, is in use, or is not the progress of this target."""
        self._path = path
        self._file: IO[bytes] | None = None
        self._known: dict[str, JobNews] = {}
        self._is_new = False  # and no job was done
        if path is not None:
            self._is_new = not path.exists()
            try:
                self._file, self._known = _open(path, target)
            except OSError as error:
                raise self._refused(error) from error

    @property
    def is_resumed(self) -> bool:
        """True when jobs were done before."""
        return bool(self._known)

    def take(self, job_id: JobId) -> JobNews:
        """Return `new` for a job that is named for the first time and was not done before."""
        news = self._known.get(job_id, "new")
        self._known[job_id] = "named twice"
        return news

    def says(self, news: JobNews) -> str:
        """Return the news of a job with the name of the file that it comes from."""
        return f"{news} ({self._path})" if news == "done before" and self._path else news

    def done(self, job_ids: Sequence[JobId]) -> None:
        """Write down that these jobs are done. Raises StorageError."""
        if self._file is None:
            return
        self._is_new = False
        try:
            self._file.write("".join(f"{job_id}\n" for job_id in job_ids).encode())
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            with suppress(OSError):  # `done` has reported the lines that could not be written
                if self._is_new and self._path:
                    self._path.unlink()
                self._file.close()

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(f"cannot keep progress in {self._path}: {error.strerror or error}; see --resume")


def _open(path: Path, target: Target) -> tuple[IO[bytes], dict[str, JobNews]]:
    """Open the file for more lines, and read the jobs in it. An incomplete last line is cut off."""
    file = path.open("a+b")
    try:
        lock(file.fileno())
    except BlockingIOError as error:
        file.close()
        raise StorageError(
            f"{path}: another backfill uses it; wait until that has ended, or name another file with --resume"
        ) from error
    header = f"{_HEADER}{target.name}\n".encode()
    file.seek(0)
    first = file.readline(_LONGEST_HEADER)
    if first != header and not header.startswith(first):
        file.close()
        named = first.decode(errors="replace").strip().removeprefix(_HEADER)
        problem = (
            f"it has the progress for {named}, not for {target.name}"
            if first.startswith(_HEADER.encode())
            else "it is not a progress file of backfill"
        )
        raise StorageError(f"{path}: {problem}; the file was not changed: name another file with --resume")
    if first != header:
        file.truncate(0)
        file.write(header)
        file.flush()
        return file, {}
    done: dict[str, JobNews] = {}
    end = len(first)
    for line in file:
        if line.endswith(b"\n"):
            done[line[:-1].decode(errors="replace")] = "done before"
            end += len(line)
    file.truncate(end)
    return file, done
