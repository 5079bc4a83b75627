"""`backfill`: many jobs by their ids, recorded here or sent to the queue in front of the function.

    ids ──► each id once ──► rate limit ──► pipeline ──► recorded or parked ──► done
                                       └──► queue, 16 jobs per request ───────┘

Every job that is done is written to a file, so that an interrupted backfill can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Literal, NamedTuple, TypeAlias

import click
from typing_extensions import Self

from ice_result.app import assemble, queue_at
from ice_result.cli.inputs import (
    environment_with,
    line_per_job,
    longest_wait,
    open_input,
    other_sinks,
    read_lines,
    saved_jobs,
)
from ice_result.cli.keys import usable_credentials
from ice_result.cli.output import OutcomePrinter, write_line
from ice_result.core.calls import RateLimiter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.file_locks import lock
from ice_result.core.json_text import dump
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JobId
from ice_result.errors import IceResultError, StorageError
from ice_result.maintenance.mns_queue import MOST_JOBS, MnsQueue
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import EVERYTHING, QUEUE, Settings
from ice_result.triggers import JobEvent

_CHUNK_BYTES = 1 << 20
_HEADER = b"# ice-result backfill: these jobs are done with\n"
JobNews: TypeAlias = Literal["new", "done before", "named twice"]


@click.command()
@click.argument("file")
@click.option(
    "--qps", metavar="N", type=click.FloatRange(min=0, min_open=True), help="Begin at most N jobs per second."
)
@click.option("--via-queue", "queue", metavar="QUEUE", help="Send the jobs to this MNS queue, for the function.")
@click.option("--resume", metavar="PATH", help="Keep the list of done jobs here, in place of FILE.done.")
@saved_jobs
@other_sinks
@longest_wait("one job, or one batch for the queue")
@line_per_job
def backfill(
    *,
    file: str,
    qps: float | None,
    queue: str | None,
    resume: str | None,
    jobs: str | None,
    sinks: tuple[str, ...],
    wait: float,
    as_json: bool,
) -> int:
    """Record the jobs whose ids are in FILE, one per line; - is standard input.

    A line may also be JSON, as other commands print it. Blank lines, and lines that begin with #, are skipped. The jobs
    that are done are listed in FILE.done, so that a second run resumes an interrupted one; for standard input, only
    with --resume. Recorded, parked and queued jobs are done; failed jobs are tried again.

    Exit status: 0 when nothing was parked or failed and every line was a job id, 1 otherwise, 2 for usage.
    """
    if queue and (sinks or jobs):
        raise click.UsageError("--sink and --jobs are the function's own with --via-queue")
    rate = RateLimiter(per_second=qps)
    is_file = Path(file).is_file()  # a stream can be read only once
    done_path = Path(resume) if resume else Path(f"{file}.done") if is_file else None
    with open_input(file) as lines:
        section = QUEUE if queue else EVERYTHING
        settings = Settings.from_environment(environment_with(sinks, jobs), section)
        total = _count_lines(Path(file)) if is_file else None
        console = OutcomePrinter(total=total, as_json=as_json)
        with Progress(done_path) as progress:
            target = _sender(queue, settings) if queue else assemble(settings, usable_credentials(settings))
            with console, closing(target):
                work = _Work(lines, progress, console, as_json=as_json)
                if isinstance(target, MnsQueue):
                    work.send(target, rate, wait, at_once=settings.concurrency)
                else:
                    work.record(target, rate, wait)
    return 0 if work.clean else 1


def _sender(queue: str, settings: Settings) -> MnsQueue:
    """Make the sender before any job is read. Raises SettingsError."""
    credentials = Credentials()
    sender = queue_at(settings, credentials, queue)
    sender.load()
    credentials.require()
    return sender


def _count_lines(path: Path) -> int:
    with path.open("rb") as counted:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: counted.read(_CHUNK_BYTES), b""))


class _Work:
    """The jobs of a run, and their outcomes. `clean` is false after a line or a job that did not end well."""

    def __init__(self, lines: Iterable[bytes], progress: Progress, console: OutcomePrinter, *, as_json: bool) -> None:
        self._lines = lines
        self._progress = progress
        self._console = console
        self._as_json = as_json
        self.clean = True

    def job_ids(self) -> Iterator[JobId]:
        """Yield each job that is not done, once."""
        for line in read_lines(self._lines):
            if line.job_id is None:
                self.clean = False
                self._console.skip("unreadable")
                self._console.print_error(line.problem)
            elif (news := self._progress.take(line.job_id)) == "new":
                yield line.job_id
            else:
                self._console.skip(news)

    def record(self, pipeline: Pipeline, rate: RateLimiter, wait: float) -> None:
        def events() -> Iterator[JobEvent]:
            for job_id in self.job_ids():
                rate.take_turn()
                yield JobEvent(job_id=job_id, payload={"JobId": job_id})

        for _, outcome in pipeline.process_events(events(), RunContext(lambda: Deadline.after(wait))):
            self._console.count(outcome)  # first: after Ctrl-C, the summary has every job of FILE.done
            if outcome.job_id and outcome.outcome != "failed":
                self._progress.done([JobId(outcome.job_id)])
            self.clean = self.clean and outcome.outcome == "recorded"
            self._console.show(outcome)

    def send(self, sender: MnsQueue, rate: RateLimiter, wait: float, *, at_once: int) -> None:
        """Send the jobs to the queue. Raises a permanent error, after which no job can be sent."""
        permanent = None
        for sent in send(sender, self.job_ids(), lambda: Deadline.after(wait), rate, at_once=at_once):
            self._console.add("failed" if sent.error else "queued", len(sent.job_ids))  # first, as above
            if not sent.error:
                self._progress.done(sent.job_ids)
            elif not sent.error.transient:
                permanent = permanent or sent.error
            self._show(sent)
        if permanent:
            raise permanent

    def _show(self, sent: SentBatch) -> None:
        if self._as_json:
            outcome, reason = ("failed", str(sent.error)) if sent.error else ("queued", None)
            for job_id in sent.job_ids:
                write_line(dump({"job_id": job_id, "outcome": outcome, "reason": reason}))
        if sent.error and sent.error.transient:
            self.clean = False
            self._console.print_error(str(sent.error))


class SentBatch(NamedTuple):
    """Result of sending a batch of at most 16 jobs. After an error, some of them may be in the queue."""

    job_ids: tuple[JobId, ...]
    error: IceResultError | None


def send(
    sender: MnsQueue,
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

    def __exit__(self, *_error: object) -> None:
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
