"""The contract of every store, its capabilities, and the context in which it is opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.types import JobId, Model
from ice_result.errors import StorageError
from ice_result.records.model import Manifest, Outcome, Record, RecordState
from ice_result.sinks.parked_events import ParkedEvents

if TYPE_CHECKING:
    from ice_result.contents.model import Content


@dataclass(frozen=True)
class SinkContext:
    """Context in which a store is opened: all it needs beyond its URL.

    `oss_endpoint` None means OSS's public endpoint of `region`; `oss_encryption` is AES256, KMS or SM4;
    `s3_endpoint` None means AWS's own; `ots_endpoint` None means the public endpoint of the instance;
    `ca_bundle` is a file of certificates to trust in place of the usual ones. `archive_url` is the first object
    sink: stores that cannot keep all of a record point there.
    `concurrency` is the number of calls at once, and of connections that stay open. `new_caller` makes the
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
    """Summary of one recorded job. `complete` is null when it has a record but no manifest yet."""

    job_id: JobId
    function_name: str
    state: RecordState
    outcome: Outcome
    create_time: datetime | None
    finish_time: datetime | None
    duration_seconds: float | None
    file_count: int
    complete: bool | None


class FoundCue(Model):
    """Cue that has all words of a search, with the file and the job that it is from."""

    job_id: JobId
    function_name: str
    input: str | None
    finish_time: datetime | None
    start_seconds: float
    end_seconds: float | None
    text: str
    uri: str


class JobFilter(Model):
    """Filter of a listing of jobs; None means any.

    `since` is compared with FinishTime, or with CreateTime where that is unknown. With `incomplete`, a listing has
    only jobs without a complete manifest.
    """

    function_name: str | None = None
    state: RecordState | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    incomplete: bool = False

    def admits(self, job: JobLine | Record) -> bool:
        """Tell if the listing has this job. A job without any time is older than every `since`.

        For a record, `incomplete` is ignored: its manifest decides that.
        """
        moment = job.finish_time or job.create_time
        return (
            self.function_name in (None, job.function_name)
            and self.state in (None, job.state)
            and self.outcome in (None, job.outcome)
            and not (self.incomplete and isinstance(job, JobLine) and job.complete)
            and (self.since is None or (moment is not None and moment >= self.since))
        )


class WrittenJob(NamedTuple):
    """Summary of a job, and the time of the last writing of its manifest, where the store knows it.

    `line` is None for a record that this version cannot read. `output_seconds` is that of the manifest.
    """

    line: JobLine | None
    manifest_written: datetime | None = None
    output_seconds: float | None = None


class Addresses(NamedTuple):
    """Addresses of the record and the manifest of a job in a store, and of the contents of its files, if it has any."""

    record: str
    manifest: str
    contents: str | None = None


class StoredJob(NamedTuple):
    """Record and manifest of one job, as a store has them.

    `left_out` names the parts that were too large for the store: raw, result, or files. `whole_uri` is the address of
    the whole record then, if the store knows it.
    """

    record: Record
    manifest: Manifest | None
    left_out: tuple[str, ...] = ()
    whole_uri: str | None = None

    @property
    def line(self) -> JobLine:
        """Summary of the job, as a listing has it."""
        values = {name: getattr(self.record, name) for name in JobLine.model_fields if name != "complete"}
        return JobLine(**values, complete=self.manifest.complete if self.manifest else None)


class StoredBytes(NamedTuple):
    """Content of a store for one job, byte for byte: written by any version of this program, and perhaps damaged.

    `key` is the key of its record; in tables, the job id. Rows have a `generation` (see table/schema.py), and a
    `raw_uri`: the address of the whole record that they could not keep. Without `files_stored`, the manifest has no
    files. Objects have a `pointer` from the job id to the record.
    """

    key: str
    record: bytes
    manifest: bytes | None
    generation: str = ""
    raw_uri: str | None = None
    files_stored: bool = True
    pointer: bytes | None = None


