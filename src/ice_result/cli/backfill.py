"""`backfill`: many jobs by their ids, recorded here or sent to the queue in front of the function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

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
from ice_result.maintenance.backfill import Progress, SentBatch, record, send
from ice_result.maintenance.job_queue import QueueSender
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import QUEUE, Settings

_CHUNK_BYTES = 1 << 20


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
    with open_lines(file) as lines:
        if queue:
            run = _through_queue(queue, rate, wait)
        else:
            run = _recording(Settings.from_environment(environment_with(sinks, jobs)), rate, wait)
        total = _count_lines(Path(file)) if is_file else None
        with Progress(done_path) as progress, OutcomePrinter(total=total, as_json=as_json) as console:
            work = _Work(lines, progress, console, as_json=as_json)
            run(work)
    return 0 if work.clean else 1


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
        """Record the jobs here."""
        for outcome in record(pipeline, self.job_ids(), RunContext(lambda: Deadline.after(wait)), rate):
            self._console.count(outcome)  # first: after Ctrl-C, the summary has every job of FILE.done
            if outcome.job_id and outcome.outcome != "failed":
                self._progress.done([JobId(outcome.job_id)])
            self.clean = self.clean and outcome.outcome == "recorded"
            self._console.show(outcome)

    def send(self, sender: QueueSender, rate: RateLimiter, wait: float, *, at_once: int) -> None:
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


def _recording(settings: Settings, rate: RateLimiter, wait: float) -> Callable[[_Work], None]:
    def run(work: _Work) -> None:
        with closing(assemble(settings, Credentials())) as pipeline:
            work.record(pipeline, rate, wait)

    return run


def _through_queue(queue: str, rate: RateLimiter, wait: float) -> Callable[[_Work], None]:
    """Check the settings of the queue before any job is read. Raises SettingsError."""
    settings = Settings.from_environment(os.environ, QUEUE)
    credentials = Credentials()
    sender = QueueSender(queue, endpoint=settings.mns_endpoint, credentials=credentials, ca_bundle=settings.ca_bundle)
    sender.load()

    def run(work: _Work) -> None:
        with sender:
            work.send(sender, rate, wait, at_once=settings.concurrency)

    return run


def _count_lines(path: Path) -> int:
    with path.open("rb") as counted:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: counted.read(_CHUNK_BYTES), b""))
