"""`backfill`: many jobs by their ids, recorded here or handed to the queue in front of the function."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

import click

from ice_result.app import assemble
from ice_result.cli.inputs import (
    environment_with,
    line_per_job,
    longest_wait,
    open_lines,
    other_sinks,
    read_lines,
    saved_jobs,
)
from ice_result.cli.output import OutcomePrinter, write_line
from ice_result.core.calls import RateLimiter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.json_text import dump
from ice_result.core.types import JobId
from ice_result.maintenance.backfill import Progress, Sent, Taken, record, send
from ice_result.maintenance.job_queue import QueueSender
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import QUEUE, Settings


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C in here takes effect at the end of it. For what is short and waits for nobody, in the main thread."""
    held_back: list[FrameType | None] = []

    def hold_back(_number: int, frame: FrameType | None) -> None:
        held_back.append(frame)

    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a shell's background
        yield
        return
    signal.signal(signal.SIGINT, hold_back)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held_back:
        handler(signal.SIGINT, held_back[0])


_CHUNK_BYTES = 1 << 20


@click.command()
@click.argument("file")
@click.option("--qps", metavar="N", type=click.FloatRange(min=0, min_open=True), help="Begin at most N jobs a second.")
@click.option("--via-queue", "queue", metavar="QUEUE", help="Hand the jobs to this MNS queue: the function does them.")
@click.option("--resume", metavar="PATH", help="Keep what is done here, in place of FILE.done; for -, nowhere else.")
@saved_jobs
@other_sinks
@longest_wait("one job, or one batch for the queue, may take")
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
    """Record the jobs whose ids are in FILE, one a line; - is standard input.

    A line may also be JSON, as other commands print it. Blank lines and those that begin with # are skipped. What is
    done is kept in FILE.done: run it again after an interruption, and it goes on. Recorded, parked and queued jobs are
    done; failed ones are tried again.

    Exit status: 0 when nothing was parked or failed and every line was a job id, 1 otherwise, 2 for usage.
    """
    if queue and (sinks or jobs):
        raise click.UsageError("--sink and --jobs are the function's own with --via-queue")
    rate = RateLimiter(per_second=qps)
    with open_lines(file) as lines:
        if queue:
            run = _by_queue(queue, rate, wait)
        else:
            run = _here(Settings.from_environment(environment_with(sinks, jobs)), rate, wait)
        with (
            Progress(Path(resume) if resume else _beside(file)) as progress,
            OutcomePrinter(total=_count_lines(file), as_json=as_json) as console,
        ):
            work = _Work(lines, progress, console, as_json=as_json)
            run(work)
    return 0 if work.clean else 1


class _Work:
    """What there is to do, what is done of it, and whether all of it went well."""

    def __init__(self, lines: Iterable[bytes], progress: Progress, console: OutcomePrinter, *, as_json: bool) -> None:
        self._lines = lines
        self._progress = progress
        self._console = console
        self._as_json = as_json
        self.clean = True

    def job_ids(self) -> Iterator[JobId]:
        """The jobs to do, each once."""
        for line in read_lines(self._lines):
            if line.job_id is None:
                self.clean = False
                self._console.skip("unreadable")
                self._console.complain(line.problem)
            elif (taken := self._progress.take(line.job_id)) is Taken.NEW:
                yield line.job_id
            else:
                self._console.skip(taken.value)

    def record(self, pipeline: Pipeline, rate: RateLimiter, wait: float) -> None:
        """Do them here."""
        for outcome in record(pipeline, self.job_ids(), RunContext(lambda: Deadline.after(wait)), rate):
            kept = [JobId(outcome.job_id)] if outcome.job_id and outcome.outcome != "failed" else []
            with uninterrupted():  # the summary and FILE.done say the same
                self._progress.done(kept)
                self._console.ended(outcome)
            self.clean = self.clean and outcome.outcome == "recorded"
            self._console.show(outcome)

    def send(self, sender: QueueSender, rate: RateLimiter, wait: float, *, at_once: int) -> None:
        """Hand them to the queue. Raises the error after which it makes no sense to go on."""
        lasting = None
        for sent in send(sender, self.job_ids(), lambda: Deadline.after(wait), rate, at_once=at_once):
            with uninterrupted():  # as above
                self._progress.done(() if sent.error else sent.job_ids)
                self._console.tally(_outcome(sent), len(sent.job_ids))
            if sent.error and not sent.error.transient:
                lasting = lasting or sent.error
            self._show(sent)
        if lasting:
            raise lasting

    def _show(self, sent: Sent) -> None:
        if self._as_json:
            reason = str(sent.error) if sent.error else None
            for job_id in sent.job_ids:
                write_line(dump({"job_id": job_id, "outcome": _outcome(sent), "reason": reason}))
        if sent.error and sent.error.transient:
            self.clean = False
            self._console.complain(str(sent.error))


def _outcome(sent: Sent) -> str:
    return "failed" if sent.error else "queued"


def _here(settings: Settings, rate: RateLimiter, wait: float) -> Callable[[_Work], None]:
    def run(work: _Work) -> None:
        with closing(assemble(settings, Credentials())) as pipeline:
            work.record(pipeline, rate, wait)

    return run


def _by_queue(queue: str, rate: RateLimiter, wait: float) -> Callable[[_Work], None]:
    """Raises SettingsError for what cannot be, before anything is read or written."""
    settings = Settings.from_environment(os.environ, QUEUE)
    credentials = Credentials()
    sender = QueueSender(queue, endpoint=settings.mns_endpoint, credentials=credentials, ca_bundle=settings.ca_bundle)
    sender.load()

    def run(work: _Work) -> None:
        with sender:
            work.send(sender, rate, wait, at_once=settings.concurrency)

    return run


def _beside(file: str) -> Path | None:
    """Where progress is kept: beside a file, and nowhere for a stream, whose lines come but once."""
    return Path(f"{file}.done") if Path(file).is_file() else None


def _count_lines(file: str) -> int | None:
    if not Path(file).is_file():
        return None
    with Path(file).open("rb") as counted:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: counted.read(_CHUNK_BYTES), b""))