class ContentsLeftOutError(StorageError):
    """Contents of a job, `count` in all, of which some were too large for the store. `present` has the others."""

    def __init__(self, message: str, present: Sequence[Content], count: int) -> None:
        super().__init__(message)
        self.present = present
        self.count = count


class Near(NamedTuple):
    """Facts of a job that are known before it is looked up: the function, and a time at or after its creation.

    In an object store that was written without pointers, a job is looked for only around this time; without a time,
    nowhere.
    """

    function_name: str | None
    time: datetime | None


class Capabilities(NamedTuple):
    """Properties of a kind of store that differ between kinds: known before it is opened, and asked in place of types.

    `keeps` is `objects` for a store that keeps every record whole, so that other stores can point to it. `parks`:
    it keeps parked events too (see Store.parking). `indexed`: a listing of jobs reads only the rows that match; in
    other stores every object of some days, or a range of times. `needs_setup`: its tables are made ahead of the first
    job. `searches`: it finds captions by their words.
    """

    keeps: Literal["objects", "tables"]
    parks: bool
    indexed: bool
    needs_setup: bool
    searches: bool = False


OBJECTS = Capabilities("objects", parks=True, indexed=False, needs_setup=False)
"""Capabilities of object stores: folders, OSS, S3."""
SQLITE = Capabilities("tables", parks=True, indexed=True, needs_setup=False, searches=True)
TABLESTORE = Capabilities("tables", parks=False, indexed=False, needs_setup=True)
TableState: TypeAlias = Literal["present", "created", "missing"]


class TableStatus(NamedTuple):
    """State in which a store found one table when it was prepared."""

    table: str
    state: TableState


