"""Finding jobs again: the other direction of a sink, for people and for reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

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
    file_count: int
    complete: bool | None


class JobFilter(Model):
    """Which jobs to list; None means any. `since` is compared with FinishTime, or CreateTime where that is unknown.

    With `incomplete`, only those without a complete manifest.
    """

    function_name: str | None = None
    state: RecordState | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    incomplete: bool = False

    def admits(self, job: JobLine | Record) -> bool:
        """Whether this job is among those asked for. A job without any time is older than every `since`.

        Of a record, `incomplete` is not looked at: its manifest decides that.
        """
        moment = job.finish_time or job.create_time
        return (
            self.function_name in (None, job.function_name)
            and self.state in (None, job.state)
            and self.outcome in (None, job.outcome)
            and not (self.incomplete and isinstance(job, JobLine) and job.complete)
            and (self.since is None or (moment is not None and moment >= self.since))
        )


class Found(NamedTuple):
    """All that is stored of one job.

    `left_out` names what was too large for the store: raw, result, or files; `whole_uri` is where the whole record is
    then, if the store knows.
    """

    record: Record
    manifest: Manifest | None
    left_out: tuple[str, ...] = ()
    whole_uri: str | None = None


class Hint(NamedTuple):
    """What is known of a job before it is looked up: its function, if so, and when about it was created."""

    function_name: str | None
    created: datetime


class Near(NamedTuple):
    """What an event says of its job, each if it does: the function, and a time at which the job was running or done."""

    function_name: str | None
    time: datetime | None


class Reads:
    """How many reads a look may still cost, in all stores together."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self) -> bool:
        """Whether there is one left, which is then taken."""
        self._left -= 1
        return self._left >= 0


class Catalogue(Protocol):
    """A store in which jobs can be looked up."""

    def find(self, job_id: JobId, deadline: Deadline, hint: Hint | None = None) -> Found | None:
        """The record and the manifest of one job; None when the store has neither, or not where `hint` says."""
        ...

    def jobs(self, wanted: JobFilter, deadline: Deadline) -> Iterator[JobLine]:
        """The jobs that `wanted` admits, newest first as far as the store can tell."""
        ...

    def recorded(self, record: Record, deadline: Deadline) -> Record | None:
        """The record that is stored where this one belongs, found with one read; None when there is none.

        Raises StorageError for one that this version cannot read: nobody can tell what it says.
        """
        ...

    def verified(self, record: Record, deadline: Deadline) -> Manifest | None:
        """The manifest that is stored where that of this record belongs, found with one read; None without one.

        Raises StorageError as `recorded`.
        """
        ...

    def place_near(self, job_id: JobId, near: Near, reads: Reads, deadline: Deadline) -> str | None:
        """Where a job with a manifest is stored; None when the reads that are left do not find it."""
        ...

    def found_at(self, place: str, deadline: Deadline) -> Found | None:
        """The record and the manifest at such a place; None when there is no record any more."""
        ...

    def reads_everything(self, wanted: JobFilter) -> bool:
        """Whether answering `jobs(wanted)` may read all there is, so that a user can be told before."""
        ...


class Stored(NamedTuple):
    """What a store holds of one job, byte for byte: written by any version of this program, and perhaps damaged.

    `place` is the key of its record, or in tables its job id. Rows have a `generation` (see tables.py), and a
    `raw_uri` where the whole record lies that they could not keep; without `files_stored` the manifest has no files.
    """

    place: str
    record: bytes
    manifest: bytes | None
    generation: str = ""
    raw_uri: str | None = None
    files_stored: bool = True


class Holdings(Protocol):
    """A store whose jobs can be read as they lie, and held against what would be written of them now."""

    def places(self, wanted: JobFilter, deadline: Deadline) -> Iterator[str]:
        """Where jobs lie that `wanted` may admit, by function and time; in any order, and read as it is asked for."""
        ...

    def place_of(self, job_id: JobId, wanted: JobFilter, deadline: Deadline) -> str | None:
        """Where one job lies, among those that `wanted` may admit; None when it is not there."""
        ...

    def place_as(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        """Where a job of this function and time belongs."""
        ...

    def stored(self, place: str, deadline: Deadline) -> Stored | None:
        """What lies there; None when nothing does."""
        ...

    def as_stored(self, record: Record, manifest: Manifest) -> Stored:
        """What would lie there once these were written. Nothing is called."""
        ...


@runtime_checkable
class Removes(Protocol):
    """Holdings in which a job can lie at more than one place."""

    def remove(self, place: str, deadline: Deadline) -> None:
        """Remove the manifest and the record of a place, if they are there."""
        ...
