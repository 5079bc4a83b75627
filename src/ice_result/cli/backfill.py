"""`backfill`: many jobs by their ids, recorded here or sent to the queue in front of the function.

    ids ──► each id once ──► rate limit ──► pipeline ──► recorded or parked ──► done
                                       └──► queue, 16 jobs per request ───────┘

Every job that is done is written to a file (backfill_progress.py), so that an interrupted backfill can be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from ice_result.app import assemble, queue_at
from ice_result.cli.backfill_progress import Progress, Target
from ice_result.cli.inputs import Line, open_input, read_column, read_lines
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import usable_credentials
from ice_result.cli.options import (
    Number,
    Overrides,
    concurrency,
    longest_wait,
    no_verify,
    other_sinks,
    output_form,
    overriding,
    park,
    region,
    saved_jobs,
)
from ice_result.cli.output import write_line
from ice_result.core.calls import RateLimiter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JobId
from ice_result.errors import IceResultError, StorageError
from ice_result.maintenance.mns_queue import MOST_JOBS, MnsQueue
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import BY_HAND, EVERYTHING, QUEUE, Settings
from ice_result.triggers import JobEvent

_CHUNK_BYTES = 1 << 20
_MOST_UNREADABLE = 10


@click.command(
    short_help="Record many jobs by their ids, from a file.",
    epilog="Example: ice-result backfill ids.txt --qps 20",
)
@click.argument("file", type=click.Path())
@click.option("--column", metavar="NAME|N", help="Read this column of a CSV file, by its name or its number.")
@click.option("--qps", metavar="N", type=Number(min=0.001), help="Begin at most N jobs per second.")
@click.option("--via-queue", "queue", metavar="QUEUE", help="Send the jobs to this MNS queue, for the function.")
@click.option(
    "--resume",
    metavar="PATH",
    help="Progress file: the list of finished jobs. Without it, a run from standard input keeps no progress.",
)
@overriding(saved_jobs, other_sinks, region, concurrency, no_verify)
@park
@longest_wait("one job, or one batch for the queue")
@output_form
def backfill(
    *,
    file: str,
    column: str | None,
    qps: float | None,
    queue: str | None,
    resume: str | None,
    overrides: Overrides,
    park: bool,
    wait: float,
    form: OutputForm,
) -> int:
    """Record the jobs whose ids are in FILE, one per line; - is standard input.

    A line may also be JSON, as other commands print it. Blank lines, and lines that begin with #, are skipped. With
    --column, FILE is a CSV file.

    The jobs that are recorded, or sent to the queue, are listed in a file beside FILE, one for each target, so that a
    second run resumes an interrupted one and tries failed jobs again. Ten unreadable lines end the run.

    Exit status: 0 when every job was recorded or sent, 1 otherwise, 2 for wrong usage and after ten unreadable lines.
    """
    if column is not None and not column.strip():
        raise click.UsageError("--column is empty: expected a name or a number")
    if queue and (overrides.sinks or overrides.jobs or overrides.no_verify or park):
        raise click.UsageError(
            "--sink, --jobs, --no-verify and --park cannot be used with --via-queue: the function has its own settings"
        )
    rate = RateLimiter(per_second=qps)
    with open_input(file) as lines:
        is_file = Path(file).is_file()  # a stream can be read only once
        section = QUEUE if queue else EVERYTHING if park else BY_HAND
        settings = Settings.from_environment(overrides.environment(), section)
        target = Target.of_queue(queue, settings) if queue else Target.of_sinks(settings.sinks)
        done_path = Path(resume) if resume else target.path_beside(Path(file)) if is_file else None
        total = _count_lines(Path(file)) if is_file else None
        printer = JobPrinter(form, total=total)
        with Progress(done_path, target) as progress:
            to = _sender(queue, settings) if queue else _pipeline(settings, parks=park)
            if isinstance(to, Pipeline) and progress.is_resumed:
                _check_stores(to, done_path)
            with printer, finishing(to):
                ids = read_column(lines, column) if column else read_lines(lines)
                work = _Work(ids, progress, printer, as_json=form.as_json)
                if isinstance(to, MnsQueue):
                    work.send(to, rate, wait, at_once=settings.concurrency)
                else:
                    work.record(to, rate, wait)
    return 0 if work.clean else 2 if work.unreadable == _MOST_UNREADABLE else 1


def _pipeline(settings: Settings, *, parks: bool) -> Pipeline:
    return assemble(settings, usable_credentials(settings, parks=parks), parks=parks)


def _check_stores(pipeline: Pipeline, done_path: Path | None) -> None:
    """Check that the stores of an earlier run exist: its jobs are not recorded again. Raises StorageError."""
    for sink in pipeline.stores.sinks:
        try:
            sink.check_exists()
        except StorageError as error:
            hint = f"{done_path} lists jobs that were recorded there; remove that file to record them again"
            raise StorageError(f"{error}; {hint}") from error


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
    """The jobs of a run, and their outcomes. `clean` is false after a line or a job that did not end well.

    `unreadable` counts the lines that are not job ids.
    """

    def __init__(self, lines: Iterable[Line], progress: Progress, printer: JobPrinter, *, as_json: bool) -> None:
        self._lines = lines
        self._progress = progress
        self._printer = printer
        self._as_json = as_json
        self.clean = True
        self.unreadable = 0

    def job_ids(self) -> Iterator[JobId]:
        """Yield each job that is not done, once. Ends after ten lines that are not job ids."""
        for line in self._lines:
            if line.job_id is None:
                self.clean = False
                self.unreadable += 1
                self._printer.skip("unreadable")
                self._printer.print_error(line.problem)
                if self.unreadable == _MOST_UNREADABLE:
                    self._printer.print_error(f"stopped after {_MOST_UNREADABLE} unreadable lines; see --column")
                    return
            elif (news := self._progress.take(line.job_id)) == "new":
                yield line.job_id
            else:
                self._printer.skip(self._progress.says(news))

    def record(self, pipeline: Pipeline, rate: RateLimiter, wait: float) -> None:
        def events() -> Iterator[JobEvent]:
            for job_id in self.job_ids():
                rate.take_turn()
                yield JobEvent(job_id=job_id, payload={"JobId": job_id})

        for _, outcome in pipeline.process_events(events(), RunContext(lambda: Deadline.after(wait))):
            self._printer.count(outcome)  # first: after Ctrl-C, the summary has every job of the list
            is_recorded = outcome.outcome in {"recorded", "ignored"}  # ignored: ICE forgot a job that is recorded
            if outcome.job_id and is_recorded:
                self._progress.done([JobId(outcome.job_id)])
            self.clean = self.clean and is_recorded
            self._printer.show(outcome)

    def send(self, sender: MnsQueue, rate: RateLimiter, wait: float, *, at_once: int) -> None:
        """Send the jobs to the queue. Raises a permanent error, after which no job can be sent."""
        permanent = None
        for sent in send(sender, self.job_ids(), lambda: Deadline.after(wait), rate, at_once=at_once):
            self._printer.add("failed" if sent.error else "queued", len(sent.job_ids))  # first, as above
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
            self._printer.print_error(str(sent.error))


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