class Store(ABC):
    """Store of records and manifests behind a sink's URL.

    Each step of writing may be repeated at any time without harm. A *key* names a job in the store: the key of its
    record among objects, the job id in tables. A store is hashed by identity, so it may be a key of a dictionary.
    """

    url: str
    capabilities: Capabilities

    def load(self) -> None:  # noqa: B027  many stores have nothing to load
        """Make ready all that needs no call: imports and connections, for which the first call would wait."""

    @property
    def parking(self) -> ParkedEvents | None:
        """Part of the store that keeps parked events; None without the capability `parks`."""
        return None

    def check_exists(self) -> None:  # noqa: B027  a service reports a missing bucket or table by itself
        """Check that there is a store to read. Raises StorageError for a missing file or folder, or one not of ours."""

    # Writing: `stage`, `stage_contents` ──► (output files are looked up) ──► `commit`

    @abstractmethod
    def addresses(self, record: Record) -> Addresses:
        """Return the addresses of this record and its manifest. Nothing is called."""

    @abstractmethod
    def stage(self, record: Record) -> None:
        """Write the part of a job that may be written before its output files are looked up."""

    @abstractmethod
    def stage_contents(self, record: Record, contents: Sequence[Content], *, are_all: bool = True) -> None:
        """Write the contents of a job's files, as far as they may be written before the rest of the job.

        The store has no others of this job afterwards. `are_all` is false when some of the files have no content.
        """

    @abstractmethod
    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Write the rest of a job, and last of all the sign that it is complete.

        `contents` are all that the store has of this job afterwards; with None, those that are stored stay.
        """

    # Reading

    @abstractmethod
    def find(self, job_id: JobId, near: Near | None = None) -> StoredJob | None:
        """Look up one job by its id; None when the store does not have it.

        `near` narrows the search of an object store that was written without pointers. Other lookups ignore it.
        """

    @abstractmethod
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        """List the jobs that `wanted` admits, newest first as far as the store can tell."""

    @abstractmethod
    def written_jobs(self, wanted: JobFilter) -> Iterator[WrittenJob]:
        """List the jobs that `wanted` admits, and records that cannot be read, in any order.

        Tables do not know when a manifest was written.
        """

    def reads_everything(self, wanted: JobFilter) -> bool:
        """Tell if `jobs(wanted)` may read all there is, so that a user can be warned."""
        return wanted.since is None and not self.capabilities.indexed

    @abstractmethod
    def recorded(self, record: Record) -> Record | None:
        """Read the record of this job that is stored, with at most three calls; None when there is none.

        Raises StorageError for a record that this version cannot read.
        """

    @abstractmethod
    def verified(self, record: Record) -> Manifest | None:
        """Read the manifest that is stored where that of this record belongs, with one call; None when there is none.

        Raises StorageError for a manifest that this version cannot read.
        """

    def contents(self, record: Record) -> tuple[Content, ...]:
        """Read the stored contents of the files of this job, in their order.

        Raises StorageError for a content that this version cannot read, ContentsLeftOutError for one that the store
        could not keep.
        """
        return self.contents_at(self.key_for(record.job_id, record.function_name, record.create_time))

    @abstractmethod
    def contents_at(self, key: str) -> tuple[Content, ...]:
        """Read the contents of the job under a key, as above."""

    @abstractmethod
    def job_at(self, key: str) -> StoredJob | None:
        """Read the job under a key; None when there is no record any more."""

    # Notifications: kept apart from records and manifests, whose writing never touches this

    @abstractmethod
    def acknowledged(self, job_id: JobId) -> dict[str, str]:
        """Read the id of the last notification of a job that each target has acknowledged, by the target's name."""

    @abstractmethod
    def acknowledge(self, job_id: JobId, told: Mapping[str, str]) -> None:
        """Write the last acknowledged id of each target, in place of what is there. The job is in the store."""

    # Maintaining: stored bytes are compared with the bytes that this version would write

    @abstractmethod
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        """List the keys of jobs that `wanted` may admit, by function and time; in any order, page by page."""

    @abstractmethod
    def key_for(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        """Return the key at which a job of this function and time belongs. Nothing is called."""

    @abstractmethod
    def stored(self, key: str) -> StoredBytes | None:
        """Read the bytes under a key; None when there are none."""

    @abstractmethod
    def stored_job(self, job_id: JobId, wanted: JobFilter) -> StoredBytes | None:
        """Read the bytes of one job by its id; None when the store does not have it.

        `wanted` narrows the search of an object store that was written without pointers. Other lookups ignore it.
        """

    @abstractmethod
    def as_stored(self, record: Record, manifest: Manifest) -> StoredBytes:
        """Return the bytes that the store would have after writing these. Nothing is called."""

    def rewrite(
        self,
        record: Record,
        manifest: Manifest,
        now: StoredBytes | None,
        contents: Sequence[Content] | None = None,
        *,
        with_pointer: bool = True,
    ) -> None:
        """Write a job again, over the documents `now` under the key where it belongs; None when there are none.

        With `contents` None, those that are stored stay. Without `with_pointer`, so does the job's pointer.
        """
        del now, with_pointer
        self.stage(record)
        self.commit(record, manifest, contents)

    # Parts that not every store has

    def pointed(self, job_id: JobId, pointer: bytes | None) -> StoredBytes | None:
        """Read the job where the stored bytes of its pointer lead; None when it is not there, and in tables."""
        del job_id, pointer
        return None

    def remove(self, key: str) -> None:
        """Remove the manifest and the record under an earlier key of a job, if they are there.

        Only for stores of objects: in tables, a job has one key.
        """
        raise NotImplementedError(f"{self.url}: a job has one key")

    def set_complete(self) -> None:  # noqa: B027  only a store of objects has something to note
        """Note that every job in the store can be found by its id alone."""

    def prepare(self, *, dry_run: bool) -> tuple[TableStatus, ...]:
        """Make the tables that are missing, or with `dry_run` only look; a store of objects has none.

        Raises an IceResultError for a table that exists and is not ours.
        """
        del dry_run
        return ()

    def search(self, words: Sequence[str], since: datetime | None = None) -> Iterator[FoundCue]:
        """Find the cues that have all words, of the newest jobs first: only with the capability `searches`."""
        raise NotImplementedError(f"{self.url}: captions are not searched")

    def versioning(self) -> str | None:
        """Ask if the store keeps every version of an object: the service's own word; None when it has no versions."""
        return None
