"""Jobs from responses that were saved: for tests, for the demo, and for doing it over without asking ICE."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from ice_result import jsontext
from ice_result.calls import Deadline
from ice_result.errors import (
    InvalidResponseError,
    NotFoundError,
    NotJsonError,
    StorageError,
    TooLargeError,
    shorten,
)
from ice_result.jobs.model import Job
from ice_result.jobs.sizes import check_response, check_text, largest_now
from ice_result.values import JobId, JsonValue


class RecordedJobs:
    """Responses of QueryIProductionJob in a folder, `<job id>.json` each; read anew every time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, job_id: JobId, deadline: Deadline) -> Job:  # noqa: ARG002  a JobSource's; a file needs no waiting
        """The job as it was saved, finished or not.

        Raises NotFoundError for a job that is not there, InvalidResponseError for a file that is no response, and
        StorageError for one that cannot be read, TooLargeError for one that is larger than what is worked on.
        """
        try:
            return Job.from_response(job_id, _response(self._path(job_id)))
        except FileNotFoundError as error:
            tried = f"read job {shorten(job_id)} from {self._folder}"
            raise NotFoundError(tried, service="recorded jobs", detail="no such file") from error
        except OSError as error:
            raise StorageError(f"job {shorten(job_id)}: {self._folder}: {error.strerror}") from error
        except NotJsonError as error:
            raise InvalidResponseError(f"job {shorten(job_id)}: {self._folder}: {error}") from error

    def _path(self, job_id: JobId) -> Path:
        """Always a name within the folder: what a job id may hold and a file name may not is percent-encoded."""
        return self._folder / f"{quote(job_id, safe='', errors='replace')}.json"


def _response(path: Path) -> JsonValue:
    size, limit = path.stat().st_size, largest_now()
    if size > limit:
        raise TooLargeError("the response", size, limit, "bytes")
    text = path.read_bytes()
    check_text(text)
    response = jsontext.load(text)
    if isinstance(response, dict):
        check_response(response)
    return response
