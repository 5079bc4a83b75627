"""The last four stages for one job, from the call to ICE to the last write.

ask ICE ──► decode ──► normalise ──► write to every sink (write_job.py)
"""

from __future__ import annotations

from typing import NamedTuple

from ice_result.errors import IceResultError, JobNotFinishedError, NotFoundError, StorageError, shorten
from ice_result.jobs.model import Job, JobSource
from ice_result.jobs.sizes import LargeJobQueue, check_files
from ice_result.processing.event_log import StageTimer
from ice_result.processing.write_job import JobWriter, Stores, Target, Written
from ice_result.records import OutputFiles, Record, build_record, output_files
from ice_result.results import decode
from ice_result.sinks.base import Near, Store, StoredJob
from ice_result.triggers import JobEvent

MOST_TRIES = 24
"""Number of attempts after which an event is dead: most of a day, with the pauses of the timer (see maintenance)."""


class RecordedBefore(NamedTuple):
    """A recorded job that ICE no longer knows, so that there is nothing to write. `key` is its key in `sink`."""

    key: str
    stored: StoredJob
    sink: Store


def record_of(job: Job, region: str | None) -> tuple[Record, OutputFiles]:
    """Decode and normalise a finished job, without any call. Raises TooLargeError for a job with too many files."""
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    check_files("the job", len(files.files))
    return build_record(job, decoded, files, region), files


def require_finished(job: Job) -> None:
    """Check that ICE is done with the job. Raises JobNotFinishedError."""
    if not job.is_finished:
        raise JobNotFinishedError(f"job {shorten(job.job_id)} is not finished: its status is {shorten(job.status)}")


class JobProcessor:
    """Processes jobs, each from its event to the sinks. Any number of threads may use it at once."""

    def __init__(
        self, jobs: JobSource, stores: Stores, *, region: str | None, concurrency: int, most_tries: int
    ) -> None:
        self._jobs = jobs
        self._sinks = stores.sinks
        self._writer = JobWriter(stores, concurrency=concurrency)
        self._region = region
        self._most_tries = most_tries
        self._large_jobs = LargeJobQueue()

    def process(self, event: JobEvent, timer: StageTimer) -> Written | RecordedBefore:
        """Ask ICE for the job of an event, and write it to the sinks that do not have it.

        Raises the errors of the call, and JobNotFinishedError. A job with an undocumented status and no FinishTime is
        not finished either, until the last attempt of the event.
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
        is_last_try = (event.past.attempts if event.past else 0) + 1 >= self._most_tries
        if not (job.state == "unknown" and is_last_try):
            require_finished(job)
        record, files = record_of(job, self._region)
        return self._writer.write(record, files, Target(targets or [*self._sinks], timer))

    def _copy_recorded(self, event: JobEvent, unknown: NotFoundError, target: Target) -> Written | RecordedBefore:
        """Copy a recorded job that ICE no longer knows to the sinks that do not have it.

        The other sinks are asked one after the other. Raises `unknown` when no sink has the job, or the error of a
        sink that could not be read or copied from.
        """
        parked = event.past.first_parked if event.past else None
        near = Near(event.function_name, event.event_time or parked)
        errors: list[IceResultError] = []
        for source in (sink for sink in self._sinks if sink not in target.sinks):
            try:
                found = source.find(event.job_id, near)
                if found is None or found.manifest is None:
                    continue
                key = source.key_for(event.job_id, found.record.function_name, found.record.create_time)
                if not target.sinks:
                    return RecordedBefore(key, found, source)
                whole = source.job_at(key)
            except IceResultError as error:
                if error.transient or (target.sinks and isinstance(error, StorageError)):
                    errors.append(error)
                continue  # otherwise `unknown` says more than the error of this sink
            if whole:
                return self._writer.copy(whole, source, target)
        raise errors[0] if errors else unknown
