"""The seam every store stands behind, the envelope of a parked event, and what a store is opened with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from ice_result.calls import Caller, Deadline
from ice_result.credentials import Credentials
from ice_result.records.model import Manifest, Record
from ice_result.values import JsonValue, Model


class Sink(Protocol):
    """A store of records and manifests. Both steps may be repeated at any time without harm."""

    @property
    def url(self) -> str:
        """The URL it was made from."""
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
    """An event kept for an operator. `event` is the message as it came; `attempts` counts how often it was parked.

    `sinks` names the stores that refused the job, when others have it already; empty, none of them has it.
    """

    schema_: Literal["ice_result.parked/1"] = Field(default="ice_result.parked/1", alias="schema")
    reason: str
    transient: bool
    job_id: str | None
    event_type: str | None
    event_id: str | None
    sinks: tuple[str, ...] = ()
    error: ParkedError
    attempts: int = 1
    event: JsonValue


@runtime_checkable
class ParkingLot(Protocol):
    """A store that keeps parked events."""

    def park(self, parked: Parked, deadline: Deadline) -> str:
        """Keep it durably; its address. The same event parked again is counted, not doubled."""
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
