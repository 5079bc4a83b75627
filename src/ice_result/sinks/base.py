"""The seams that every store stands behind, the envelope of a parked event, and what a store is opened with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.types import JobId, JsonValue, Model
from ice_result.errors import is_try
from ice_result.records.model import Manifest, Outcome, Record, RecordState
from ice_result.triggers.model import Past, Try


class Addresses(NamedTuple):
    """Where the record and the manifest of a job are in a store."""

    record: str
    manifest: str


class Sink(Protocol):
    """A store of records and manifests. Both steps may be repeated at any time without harm."""

    @property
    def url(self) -> str:
        """The URL it was made from."""
        ...

    def addresses(self, record: Record) -> Addresses:
        """Where this record and its manifest belong. Nothing is called."""
        ...

    def stage(self, record: Record) -> str:
        """Write what may be written before the output files are checked; the record's address."""
        ...

    def commit(self, record: Record, manifest: Manifest) -> str:
        """Write the rest, and last of all the sign that the job is complete; the manifest's address."""
        ...


class ParkedError(Model):
    """What stopped an event: our class of error and its message, without secrets."""

    type: str
    message: str


class Parked(Model):
    """An event kept for an operator.

    `event` is the innermost message that names its job, or that cannot be read, without secrets; or an array of those
    of several events.

    `attempts` counts the tries that ended without success, which being out of time is not; `history` is the last of
    them before this one. It was parked first and last at `first_parked` and `last_parked`. A `dead` one is not tried
    again unless a person asks for it. `sinks` names the stores that refused the job, when others have it already;
    empty, none of them has it. All of this holds for each event of an array, except for one that stands there in an
    envelope of its own, with its own past.
    """

    schema_: Literal["ice_result.parked/1"] = Field(default="ice_result.parked/1", alias="schema")
    reason: str
    transient: bool
    job_id: str | None
    event_type: str | None
    event_id: str | None
    sinks: tuple[str, ...] = ()
    error: ParkedError
    attempts: int = Field(default=1, ge=0)
    dead: bool = False
    first_parked: datetime | None = None
    last_parked: datetime | None = None
    history: tuple[Try, ...] = ()
    event: JsonValue

    @property
    def past(self) -> Past:
        """What another try has to know of this one and those before it."""
        history = self.history
        if self.last_parked and is_try(self.reason):
            history = (*history, Try(at=self.last_parked, reason=self.reason, message=self.error.message))
        return Past(
            attempts=self.attempts,
            first_parked=self.first_parked,
            history=history[-MOST_REMEMBERED_TRIES:],
            sinks=self.sinks,
        )


MOST_REMEMBERED_TRIES = 10
"""How many tries before the last an envelope tells of."""
DEAD = "dead"
"""Where dead events are kept, in place of a reason."""


class Expected(Model):
    """A note that a job was submitted, and that it should be recorded by `due_at`."""

    schema_: Literal["ice_result.expected/1"] = Field(default="ice_result.expected/1", alias="schema")
    job_id: JobId
    function_name: str | None = None
    expected_at: datetime
    due_at: datetime


class Listed(NamedTuple):
    """Something kept in a lot: its key, and when it was written last."""

    key: str
    written: datetime


class Position(Model):
    """Where the listing of parked events goes on: in the folder of `reason`, after `key`."""

    schema_: Literal["ice_result.position/1"] = Field(default="ice_result.position/1", alias="schema")
    reason: str
    key: str


