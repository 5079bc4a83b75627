"""The two sources of jobs: ICE, and a folder of saved responses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ice_result.core import json_text
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import current_deadline
from ice_result.core.endpoints import Endpoint
from ice_result.core.types import JobId, JsonObject, JsonValue
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

_GROWTH_OF_WAIT = 1.5
_TRIES_FOR_UNKNOWN = 3
_SECONDS_TO_ASK = 0.5
T = TypeVar("T")


class IceJobs:
    """QueryIProductionJob of one region. One instance serves any number of threads, which share one rate limit."""

    def __init__(
        self,
        *,
        region: str,
        endpoint: Endpoint | None = None,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
        concurrency: int = 8,
        first_wait_seconds: float = 1.0,
        longest_wait_seconds: float = 15.0,
    ) -> None:
        """Take the parameters of IceClient, and the time to wait before a running job is asked for again."""
        self._client = IceClient(
            region=region,
            endpoint=endpoint,
            credentials=credentials,
            caller=caller,
            ca_bundle=ca_bundle,
            concurrency=concurrency,
        )
        self._first_wait_seconds = first_wait_seconds
        self._longest_wait_seconds = longest_wait_seconds

    def load(self) -> None:
        """Make the client ready."""
        self._client.load()

    def get(self, job_id: JobId) -> Job:
        """Ask for the job, ever less often, until it is finished or the deadline comes.

        At the deadline it is returned unfinished. A job that ICE does not know is asked for twice more: an event may
        be faster than the data behind ICE's answer [inferred]. Raises the errors of `query`.
        """
        wait, unknown = self._first_wait_seconds, 0
        while True:
            try:
                job = self._ask(job_id, None, lambda body: Job.from_response(job_id, body))
            except NotFoundError:
                unknown += 1
                if unknown == _TRIES_FOR_UNKNOWN or not self._pause(wait):
                    raise
            else:
                if job.is_finished or not self._pause(wait):
                    return job
            wait = min(wait * _GROWTH_OF_WAIT, self._longest_wait_seconds)

    def _pause(self, wait: float) -> bool:
        """Sleep for about `wait` seconds, unless the deadline comes before another answer could."""
        caller = self._client.caller
        pause = wait * (0.5 + caller.jitter() / 2)
        if pause + _SECONDS_TO_ASK >= current_deadline().left():
            return False
        caller.clock.sleep(pause)
        return True

    def query(self, job_id: JobId, client_token: str | None = None) -> JsonObject:
        """Return the body of one response, of a job in any state, with every field that ICE sent.

        Raises a ServiceError (NotFoundError also for a job of another region), or InvalidResponseError.
        """
        return self._ask(job_id, client_token, lambda body: body)

    def _ask(self, job_id: JobId, client_token: str | None, read: Callable[[JsonObject], T]) -> T:
        query = {"JobId": job_id, **({"ClientToken": client_token} if client_token else {})}
        return self._client.call("QueryIProductionJob", query, about=shorten(job_id), read=read)


class RecordedJobs:
    """Responses of QueryIProductionJob in a folder, as `<job id>.json`; read anew every time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Do nothing: a folder needs no imports."""

    def get(self, job_id: JobId) -> Job:
        """Return the job as it was saved, finished or not.

        Raises NotFoundError without a file, InvalidResponseError for a file that is no response, StorageError for an
        unreadable file, and TooLargeError for a file beyond the limits.
        """
        try:
            return Job.from_response(job_id, _response(self._path(job_id)))
        except FileNotFoundError as error:
            operation = f"read job {shorten(job_id)} from {self._folder}"
            raise NotFoundError(operation, service="recorded jobs", detail="no such file") from error
        except OSError as error:
            raise StorageError(f"job {shorten(job_id)}: {self._folder}: {error.strerror}") from error
        except NotJsonError as error:
            raise InvalidResponseError(f"job {shorten(job_id)}: {self._folder}: {error}") from error

    def _path(self, job_id: JobId) -> Path:
        """Return a path inside the folder: characters that a file name may not contain are percent-encoded."""
        return self._folder / f"{quote(job_id, safe='', errors='replace')}.json"


def _response(path: Path) -> JsonValue:
    size, limit = path.stat().st_size, largest_now()
    if size > limit:
        raise TooLargeError("the response", size, limit, "bytes")
    text = path.read_bytes()
    check_text(text)
    response = json_text.load(text)
    if isinstance(response, dict):
        check_response(response)
    return response
