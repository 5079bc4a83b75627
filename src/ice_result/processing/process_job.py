"""One job through the last four stages:

ask ICE ──► decode ──► normalise ──► write to every sink (write_job.py)
"""

from __future__ import annotations

from typing import NamedTuple

from ice_result.errors import IceResultError, JobNotFinishedError, NotFoundError, StorageError, shorten
from ice_result.jobs.model import Job, JobSource
from ice_result.jobs.sizes import check_files
from ice_result.processing.event_log import StageTimer
from ice_result.processing.large_jobs import LargeJobQueue
from ice_result.processing.write_job import JobWriter, Stores, Target, Written
from ice_result.records import OutputFiles, Record, build_record, output_files
from ice_result.results import decode
from ice_result.sinks.base import Near, Reads
from ice_result.sinks.registry import catalogue_of
from ice_result.triggers import JobEvent

_MOST_READS = 3  # when a recorded job is looked for that ICE no longer knows
MOST_TRIES = 24
"""How often an event is parked before it is dead: most of a day, as the timer spaces its retries (see maintenance)."""


class RecordedBefore(NamedTuple):
    """A job that is recorded and that ICE no longer knows: there is nothing to do. `place` is where it was found."""

    place: str


def record_of(job: Job, region: str | None) -> tuple[Record, OutputFiles]:
    """Decode and normalise a finished job; nothing is asked. Raises TooLargeError for a job with too many files."""
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    check_files("the job", len(files.files))
    return build_record(job, decoded, files, region), files


class JobProcessor:
    """Takes one job after the other through the stages; any number of threads may use it at once."""

    def __init__(
        self, jobs: JobSource, stores: Stores, *, region: str | None, concurrency: int, most_tries: int = MOST_TRIES
    ) -> None:
        self._jobs = jobs
        self._sinks = stores.sinks
        self._writer = JobWriter(stores, concurrency=concurrency)
        self._region = region
        self._most_tries = most_tries
        self._large_jobs = LargeJobQueue()

    def load(self) -> None:
        """Begin to make ready what the first job needs. Nothing is called."""
        self._writer.load(self._jobs)

    def process(self, event: JobEvent, timer: StageTimer) -> Written | RecordedBefore:
        """Ask for the job of `event`, and write it to the sinks that lack it.

        Raises what ICE's answer raises, and JobNotFinishedError. A job with a status that ICE does not document and
        without a FinishTime is not finished either, until the event is at its last try.
        """
        return self._large_jobs.work(lambda: self._process(event, timer))

    def _process(self, event: JobEvent, timer: StageTimer) -> Written | RecordedBefore:
        lacking = event.past.sinks if event.past else ()
        targets = [sink for sink in self._sinks if sink.url in lacking]
        with timer.stage("ask"):
            try:
                job = self._jobs.get(event.job_id)
            except NotFoundError as error:
                return self._copy_recorded(event, error, Target(targets, timer))
        if not job.is_finished and not (job.state == "unknown" and self._is_last_try(event)):
            raise JobNotFinishedError(f"job {shorten(job.job_id)} is not finished: its status is {shorten(job.status)}")
        record, files = record_of(job, self._region)
        return self._writer.write(record, files, Target(targets or [*self._sinks], timer))

    def _is_last_try(self, event: JobEvent) -> bool:
        return (event.past.attempts if event.past else 0) + 1 >= self._most_tries

    def _copy_recorded(self, event: JobEvent, unknown: NotFoundError, target: Target) -> Written | RecordedBefore:
        """Copy a job that ICE does not know, but that is recorded, to the sinks that lack it.

        It is looked for around the event's own time, in the sinks that may have it, one after the other. Raises
        `unknown` when none has it; but where one cannot be read for now, or not copied from, the error of that.
        """
        parked = event.past.first_parked if event.past else None
        near, reads = Near(event.function_name, event.event_time or parked), Reads(_MOST_READS)
        errors: list[IceResultError] = []
        for source in (sink for sink in self._sinks if sink not in target.sinks):
            catalogue = catalogue_of(source)
            try:
                place = catalogue.place_near(event.job_id, near, reads)
                if place and not target.sinks:
                    return RecordedBefore(place)
                found = catalogue.found_at(place) if place else None
            except IceResultError as error:
                if error.transient or (target.sinks and isinstance(error, StorageError)):
                    errors.append(error)
                continue  # else, that ICE does not know the job says more than that this cannot be read
            if found:
                return self._writer.copy(found, target)
        raise errors[0] if errors else unknown
