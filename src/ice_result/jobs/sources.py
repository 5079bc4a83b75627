"""The two sources of jobs: ICE, and a folder of saved responses."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote

from ice_result.core import json_text
from ice_result.core.deadline import current_deadline
from ice_result.core.types import JobId, JsonValue
from ice_result.errors import (
    InvalidResponseError,
    NotFoundError,
    NotJsonError,
    StorageError,
    TooLargeError,
    shorten,
)
from ice_result.jobs.client import IceClient
from ice_result.jobs.model import Job
from ice_result.jobs.sizes import check_response, check_text, largest_now

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 15.0
_GROWTH_OF_WAIT = 1.5
_TRIES_FOR_UNKNOWN = 3
_SECONDS_TO_ASK = 0.5


class IceJobs:
    """QueryIProductionJob of one region. One instance serves any number of threads, which share one rate limit."""

    def __init__(self, client: IceClient) -> None:
        self._client = client

    def load(self) -> None:
        """Make the client ready."""
        self._client.load()

    def get(self, job_id: JobId) -> Job:
        """Ask for the job, ever less often, until it is finished or the deadline comes.

        At the deadline it is returned unfinished. A job that ICE does not know is asked for twice more: an event may
        be faster than the data behind ICE's answer [inferred]. Raises a ServiceError (NotFoundError also for a job of
        another region), InvalidResponseError, or TooLargeError.
        """
        read = partial(Job.from_response, job_id)
        wait, unknown = _FIRST_WAIT_SECONDS, 0
        while True:
            try:
                job = self._client.call("QueryIProductionJob", {"JobId": job_id}, about=shorten(job_id), read=read)
            except NotFoundError:
                unknown += 1
                if unknown == _TRIES_FOR_UNKNOWN or not self._pause(wait):
                    raise
            else:
                if job.is_finished or not self._pause(wait):
                    return job
            wait = min(wait * _GROWTH_OF_WAIT, _LONGEST_WAIT_SECONDS)

    def _pause(self, wait: float) -> bool:
        """Sleep for about `wait` seconds, unless the deadline comes before another answer could."""
        caller = self._client.caller
        pause = wait * (0.5 + caller.jitter() / 2)
        if pause + _SECONDS_TO_ASK >= current_deadline().left():
            return False
        caller.clock.sleep(pause)
        return True


class RecordedJobs:
    """Responses of QueryIProductionJob in a folder, as `<job id>.json`; read anew every time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Do nothing: a folder needs no imports."""

    def get(self, job_id: JobId) -> Job:
        """Return the job as it was saved, finished or not.

        Raises NotFoundError without a file, InvalidResponseError for a file that is not a response, StorageError for an
        unreadable file, and TooLargeError for a file beyond the limits.
        """
        path = self._folder / f"{quote(job_id, safe='', errors='replace')}.json"  # no job id leads out of the folder
        try:
            return Job.from_response(job_id, _response(path))
        except FileNotFoundError as error:
            operation = f"read job {shorten(job_id)} from {self._folder}"
            near = path.with_suffix("")  # somebody gave the name of the file in place of the job's id
            hint = f"; did you mean the job {near.stem}?" if job_id.endswith(".json") and near.is_file() else ""
            raise NotFoundError(operation, service="saved responses", detail=f"no such file{hint}") from error
        except OSError as error:
            raise StorageError(f"job {shorten(job_id)}: cannot read {shorten(str(path))}: {error.strerror}") from error
        except NotJsonError as error:
            raise InvalidResponseError(f"job {shorten(job_id)}: {shorten(str(path))}: {error}") from error


def _response(path: Path) -> JsonValue:
    size, limit = path.stat().st_size, largest_now()
    if size > limit:
        raise TooLargeError("the response", size, limit, "bytes")
    text = json_text.decode(path.read_bytes())
    check_text(text)
    response = json_text.load(text)
    if isinstance(response, dict):
        check_response(response)
    return response
