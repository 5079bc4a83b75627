"""Looking jobs up in the object layout."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pytest
from typing_extensions import override

from alicloud_local import LocalCloud
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId, JsonValue
from ice_result.errors import StorageError, TimedOutError
from ice_result.records.model import Manifest, Record
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.base import JobFilter, Store
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.oss import OssClient, OssStore
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import ObjectStore
from ice_result.sinks.parked_model import Listed
from support.fake_clock import limited

RecordOf = Callable[..., Record]
Write = Callable[..., str]
DAY = "records/function_name=Cover/dt=2022-07-07"


@dataclass(frozen=True)
class CountingStore(ObjectStore):
    """A folder that knows what was asked of it."""

    files: FileStore
    read: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    @override
    def address(self, key: str, /) -> str:
        return self.files.address(key)

    @override
    def put(self, key: str, data: bytes, /) -> str:
        return self.files.put(key, data)

    @override
    def get(self, key: str, /) -> bytes | None:
        self.read.append(key)
        return self.files.get(key)

    @override
    def delete(self, key: str, /) -> None:
        self.files.delete(key)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        self.listed.append(folder)
        return self.files.list(folder, after=after)

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        return self.files.children(folder)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(FileStore(tmp_path))


@pytest.fixture
def sink(store: CountingStore) -> Store:
    return ObjectStoreSink("file:", store, Layout())


@pytest.fixture
def write(store: CountingStore, record_of: RecordOf, manifest: Manifest) -> Write:
    """Writes a job, with a manifest unless `complete` is None; named fields of the record replace the usual ones."""

    def write(job_id: str, *, complete: bool | None = True, **changes: JsonValue) -> str:
        sink = ObjectStoreSink("file:", store, Layout())
        record = record_of(job_id=job_id, **changes)
        if complete is not None:
            changed = {"job_id": job_id, "function_name": record.function_name, "complete": complete}
            sink.commit(record, manifest.model_copy(update=changed))
        sink.stage(record)
        return sink.addresses(record).record

    return write


def ids(sink: Store, **wanted: object) -> list[str]:
    return [line.job_id for line in sink.jobs(JobFilter.model_validate(wanted))]


def test_a_job_is_found_with_all_that_is_stored_of_it(sink: Store, write: Write, record_of: RecordOf) -> None:
    """GIVEN jobs of several functions and days WHEN one is asked for THEN its record and its manifest come back."""
    write("job-0", function_name="VideoClip", create_time="2020-01-01T00:00:00Z")
    write("job-1", complete=False)

    found = sink.find(JobId("job-1"))

    assert found is not None
    assert found.record == record_of()
    assert found.manifest is not None
    assert (found.manifest.job_id, found.manifest.complete) == ("job-1", False)


def test_a_job_without_a_manifest_is_found_without_one(sink: Store, write: Write) -> None:
    """Its record was staged, and the function died before it could commit."""
    write("job-1", complete=None)

    found = sink.find(JobId("job-1"))

    assert found is not None
    assert found.manifest is None


@pytest.mark.parametrize("job_id", ["a/b", "智能", "..", "x" * 500, "job", "a b+c?"])
def test_odd_ids_are_found_by_the_id_itself(sink: Store, write: Write, job_id: str) -> None:
    """The key is encoded and may be shortened; who asks need not know. What only begins alike is not it."""
    write(f"{job_id}2")
    assert sink.find(JobId(job_id)) is None

    write(job_id, function_name="新 功能", create_time=None)
    found = sink.find(JobId(job_id))

    assert found is not None
    assert found.record.job_id == job_id


def test_nothing_is_found_in_nothing(sink: Store) -> None:
    """A folder that is not there yet is an empty store."""
    assert sink.find(JobId("job-1")) is None
    assert ids(sink) == []


def test_a_line_is_the_record_in_short(sink: Store, write: Write) -> None:
    """With `complete` from the manifest; null without one."""
    write("job-1", finish_time="2022-07-07T07:17:00Z", duration_seconds=49.0, file_count=2, complete=False)
    write("job-2", complete=None)

    first, second = sink.jobs(JobFilter())

    assert first.model_dump(mode="json") == {
        "job_id": "job-1",
        "function_name": "Cover",
        "state": "succeeded",
        "outcome": "ok",
        "create_time": "2022-07-07T07:16:11Z",
        "finish_time": "2022-07-07T07:17:00Z",
        "duration_seconds": 49.0,
        "file_count": 2,
        "complete": False,
    }
    assert (second.job_id, second.complete) == ("job-2", None)


def test_the_newest_come_first(sink: Store, write: Write) -> None:
    """By day of creation over all functions, within a day by the time they finished, and those without a day last."""
    write("undated", create_time=None, finish_time="2030-01-01T00:00:00Z")
    write("old", create_time="2022-07-06T23:59:59Z", finish_time="2022-07-09T00:00:00Z", function_name="VideoClip")
    write("first", finish_time="2022-07-07T08:00:00Z", function_name="VideoClip")
    write("last", finish_time="2022-07-07T10:00:00Z", function_name="")
    write("middle", finish_time="2022-07-07T09:00:00Z")
    write("unfinished")

    assert ids(sink) == ["last", "middle", "first", "unfinished", "old", "undated"]


def test_jobs_are_filtered(sink: Store, write: Write) -> None:
    """By function, state and outcome, each alone and together."""
    write("a")
    write("b", function_name="VideoClip")
    write("c", function_name="VideoClip", state="failed", outcome="job_failed")
    write("d", function_name="")

    assert sorted(ids(sink, function_name="VideoClip")) == ["b", "c"]
    assert ids(sink, function_name="") == ["d"]
    assert ids(sink, state="failed") == ["c"]
    assert ids(sink, function_name="VideoClip", outcome="ok") == ["b"]
    assert ids(sink, function_name="Cover", outcome="job_failed") == []


def test_only_the_partitions_that_can_matter_are_read(sink: Store, store: CountingStore, write: Write) -> None:
    """GIVEN `since` THEN days are read from a week before it, because a job may have been created before it ended."""
    since = datetime(2022, 7, 14, 23, 0, tzinfo=timezone.utc)
    write("too-old", create_time="2022-07-06T23:59:59Z", finish_time="2022-07-15T00:00:00Z")
    write("a-week", create_time="2022-07-07T00:00:00Z", finish_time="2022-07-15T00:00:00Z")
    write("before", create_time="2022-07-14T00:00:00Z", finish_time="2022-07-14T22:59:59Z")
    write("created", create_time="2022-07-15T00:00:00Z")
    write("other", function_name="VideoClip", create_time="2022-07-15T00:00:00Z")

    assert ids(sink, function_name="Cover", since=since) == ["created", "a-week"]
    assert [folder.split("/")[1:3] for folder in store.listed if "=" in folder] == [
        ["function_name=Cover", f"dt=2022-07-{day}"] for day in ("15", "14", "07")
    ]
    assert not [key for key in store.read if "manifests" in key and "before" in key]


def test_a_day_is_read_when_it_is_come_to(sink: Store, store: CountingStore, write: Write) -> None:
    """Who wants the newest few does not wait for all the others."""
    for day in range(1, 29):
        write(f"job-{day}", create_time=f"2022-07-{day:02}T00:00:00Z")

    store.listed.clear()
    jobs = sink.jobs(JobFilter())

    assert next(jobs).job_id == "job-28"
    assert len(store.listed) == 1


@pytest.mark.parametrize("year", ["0001-01-01T00:00:00+14:00", "0001-01-03T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_any_time_may_be_asked_from(sink: Store, write: Write, year: str) -> None:
    """Even one with nothing before it."""
    write("job-1")

    assert ids(sink, since=year) == ([] if year.startswith("9") else ["job-1"])


def test_it_says_when_it_reads_everything(sink: Store) -> None:
    """Only `since` leaves days out."""
    assert sink.reads_everything(JobFilter(function_name="Cover"))
    assert not sink.reads_everything(JobFilter(since=datetime.now(timezone.utc)))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ((f"{DAY}/job-2.json", b""), "a damaged record, or one of another version"),
        ((f"{DAY}/job-2.json", b'{"schema":"ice_result.record/2"}'), "a damaged record, or one of another version"),
        ((f"{DAY}/job-2.json", b"\xff\xfe"), "a damaged record, or one of another version"),
        ((f"{DAY}/job-2.json", None), "the record of another job"),
        ((f"{DAY}/deeper/job-1.json", None), "the record of another job"),
        (("records/function_name=Cover/dt=2022-07-08/job-1.json", None), "or of another partition"),
        ((f"{DAY}/_SUCCESS", b""), "not a record's name"),
        ((f"{DAY}/a\x1b[2J", b""), "not a record's name"),
        (("records/function_name=Cover/dt=2022-13-01/job-2.json", b""), "not a partition of ours"),
        (("records/function_name=Cover/day=2022-07-01/job-2.json", b""), "not a partition of ours"),
        (
            ("manifests/function_name=Cover/dt=2022-07-07/job-1.json", b"{"),
            "a damaged manifest, or one of another version",
        ),
    ],
)
def test_what_is_damaged_or_foreign_is_skipped_with_a_warning(
    sink: Store, write: Write, damage: tuple[str, bytes | None], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning names the file, without what could rewrite a terminal; the other jobs are listed."""
    record, (path, content) = Path(write("job-1")), damage
    damaged = record.parents[3] / path
    damaged.parent.mkdir(parents=True, exist_ok=True)
    damaged.write_bytes(record.read_bytes() if content is None else content)

    assert ids(sink) == ["job-1"]

    (warning,) = caplog.records
    assert (warning.levelno, warning.name) == (logging.WARNING, "ice_result.sinks.object.sink")
    assert why in warning.getMessage()
    assert warning.getMessage().isprintable()


