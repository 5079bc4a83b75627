"""Many jobs that no event told of: recorded here, or handed to the queue in front of the function.

    ids ──► taken once ──► at a pace ──► pipeline ──► recorded or parked ──► done
                                   └──► queue, 16 at a time ────────────────┘

What is done with is written into a file as it is, so that a backfill that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

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
_DIGEST_BYTES = 16


class Taken(Enum):
    """Whether a job is to be worked on."""

    NEW = "new"
    DONE_BEFORE = "done before"
    AGAIN = "named twice"


class Progress:
    """Which jobs are done with, in a file that only grows: one line a job. Without a path, only for this run.

    Only one process at a time uses the file. A job costs some 120 bytes of memory. A process that is killed leaves at
    most one line that is not whole, which the next one removes; the job in it is then done again.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises StorageError for a file that cannot be used, that is in use, or that is none of ours."""
        self._path = path
        self._file: IO[bytes] | None = None
        self._known: dict[bytes, Taken] = {}
        if path is not None:
            try:
                self._file, self._known = _open(path)
            except OSError as error:
                raise self._refused(error) from error

    def take(self, job_id: JobId) -> Taken:
        """Each job is new once, unless it was done before."""
        digest = _digest(job_id.encode())
        taken = self._known.get(digest, Taken.NEW)
        self._known[digest] = Taken.AGAIN
        return taken

    def done(self, job_ids: Sequence[JobId]) -> None:
        """Remember these over the end of the process. Raises StorageError."""
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
            with suppress(OSError):  # what could not be written was told of then
                self._file.close()

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(f"cannot keep progress in {self._path}: {error.strerror or error}; see --resume")


def _open(path: Path) -> tuple[IO[bytes], dict[bytes, Taken]]:
    """The file, ready for more lines, and the jobs in it. A last line that is not whole is cut off."""
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
    done, whole = {}, len(first)
    for line in file:
        if line.endswith(b"\n"):
            done[_digest(line[:-1])] = Taken.DONE_BEFORE
            whole += len(line)
    file.truncate(whole)
    return file, done


def _digest(job_id: bytes) -> bytes:
    return blake2b(job_id, digest_size=_DIGEST_BYTES).digest()


def record(pipeline: Pipeline, job_ids: Iterable[JobId], run: RunContext, rate: RateLimiter) -> Iterator[JobOutcome]:
    """Bring each job to its end here; each outcome in the order they come to it."""

    def events() -> Iterator[JobEvent]:
        for job_id in job_ids:
            rate.take_turn()
            yield JobEvent(job_id=job_id, payload={"JobId": job_id})

    return (outcome for _, outcome in pipeline.process_events(events(), run))


class Sent(NamedTuple):
    """What became of a batch of at most 16: in the queue, unless there is an error; then some of it may be."""

    job_ids: tuple[JobId, ...]
    error: IceResultError | None


def send(
    sender: QueueSender,
    job_ids: Iterable[JobId],
    deadline: Callable[[], Deadline],
    rate: RateLimiter,
    *,
    at_once: int,
) -> Iterator[Sent]:
    """Put each job into the queue, `at_once` batches at a time; each batch as soon as it is there.

    After an error that will not pass, as of a queue that is not there, no more are begun.
    """

    def send_one(batch: tuple[JobId, ...]) -> Sent:
        try:
            with time_limit(deadline()):
                sender.send(batch)
        except IceResultError as error:
            return Sent(batch, error)
        return Sent(batch, None)

    under_way: AsCompleted[None, Sent] = AsCompleted()
    for batch in _batches(job_ids):
        rate.take_turn(len(batch))
        under_way.start(None, partial(send_one, batch))
        ended = [sent for _, sent in under_way.ended(at_once - 1)]
        yield from ended
        if any(sent.error and not sent.error.transient for sent in ended):
            break
    yield from (sent for _, sent in under_way.ended())


def _batches(job_ids: Iterable[JobId]) -> Iterator[tuple[JobId, ...]]:
    remaining = iter(job_ids)
    while batch := tuple(islice(remaining, MOST_JOBS)):
        yield batch
