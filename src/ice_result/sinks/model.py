"""The seam every store stands behind, the envelope of a parked event, and what a store is opened with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from ice_result.calls import Caller, Deadline
from ice_result.credentials import Credentials
from ice_result.errors import is_try
from ice_result.records.model import Manifest, Record
from ice_result.triggers.model import Past, Try
from ice_result.values import JobId, JsonValue, Model


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

    def stage(self, record: Record, deadline: Deadline) -> str:
        """Write what may be written before the output files are checked; the record's address."""
        ...

    def commit(self, record: Record, manifest: Manifest, deadline: Deadline) -> str:
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

    def park(self, parked: Parked, deadline: Deadline) -> str:
        """Keep it durably; its address. The same event parked again is counted, not doubled."""
        ...

    def reasons(self, deadline: Deadline) -> Iterator[str]:
        """The reasons for which events are parked here, `dead` among them."""
        ...

    def parked(self, reason: str, deadline: Deadline, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """The events parked for this reason in the order of their keys, page by page; only those after `after`."""
        ...

    def position(self, deadline: Deadline) -> Position | None:
        """The position that was set last; None when there is none, or none that can be read."""
        ...

    def set_position(self, position: Position | None, deadline: Deadline) -> None:
        """Keep a position durably, in place of the one before; None removes it."""
        ...

    def expect(self, note: Expected, deadline: Deadline) -> str:
        """Keep a note; its address."""
        ...

    def expected(self, deadline: Deadline) -> Iterator[tuple[Listed, datetime]]:
        """The notes and when each is due: those due first come first, and each is listed when it is needed."""
        ...

    def read(self, key: str, deadline: Deadline) -> bytes | None:
        """An envelope or a note as it lies; None when it is gone."""
        ...

    def discard(self, key: str, as_read: bytes, deadline: Deadline) -> bool:
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
    Caller of a service, by its name.
    """

    region: str | None = None
    oss_endpoint: str | None = None
    oss_path_style: bool = False
    oss_encryption: str | None = None
    s3_endpoint: str | None = None
    s3_path_style: bool = False
    ots_endpoint: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    concurrency: int = 8
    ca_bundle: str | None = None
    archive_url: str | None = None
    new_caller: Callable[[str], Caller] = Caller
