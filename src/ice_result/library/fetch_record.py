"""The record of one job for programs that keep it themselves: ICE is asked, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping

from ice_result.app import open_jobs
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.library.arguments import event_of, read_settings, time_in_seconds
from ice_result.processing.process_job import record_of, require_finished
from ice_result.records.model import Record
from ice_result.settings import JOBS


def fetch_record(job_id: str, *, seconds: float = 60.0, environment: Mapping[str, str] | None = None) -> Record:
    """Ask ICE for a job, wait for its end for at most `seconds`, and return its record. Nothing is written.

    `environment` (default: os.environ) must have ICE_RESULT_REGION, or ICE_RESULT_JOBS for saved responses. Access keys
    are those of the process; they must be allowed to call QueryIProductionJob. The output files are not looked up: only
    a manifest says that they are there.

    Raises SettingsError for wrong settings and arguments, JobNotFinishedError for a job that is still running,
    NotFoundError for one that ICE does not know, and another IceResultError when ICE cannot be asked.
    """
    settings = read_settings(environment, JOBS)
    event = event_of(job_id)
    with time_limit(Deadline.after(time_in_seconds(seconds))):
        job = open_jobs(settings, Credentials()).get(event.job_id)
    require_finished(job)
    record, _ = record_of(job, settings.region)
    return record
