"""Recorded jobs for programs that read them: one object over any kind of store, with the models that were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from types import NoneType
from typing import get_args

from ice_result.app import require_keys, sink_context
from ice_result.contents.model import Content
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit, within
from ice_result.errors import InvalidArgumentError
from ice_result.library.arguments import environment_of, event_of, one_of, read_settings, require, time_in_seconds
from ice_result.records.model import Manifest, Outcome, RecordState
from ice_result.settings import STORES
from ice_result.sinks import open_sink
from ice_result.sinks.base import JobFilter, JobLine, Store, StoredJob
from ice_result.sinks.registry import sink_url

_SINKS = "ICE_RESULT_SINKS"


def open_store(url: str, *, environment: Mapping[str, str] | None = None) -> JobStore:
    """Open a store of recorded jobs for reading: `file:`, `sqlite:`, `oss://`, `s3://` or `ots://`. Nothing is called.

    `environment` (default: os.environ) has the variables ICE_RESULT_…; `oss:` and `ots:` need ICE_RESULT_REGION. The
    sink is `url`, whatever ICE_RESULT_SINKS says. Access keys are those of the process. There is nothing to close.

    Raises InvalidArgumentError for a text that is not the URL of one store, MissingKeysError without keys,
    MissingExtraError when the SDK of the store is not installed, and SettingsError for wrong variables.
    """
    require("url", url, str, "the URL of one store, such as sqlite:./jobs.db")
    try:
        parts = sink_url(url)
    except ValueError as error:
        raise InvalidArgumentError("url", str(error)) from error
    if "," in parts.text:
        raise InvalidArgumentError("url", f"{parts.text!r} contains a comma; expected the URL of one store")
    settings = read_settings({**environment_of(environment), _SINKS: parts.text}, STORES)
    credentials = Credentials()
    require_keys(settings, credentials, settings.sinks)
    return JobStore(open_sink(parts, sink_context(settings, credentials)))


class JobStore:
    """Store of recorded jobs, for reading. Any number of threads may use it at once.

    Each method has a time limit in `seconds`. It raises InvalidArgumentError for a wrong argument, and another
    IceResultError when the store does not exist or cannot be read in time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def url(self) -> str:
        """URL of the store."""
        return self._store.url

    def get(self, job_id: str, *, seconds: float = 60.0) -> StoredJob | None:
        """Read a job, with its record and its manifest; None when the store does not have it.

        `manifest` is None while the job is being written, and after a process was killed between the two.
        """
        event = event_of(job_id)
        with time_limit(Deadline.after(time_in_seconds(seconds))):
            self._store.check_exists()
            return self._store.find(event.job_id)

    def manifest(self, job_id: str, *, seconds: float = 60.0) -> Manifest | None:
        """Read the manifest of a job; None when the store does not have the job, or not yet its manifest."""
        found = self.get(job_id, seconds=seconds)
        return found.manifest if found else None

    def content(self, job_id: str, *, seconds: float = 60.0) -> tuple[Content, ...]:
        """Read what the caption, beat and chorus files of a job contain, one Content for each file that was read.

        Nothing comes for a job that the store does not have, nor for one without such files. Why a file was not read
        is in the `notes` of the manifest. Raises StorageError for a content that was too large for its store, or that
        this version cannot read.
        """
        event = event_of(job_id)
        with time_limit(Deadline.after(time_in_seconds(seconds))):
            self._store.check_exists()
            found = self._store.find(event.job_id)
            return self._store.contents(found.record) if found else ()

    def jobs(
        self,
        *,
        since: datetime | timedelta | None = None,
        function: str | None = None,
        outcome: Outcome | None = None,
        state: RecordState | None = None,
        incomplete: bool = False,
        seconds: float = 60.0,
    ) -> Iterator[JobLine]:
        """List jobs, newest first as far as the store can tell, while you iterate. `seconds` is for each next job.

        `since` is compared with FinishTime, or CreateTime where that is unknown: a time with its zone, or a duration
        before now. With `incomplete`, only jobs without a complete manifest are listed. A store of objects reads every
        object of the days since then, and without `since` all of them.
        """
        require("function", function, (str, NoneType), "the name of a function, or None")
        require("incomplete", incomplete, bool, "True or False")
        wanted = JobFilter(
            since=_time_of(since),
            function_name=function,
            outcome=one_of("outcome", outcome, get_args(Outcome)),
            state=one_of("state", state, get_args(RecordState)),
            incomplete=incomplete,
        )
        time_in_seconds(seconds)
        return within(lambda: Deadline.after(seconds), self._lines(wanted))

    def _lines(self, wanted: JobFilter) -> Iterator[JobLine]:
        self._store.check_exists()
        yield from self._store.jobs(wanted)


def _time_of(since: datetime | timedelta | None) -> datetime | None:
    require("since", since, (datetime, timedelta, NoneType), "a datetime with its time zone, a timedelta, or None")
    if isinstance(since, timedelta):
        try:
            return datetime.now(timezone.utc) - since
        except OverflowError as error:
            raise InvalidArgumentError("since", f"{since} is before the year 1; use a shorter time") from error
    if since is not None and since.utcoffset() is None:
        raise InvalidArgumentError("since", f"{since} has no time zone; write datetime(…, tzinfo=timezone.utc)")
    return since