def test_files_beside_the_partitions_and_half_written_ones_are_not_looked_at(
    sink: Store, write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that was killed leaves a temporary file, which is nothing to warn of."""
    write("job-1")
    (tmp_path / DAY / ".0123.tmp").write_bytes(b"half")
    (tmp_path / "records" / "README").write_text("hello")
    (tmp_path / "records" / "function_name=Cover" / "notes.txt").write_text("hello")

    assert ids(sink) == ["job-1"]
    assert caplog.records == []


def test_a_record_that_went_away_meanwhile_is_no_job(store: CountingStore) -> None:
    """Somebody tidied up between the listing and the reading."""

    class Vanishing(CountingStore):
        @override
        def get(self, key: str, /) -> None:
            self.read.append(key)

    store.put(f"{DAY}/job-1.json", b"{}")

    assert ids(ObjectStoreSink("file:", Vanishing(store.files), Layout())) == []


def test_a_folder_that_cannot_be_listed_is_told_with_its_path(tmp_path: Path) -> None:
    """A file stands where the records should be."""
    (tmp_path / "records").write_text("in the way")

    with pytest.raises(StorageError, match=rf"cannot list {tmp_path}/records/?: Not a directory"):
        open_sink(f"file:{tmp_path}", SinkContext()).find(JobId("job-1"))


def test_jobs_in_oss_are_found_below_their_prefix(
    cloud: LocalCloud, context: SinkContext, record_of: RecordOf, manifest: Manifest
) -> None:
    """GIVEN two prefixes in one bucket WHEN one is looked in THEN the other's jobs are not there."""
    for prefix, job_id in (("ice", "job-1"), ("ice-2", "job-2")):
        sink = open_sink(f"oss://records/{prefix}", context)
        record = record_of(job_id=job_id)
        sink.stage(record)
        sink.commit(record, manifest.model_copy(update={"job_id": job_id}))
    sink = open_sink("oss://records/ice", context)

    assert ids(sink) == ["job-1"]
    assert sink.find(JobId("job-2")) is None
    found = sink.find(JobId("job-1"))
    assert found is not None
    assert found.manifest is not None
    assert cloud.oss.calls


def test_a_listing_of_oss_goes_on_to_the_last_page(cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN more than the keys of a page WHEN they are listed THEN each is there once."""
    keys = [f"records/{number % 4}/{number:04} +%.json" for number in range(8)]
    for key in keys:
        cloud.oss.put("records", key, b"")
    store = OssStore(OssClient(context), "records", keys_a_page=3)

    assert [listed.key for page in store.list("records/") for listed in page] == sorted(keys)
    assert len(cloud.oss.calls) == 3
    assert sorted(store.children("records/")) == list("0123")


@pytest.mark.slow
def test_a_page_of_a_listing_of_oss_has_a_thousand_keys(cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN more than the thousand keys of a page WHEN they are listed THEN each is there once, in two calls."""
    keys = [f"records/{number % 7}/{number:04} +%.json" for number in range(1003)]
    for key in keys:
        cloud.oss.put("records", key, b"")
    store = OssStore(OssClient(context), "records")

    assert [listed.key for page in store.list("records/") for listed in page] == sorted(keys)
    assert len(cloud.oss.calls) == 2
    assert sorted(store.children("records/")) == list("0123456")


def test_the_deadline_ends_a_long_search(context: SinkContext) -> None:
    """It is told as what it is."""
    with pytest.raises(TimedOutError):
        limited(Deadline.after(0), lambda: open_sink("oss://records", context).find(JobId("job-1")))
