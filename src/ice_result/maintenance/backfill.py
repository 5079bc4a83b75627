"""Backfill: jobs by their ids, recorded here or sent to the queue in front of the function.

    ids ──► each id once ──► rate limit ──► pipeline ──► recorded or parked ──► done
                                       └──► queue, 16 jobs per request ───────┘

Every job that is done is written to a file, so that an interrupted backfill can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, NamedTuple, TypeAlias

from typing_extensions import Self

from ice_result.core.calls import RateLimiter
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.file_locks import lock
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JobId
from ice_result.errors import IceResultError, StorageError
from ice_result.maintenance.job_queue import MOST_JOBS, QueueSender
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.triggers import JobEvent

_HEADER = b"# ice-result backfill: these jobs are done with\n"
JobNews: TypeAlias = Literal["new", "done before", "named twice"]


class Progress:
    """Jobs that are done, in a file with one line per job. Without a path, only in memory.

    One process at a time uses the file. When a process is killed, the last line may be incomplete; the next process
    removes it, and the job in it is done again.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises StorageError for a file that cannot be used, is in use, or is not a file of ice-result."""
        self._path = path
        self._file: IO[bytes] | None = None
        self._known: dict[str, JobNews] = {}
        if path is not None:
            try:
                self._file, self._known = _open(path)
            except OSError as error:
                raise self._refused(error) from error

    def take(self, job_id: JobId) -> JobNews:
        """Return `new` for a job that is named for the first time and was not done before."""
        news = self._known.get(job_id, "new")
        self._known[job_id] = "named twice"
        return news

    def done(self, job_ids: Sequence[JobId]) -> None:
        """Write down that these jobs are done. Raises StorageError."""
        if self._file is None:
            return
        try:
            self._file.write("".join(f"{job_id}\n" for job_id in job_ids).encode())
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # `done` has reported the lines that could not be written
                self._file.close()

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(f"cannot keep progress in {self._path}: {error.strerror or error}; see --resume")


def _open(path: Path) -> tuple[IO[bytes], dict[str, JobNews]]:
    """Open the file for more lines, and read the jobs in it. An incomplete last line is cut off."""
    file = path.open("a+b")
    try:
        lock(file.fileno())
    except BlockingIOError as error:
        file.close()
        raise StorageError(
            f"{path}: another backfill uses it; wait until that has ended, or name another file with --resume"
        ) from error
    file.seek(0)
    first = file.readline(len(_HEADER))
    if not _HEADER.startswith(first):
        file.close()
        raise StorageError(f"{path}: not the progress of a backfill, and so left alone; name another with --resume")
    if first != _HEADER:
        file.truncate(0)
        file.write(_HEADER)
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


def record(pipeline: Pipeline, job_ids: Iterable[JobId], run: RunContext, rate: RateLimiter) -> Iterator[JobOutcome]:
    """Process each job here. Yields each outcome as soon as the job has ended."""

    def events() -> Iterator[JobEvent]:
        for job_id in job_ids:
            rate.take_turn()
            yield JobEvent(job_id=job_id, payload={"JobId": job_id})

    return (outcome for _, outcome in pipeline.process_events(events(), run))


class SentBatch(NamedTuple):
    """Result of sending a batch of at most 16 jobs. After an error, some of them may be in the queue."""

    job_ids: tuple[JobId, ...]
    error: IceResultError | None


def send(
    sender: QueueSender,
    job_ids: Iterable[JobId],
    deadline: Callable[[], Deadline],
    rate: RateLimiter,
    *,
    at_once: int,
) -> Iterator[SentBatch]:
    """Send each job to the queue, `at_once` batches at a time. Yields each batch as soon as it is sent.

    After a permanent error, such as that of a missing queue, no further batch is begun.
    """

    def send_one(batch: tuple[JobId, ...]) -> SentBatch:
        try:
            with time_limit(deadline()):
                sender.send(batch)
        except IceResultError as error:
            return SentBatch(batch, error)
        return SentBatch(batch, None)

    sending: AsCompleted[None, SentBatch] = AsCompleted()
    remaining = iter(job_ids)
    while batch := tuple(islice(remaining, MOST_JOBS)):
        rate.take_turn(len(batch))
        sending.start(None, partial(send_one, batch))
        ended = [sent for _, sent in sending.ended(at_once - 1)]
        yield from ended
        if any(sent.error and not sent.error.transient for sent in ended):
            break
    yield from (sent for _, sent in sending.ended())
