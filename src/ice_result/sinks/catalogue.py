"""Finding jobs again: the other direction of a sink, for people and for reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from ice_result.calls import Deadline
from ice_result.records.model import Manifest, Outcome, Record, RecordState
from ice_result.values import JobId, Model


class JobLine(Model):
    """One recorded job, short. `complete` is null when it has a record but no manifest yet."""

    job_id: JobId
    function_name: str
    state: RecordState
    outcome: Outcome
    create_time: datetime | None
    finish_time: datetime | None
    duration_seconds: float | None
    files: int
    complete: bool | None


class JobFilter(Model):
    """Which jobs to list; None means any. `since` is compared with FinishTime, or CreateTime where that is unknown."""

    function_name: str | None = None
    state: RecordState | None = None
    outcome: Outcome | None = None
    since: datetime | None = None

    def admits(self, line: JobLine) -> bool:
        """Whether this job is among those asked for. A job without any time is older than every `since`."""
        moment = line.finish_time or line.create_time
        return (
            self.function_name in (None, line.function_name)
            and self.state in (None, line.state)
            and self.outcome in (None, line.outcome)
            and (self.since is None or (moment is not None and moment >= self.since))
        )


class Found(NamedTuple):
    """All that is stored of one job."""

    record: Record
    manifest: Manifest | None


class Catalogue(Protocol):
    """A store in which jobs can be looked up."""

    def find(self, job_id: JobId, deadline: Deadline) -> Found | None:
        """The record and the manifest of one job; None when the store has neither."""
        ...

    def jobs(self, wanted: JobFilter, deadline: Deadline) -> Iterator[JobLine]:
        """The jobs that `wanted` admits, newest first as far as the store can tell."""
        ...

    def reads_everything(self, wanted: JobFilter) -> bool:
        """Whether answering `jobs(wanted)` may read all there is, so that a user can be told before."""
        ...