class ParkingLot(Protocol):
    """A store that keeps parked events, and notes of jobs that are expected."""

    @property
    def url(self) -> str:
        """The URL of the store."""
        ...

    def address(self, key: str) -> str:
        """The address of what is kept under `key`. Nothing is called."""
        ...

    def park(self, parked: Parked) -> str:
        """Keep it durably; its address. The same event parked again is counted, not doubled."""
        ...

    def reasons(self) -> Iterator[str]:
        """The reasons for which events are parked here, `dead` among them."""
        ...

    def parked(self, reason: str, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """The events parked for this reason in the order of their keys, page by page; only those after `after`."""
        ...

    def position(self) -> Position | None:
        """The position that was set last; None when there is none, or none that can be read."""
        ...

    def set_position(self, position: Position | None) -> None:
        """Keep a position durably, in place of the one before; None removes it."""
        ...

    def expect(self, note: Expected) -> str:
        """Keep a note; its address."""
        ...

    def expected(self) -> Iterator[tuple[Listed, datetime]]:
        """The notes and when each is due: those due first come first, and each is listed when it is needed."""
        ...

    def read(self, key: str) -> bytes | None:
        """An envelope or a note as it lies; None when it is gone."""
        ...

    def discard(self, key: str, as_read: bytes) -> bool:
        """Remove what lies under `key`, unless it is no longer what was read; whether it is gone."""
        ...


@runtime_checkable
class Keeps(Protocol):
    """A sink that keeps parked events too."""

    @property
    def lot(self) -> ParkingLot:
        """Where."""
        ...


@runtime_checkable
class Loads(Protocol):
    """Something whose first call would otherwise wait for imports and connections to be made ready."""

    def load(self) -> None:
        """Make ready what needs no call."""
        ...


@dataclass(frozen=True)
class SinkContext:
    """What a store needs to be opened, beyond its URL.

    `oss_endpoint` None means OSS's public endpoint of `region`; `oss_encryption` is AES256, KMS or SM4;
    `s3_endpoint` None means AWS's own; `ots_endpoint` None means the public endpoint of the instance;
    `ca_bundle` is a file of certificates to trust in place of the usual ones. `archive_url` is the first object
    sink: stores that cannot keep all of a record point there.
    `concurrency` is how many calls go out at once: so many connections are kept open. `new_caller` makes the
    ServiceCaller of a service, by its name.
    """

    region: str | None = None
    oss_endpoint: Endpoint | None = None
    oss_path_style: bool = False
    oss_encryption: str | None = None
    s3_endpoint: Endpoint | None = None
    s3_path_style: bool = False
    ots_endpoint: Endpoint | None = None
    credentials: Credentials = field(default_factory=Credentials)
    concurrency: int = 8
    ca_bundle: str | None = None
    archive_url: str | None = None
    new_caller: Callable[[str], ServiceCaller] = ServiceCaller


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

    def find(self, job_id: JobId, hint: Hint | None = None) -> Found | None:
        """The record and the manifest of one job; None when the store has neither, or not where `hint` says."""
        ...

    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """The jobs that `wanted` admits, newest first as far as the store can tell."""
        ...

    def recorded(self, record: Record) -> Record | None:
        """The record that is stored where this one belongs, found with one read; None when there is none.

        Raises StorageError for one that this version cannot read: nobody can tell what it says.
        """
        ...

    def verified(self, record: Record) -> Manifest | None:
        """The manifest that is stored where that of this record belongs, found with one read; None without one.

        Raises StorageError as `recorded`.
        """
        ...

    def place_near(self, job_id: JobId, near: Near, reads: Reads) -> str | None:
        """Where a job with a manifest is stored; None when the reads that are left do not find it."""
        ...

    def found_at(self, place: str) -> Found | None:
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

    def places(self, wanted: JobFilter) -> Iterator[str]:
        """Where jobs lie that `wanted` may admit, by function and time; in any order, and read as it is asked for."""
        ...

    def place_of(self, job_id: JobId, wanted: JobFilter) -> str | None:
        """Where one job lies, among those that `wanted` may admit; None when it is not there."""
        ...

    def place_as(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        """Where a job of this function and time belongs."""
        ...

    def stored(self, place: str) -> Stored | None:
        """What lies there; None when nothing does."""
        ...

    def as_stored(self, record: Record, manifest: Manifest) -> Stored:
        """What would lie there once these were written. Nothing is called."""
        ...


@runtime_checkable
class Removes(Protocol):
    """Holdings in which a job can lie at more than one place."""

    def remove(self, place: str) -> None:
        """Remove the manifest and the record of a place, if they are there."""
        ...
