"""Jobs in Tablestore, over the wire: one writing of a job wins whole, whatever fails in between."""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.faults import FaultKind
from alicloud_local.service import CallObserver
from ice_result.core.calls import ServiceCaller
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    NoSuchTableError,
    RejectedError,
    SettingsError,
    StorageError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.records import Manifest
from ice_result.results.unknown import Unknown
from ice_result.sinks import SinkContext
from ice_result.sinks.base import JobFilter, StoredJob
from ice_result.sinks.registry import open_sink, parking_schemes
from ice_result.sinks.table.rows import Rows, rows_of, size
from ice_result.sinks.table.schema import DAYS, ITEMS, JOBS, OUTPUTS, TABLES, Column, Table
from ice_result.sinks.table.tablestore import TablestoreSink, fitting_rows
from ice_result.sinks.table.tablestore_client import Change, Tablestore, batches
from support.certificate_authority import tls_of_an_authority
from support.fake_clock import FakeTime, limited
from support.missing_keys import take_keys_away
from support.old_tables import write_old_rows
from support.record_versions import ANSWERS, WRITINGS, Writing, manifest, record

INSTANCE = "records"
URL = f"ots://{INSTANCE}"
DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
COVER: JsonObject = {"rank": 1, "score": None, "time_seconds": None, "path": None, "uri": None}
NAMES = [table.name for table in (*TABLES, DAYS)]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, watch: CallObserver) -> Iterator[LocalCloud]:
    """A local cloud with Tablestore in it."""
    with LocalCloud(tablestore=True, watch=watch) as local:
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture
def context(cloud: LocalCloud, new_caller: Callable[[str], ServiceCaller]) -> SinkContext:
    """How it is reached."""
    return SinkContext(
        region=cloud.region,
        ots_endpoint=parse_endpoint(cloud.ots.endpoint),
        concurrency=4,
        new_caller=new_caller,
    )


@pytest.fixture
def sink(context: SinkContext) -> TablestoreSink:
    """A sink whose tables are there."""
    sink = TablestoreSink(URL, Tablestore(INSTANCE, context), "oss://records/ice")
    sink.prepare(dry_run=False)
    return sink


def content(cloud: LocalCloud) -> tuple[list[str], list[str], list[str]]:
    """The generations in the three tables."""
    jobs, outputs, items = (
        [str(row["generation"]) for row in cloud.ots.rows(INSTANCE, table.name)] for table in (JOBS, OUTPUTS, ITEMS)
    )
    return jobs, outputs, items


def operations(cloud: LocalCloud, since: int = 0) -> list[str]:
    return [call.operation for call in cloud.ots.calls[since:]]


def test_an_ots_url_is_a_sink_a_catalogue_and_a_table_store(context: SinkContext, cloud: LocalCloud) -> None:
    """The registry opens it under its URL, without a call; it keeps no parked events."""
    sink = open_sink(URL, context)

    assert sink.url == URL
    assert sink.capabilities.keeps == "tables"
    assert open_sink(URL, context).reads_everything(JobFilter())
    assert not open_sink(URL, context).reads_everything(JobFilter(since=DAY))
    assert "ots:" not in parking_schemes()
    assert cloud.ots.calls == ()


@pytest.mark.parametrize(
    ("url", "explanation"),
    [
        ("ots:", "has no instance; write ots://instance"),
        ("ots://ab", "'ab' is not an instance's name"),
        ("ots://a-name-of-17-char", "is not an instance's name"),
        ("ots://1name", "is not an instance's name"),
        ("ots://name-", "is not an instance's name"),
        ("ots://name/prefix", "has more than the name of an instance"),
    ],
)
def test_what_is_wrong_with_a_url_is_explained(url: str, explanation: str) -> None:
    """Instance names have 3 to 16 characters, and nothing follows them."""
    with pytest.raises(SettingsError) as caught:
        open_sink(url, SinkContext(region="cn-shanghai"))

    assert explanation in str(caught.value)


def test_wrong_settings_show_when_the_sink_is_opened() -> None:
    """The region is needed for signatures. The default endpoint is the instance's public one."""
    with pytest.raises(SettingsError, match="ICE_RESULT_REGION: not set"):
        open_sink(URL, SinkContext())
    public = Tablestore(INSTANCE, SinkContext(region="cn-shanghai")).endpoint()
    assert str(public) == "https://records.cn-shanghai.ots.aliyuncs.com"


def test_nothing_is_called_before_the_commit(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """Staging does nothing; committing writes all rows in four calls, the job's own row after the others."""
    before = len(cloud.ots.calls)
    sink.stage(record(2, None))
    assert len(cloud.ots.calls) == before

    sink.commit(record(2, "2026-03-02T08:00:00Z"), manifest(1))
    row = f"{URL}#ice_jobs/job-1"
    assert sink.addresses(record(2, None)) == (row, row, f"{URL}#ice_contents/job-1")
    assert operations(cloud, before) == ["BatchWriteRow", "UpdateRow", "GetRange", "GetRange"]
    (job,) = cloud.ots.rows(INSTANCE, "ice_jobs")
    assert (job["job_id"], job["complete"], job["file_count"]) == ("job-1", True, 2)
    assert "name" not in job
    assert [row["object_key"] for row in cloud.ots.rows(INSTANCE, "ice_outputs")] == ["0.jpg"]
    assert [(row["number"], row["score"]) for row in cloud.ots.rows(INSTANCE, "ice_items")] == [(1, 1.5), (2, 1.5)]
    (day,) = cloud.ots.rows(INSTANCE, "ice_days")
    expected = {"day": "2026-03-02", "moment": "2026-03-02T08:00:00.000000Z", "job_id": "job-1"}
    assert day == {**expected, "function_name": "Cover"}


def test_what_is_written_is_found_again(sink: TablestoreSink) -> None:
    """The record and the manifest, equal to those given; other jobs are not there."""
    sink.commit(record(2, None), manifest(1))

    assert sink.find(JobId("job-1")) == StoredJob(record(2, None), manifest(1))
    assert sink.find(JobId("job-2")) is None


@pytest.mark.parametrize(
    "order",
    [*itertools.permutations(WRITINGS), *itertools.permutations(ANSWERS)],
    ids=lambda order: " → ".join(writing.name for writing in order),
)
def test_the_latest_writing_wins_in_any_order(
    order: tuple[Writing, ...], sink: TablestoreSink, cloud: LocalCloud
) -> None:
    """After each write only the rows of the greatest generation so far are there, and the job is listed once."""
    for count, writing in enumerate(order, start=1):
        sink.write(writing.rows)

        assert content(cloud) == max(order[:count], key=lambda each: each.rank).content
        assert [line.job_id for line in sink.jobs(JobFilter())] == ["job-1"]


def test_writings_at_the_same_time_do_not_mix(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """Whoever comes last cleans up after the others."""
    with ThreadPoolExecutor(8) as pool:
        for ended in [pool.submit(sink.write, writing.rows) for writing in WRITINGS * 3]:
            ended.result()

    assert content(cloud) == WRITINGS[-1].content


@pytest.mark.parametrize("operation", ["UpdateRow", "GetRange"])
def test_what_a_broken_writing_left_is_gone_with_the_next(
    operation: str, sink: TablestoreSink, cloud: LocalCloud
) -> None:
    """An earlier writing that stopped half-way leaves no rows under a later one, nor a line in a listing."""
    old, new = WRITINGS[1:3]
    cloud.ots.fail(Fault("error_500", operation=operation, times=4))
    with pytest.raises(UnavailableError):
        sink.write(old.rows)

    sink.write(new.rows)
    assert content(cloud) == new.content
    (line,) = sink.jobs(JobFilter())
    assert line.finish_time == datetime(2026, 3, 2, 8, 0, 0, 500_000, tzinfo=timezone.utc)


def test_a_later_writing_that_broke_off_is_finished_by_its_repetition(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """Until then the job's own row still says which generation counts."""
    old, new = WRITINGS[1:3]
    sink.write(old.rows)
    cloud.ots.fail(Fault("error_500", operation="UpdateRow", times=4))
    with pytest.raises(UnavailableError):
        sink.write(new.rows)
    assert content(cloud)[0] == old.content[0]

    sink.write(new.rows)
    assert content(cloud) == new.content


@pytest.mark.parametrize("operation", ["BatchWriteRow", "UpdateRow", "GetRange"])
@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset", "hang", "truncate"])
def test_a_fault_that_passes_costs_nothing(
    *,
    kind: FaultKind,
    operation: str,
    sink: TablestoreSink,
    cloud: LocalCloud,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """Also a write whose reply was lost: it is sent again, and is there once."""
    hangs = fake_time.during(kind, 10)
    watchers.append(lambda call: hangs(call) if call.operation == operation else None)
    cloud.ots.fail(Fault(kind, operation=operation))
    sink.write(WRITINGS[1].rows)

    assert content(cloud) == WRITINGS[1].content


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", ThrottledError),
        ("error_500", UnavailableError),
        ("html_502", UnavailableError),
        ("forbidden", ForbiddenError),
        ("reset", UnavailableError),
        ("hang", TimedOutError),
        ("drip", TimedOutError),
        ("truncate", UnavailableError),
    ],
)
def test_a_fault_that_stays_is_one_of_our_errors(
    *,
    kind: FaultKind,
    error: type[IceResultError],
    sink: TablestoreSink,
    cloud: LocalCloud,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """It says what was tried and where, within the deadline."""
    hangs = fake_time.during(kind, 10, times=None)
    watchers.append(lambda call: hangs(call) if call.operation == "UpdateRow" else None)
    cloud.ots.fail(Fault(kind, operation="UpdateRow", times=None, interval_seconds=1))
    deadline = Deadline.after(10, fake_time.clock)

    with pytest.raises(error, match=r"Tablestore: write ice_jobs/job-1 in ots://records: "):
        limited(deadline, lambda: sink.write(WRITINGS[1].rows))
    assert fake_time.seconds <= deadline.at


def test_a_missing_table_says_how_to_make_it(context: SinkContext) -> None:
    """Writing and reading before the setup."""
    sink = TablestoreSink(URL, Tablestore(INSTANCE, context))

    with pytest.raises(NoSuchTableError, match="run `ice-result setup --tables --yes`"):
        sink.write(WRITINGS[1].rows)
    with pytest.raises(NoSuchTableError, match="run `ice-result setup --tables --yes`"):
        sink.find(JobId("job-1"))
    with pytest.raises(NoSuchTableError, match="run `ice-result setup --tables --yes`"):
        [*sink.jobs(JobFilter())]


def test_tables_are_made_once(context: SinkContext, cloud: LocalCloud) -> None:
    """First only told, then made, then found."""
    sink = TablestoreSink(URL, Tablestore(INSTANCE, context))

    assert {status.state for status in sink.prepare(dry_run=True)} == {"missing"}
    assert cloud.ots.tables(INSTANCE) == []
    made = sink.prepare(dry_run=False)
    assert [(status.table, status.state) for status in made] == [(name, "created") for name in NAMES]
    assert cloud.ots.tables(INSTANCE) == sorted(NAMES)
    assert {status.state for status in sink.prepare(dry_run=False)} == {"present"}
    assert operations(cloud)[-6:] == ["ListTable"] + ["DescribeTable"] * 5


def test_tables_made_by_two_at_once_are_made(context: SinkContext, cloud: LocalCloud) -> None:
    """A table that came to be in the meantime, or by a call whose reply was lost, is no failure."""
    cloud.ots.fail(Fault("truncate", operation="CreateTable"))

    TablestoreSink(URL, Tablestore(INSTANCE, context)).prepare(dry_run=False)
    assert cloud.ots.tables(INSTANCE) == sorted(NAMES)


def test_a_table_that_cannot_be_made_is_told(context: SinkContext, cloud: LocalCloud) -> None:
    """As when the name cannot be, or permissions are missing."""
    with pytest.raises(RejectedError, match="create table 1nvalid"):
        Tablestore(INSTANCE, context).create(Table("1nvalid", "", DAYS.columns))
    cloud.ots.fail(Fault("forbidden", operation="CreateTable"))
    with pytest.raises(ForbiddenError, match="create table ice_jobs"):
        TablestoreSink(URL, Tablestore(INSTANCE, context)).prepare(dry_run=False)


def test_a_table_of_somebody_else_is_told(context: SinkContext) -> None:
    """Its key and ours are shown."""
    instance = Tablestore(INSTANCE, context)
    instance.create(Table("ice_items", "", (Column("id", "integer", "", key=True),)))

    with pytest.raises(
        RejectedError, match=r"its key is id INTEGER, expected job_id STRING, number INTEGER; use another instance"
    ):
        TablestoreSink(URL, instance).prepare(dry_run=True)


def test_rows_left_over_by_a_longer_writing_are_deleted(
    context: SinkContext, sink: TablestoreSink, cloud: LocalCloud
) -> None:
    """Page by page."""
    assert sink.url == URL
    small_pages = TablestoreSink(URL, Tablestore(INSTANCE, context, rows_a_page=2))
    small_pages.commit(record(8, "2026-03-02T08:00:00Z"), manifest(2))
    small_pages.commit(record(3, "2026-03-02T09:00:00Z"), manifest(0))

    assert [row["number"] for row in cloud.ots.rows(INSTANCE, "ice_items")] == [1, 2, 3]
    assert cloud.ots.rows(INSTANCE, "ice_outputs") == []


def test_rows_go_in_batches_of_a_number_and_of_a_size() -> None:
    """Whichever is reached first; and a row that is too large by itself goes by itself."""
    table = next(table for table in TABLES if table.name == "ice_items")
    changes = [Change(table, {"job_id": "job-1", "number": number, "path": "x" * 100}) for number in range(7)]
    large = Change(table, {"job_id": "job-1", "number": 7, "path": "x" * 10_000})

    assert [len(batch) for batch in batches(changes, most_rows=3)] == [3, 3, 1]
    assert [len(batch) for batch in batches(changes, most_bytes=1000)] == [2, 2, 2, 1]
    assert [len(batch) for batch in batches([*changes, large], most_bytes=5000)] == [7, 1]
    assert [change for batch in batches(changes, most_rows=2) for change in batch] == changes


@pytest.mark.slow
def test_many_rows_go_in_batches_and_go_again(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """At most 200 in one call; those left over by a longer writing are deleted page by page."""
    sink.commit(record(450, "2026-03-02T08:00:00Z"), manifest(2))
    assert operations(cloud).count("BatchWriteRow") == 3
    assert len(cloud.ots.rows(INSTANCE, "ice_items")) == 450

    sink.commit(record(3, "2026-03-02T09:00:00Z"), manifest(0))
    assert [row["number"] for row in cloud.ots.rows(INSTANCE, "ice_items")] == [1, 2, 3]
    assert cloud.ots.rows(INSTANCE, "ice_outputs") == []


@pytest.mark.slow
def test_large_rows_go_in_batches(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """The bytes of a call are limited as well as its rows."""
    cover: JsonObject = {"score": None, "time_seconds": None, "path": "路" * 200_000, "uri": None}
    sink.write(sink_rows({"kind": "covers", "covers": [{"rank": n, **cover} for n in range(1, 9)]}))

    assert operations(cloud).count("BatchWriteRow") == 2
    assert len(cloud.ots.rows(INSTANCE, "ice_items")) == 8


def sink_rows(result: JsonObject) -> Rows:
    """Rows of a job whose record is kept short, however large its items are."""
    rows = rows_of(record(0, None, result=result), manifest(0))
    return rows._replace(job={**rows.job, "record": "{}"})


WHOLE_URI = "oss://records/ice/records/function_name=Cover/dt=2026-03-01/job-1.json"


def unknown_result(megabytes: float) -> JsonObject:
    """A Result of a function that this version does not know."""
    return {"kind": "unknown", "data": "r" * int(megabytes * 2**20)}


@pytest.mark.parametrize(
    ("raw", "result", "files", "left_out"),
    [
        pytest.param("", {"kind": "covers"}, 1, [], id="small"),
        pytest.param("像" * 700_000, {"kind": "covers"}, 1, ["raw"], id="a long response"),
        pytest.param("", unknown_result(2.7), 1, ["raw", "result"], id="a long result"),
        pytest.param("", {"kind": "covers"}, 8500, [], id="8,500 files"),
        pytest.param("", {"kind": "covers"}, 20_000, ["files"], id="20,000 files"),
        pytest.param("", unknown_result(2.7), 20_000, ["raw", "result", "files"], id="all of it"),
        pytest.param("像" * 650_000, {"kind": "covers"}, 8500, ["raw"], id="each fits, together they do not"),
    ],
)
def test_no_more_is_left_out_than_does_not_fit(raw: str, result: JsonObject, files: int, left_out: list[str]) -> None:
    """What is left fits in one value each and in one UpdateRow; the other columns and rows have all they had."""
    large, all_files = record(0, None, raw={"Detail": raw}, result=result, file_count=files), manifest(files)

    rows = fitting_rows(large, all_files, "oss://records/ice")

    whole = rows_of(large, all_files)
    assert [part for part in ("raw", "result", "files") if not rows.job[f"{part}_stored"]] == left_out
    assert rows.job["raw_uri"] == (WHOLE_URI if left_out else None)
    assert max(len(str(value).encode()) for value in rows.job.values()) <= 2_097_152
    assert size(rows.job) <= 4_000_000
    cut = {"record", "manifest", "raw_uri", "raw_stored", "result_stored", "files_stored"}
    assert {name: value for name, value in rows.job.items() if name not in cut} == {
        name: value for name, value in whole.job.items() if name not in cut
    }
    assert rows.details == whole.details


@pytest.mark.parametrize("files", [1, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_job_too_large_is_stored_without_its_largest_parts(
    files: int, sink: TablestoreSink, cloud: LocalCloud, caplog: pytest.LogCaptureFixture
) -> None:
    """The row and the log say what is left out, and where the whole record is; what is there is found.

    Nothing is copied from such a row. The files that it does not have are read from their own rows.
    """
    large = record(0, None, raw={"Detail": "d"}, result=unknown_result(2.7), file_count=files)
    all_files = manifest(files)
    with caplog.at_level(logging.WARNING, logger="ice_result"):
        sink.commit(large, all_files)

    left_out = ("raw", "result") if files == 1 else ("raw", "result", "files")
    (message,) = caplog.messages
    assert message.startswith("job job-1: its record (2831")
    assert f"They are stored there without {', '.join(left_out)}. The whole record is in {WHOLE_URI}" in message
    (job,) = cloud.ots.rows(INSTANCE, "ice_jobs")
    assert (job["file_count"], job["files_present"], job["complete"]) == (files, files, True)
    assert len(cloud.ots.rows(INSTANCE, "ice_outputs")) == files
    kept = large.model_copy(update={"raw": {}, "result": Unknown()})
    kept_files = all_files if files == 1 else all_files.model_copy(update={"files": ()})
    assert sink.find(JobId("job-1")) == StoredJob(kept, kept_files, left_out, WHOLE_URI)
    with pytest.raises(StorageError, match=rf"is stored without {', '.join(left_out)}.*the whole record is in oss:"):
        sink.job_at("job-1")
    assert sink.verified(large) == all_files
    sink.commit(large.model_copy(update={"file_count": files + 1}), all_files)
    if files > 1:
        with pytest.raises(StorageError, match="is stored without raw, result, files"):
            sink.verified(large)


def test_of_many_problems_the_first_are_kept_with_the_number_of_all(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """A manifest may be too large for its problems alone. The files, with their media, are read from their own rows."""
    message = "oss://b/0.jpg: 403 AccessDenied: You have no right to access this object because of bucket acl."
    problem: JsonObject = {"code": "forbidden", "message": message, "uri": "oss://b/0.jpg"}
    media: JsonObject = {"container": "webm", "duration_seconds": 2.5, "has_alpha": True, "channels": 2}
    whole = manifest(1, media=media).model_dump(by_alias=True)
    large = Manifest.model_validate({**whole, "problems": [problem] * 20_000})
    sink.commit(record(1, None), large)

    (job,) = cloud.ots.rows(INSTANCE, "ice_jobs")
    assert (job["problems"], job["files_stored"]) == (20_000, False)
    found = sink.find(JobId("job-1"))
    assert found is not None
    assert found.manifest == large.model_copy(update={"files": (), "problems": large.problems[:100]})
    assert sink.verified(record(1, None)) == large.model_copy(update={"problems": large.problems[:100]})
    assert [each.output_seconds for each in sink.written_jobs(JobFilter())] == [2.5]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "x" * 2_200_000}, r"ice_jobs/job-1: too large: name has 2,200,000 bytes, of at most 2,097,152"),
        ({"job_params": "x" * 2_200_000}, r"ice_jobs/job-1: too large: record has 2,200,\d+ bytes, of at most 2,097"),
        (
            {"name": "x" * 1_800_000, "raw": {"UserData": "y" * 2_000_000}},
            r"ice_jobs/job-1: too large: the row has 5,6\d\d,\d+ bytes, of at most 4,000,000",
        ),
        (
            {"result": {"kind": "covers", "covers": [{**COVER, "path": "x" * 2_200_000}]}},
            r"ice_items/job-1: too large: path has 2,200,000 bytes",
        ),
    ],
)
def test_what_cannot_fit_is_refused_before_the_call(
    changes: JsonObject, reason: str, sink: TablestoreSink, cloud: LocalCloud
) -> None:
    """The reason says which column, how large it is, and how large it may be; nothing is written."""
    before = len(cloud.ots.calls)

    with pytest.raises(RejectedError, match=reason):
        sink.commit(record(1, None, **changes), manifest(0))

    assert operations(cloud, before) == []


def test_rows_of_version_1_are_listed(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """Their number of files is in a column of another name."""
    write_old_rows(cloud, INSTANCE)

    assert {line.job_id: line.file_count for line in sink.jobs(JobFilter())} == {
        "cover-0001": 2,
        "captionextraction-0001": 2,
        "audioqualityassessment-0001": 0,
    }
    found = sink.find(JobId("cover-0001"))
    assert found is not None
    assert (found.record.file_count, found.left_out, found.whole_uri) == (2, (), None)


@pytest.fixture
def listed(sink: TablestoreSink) -> TablestoreSink:
    """Four jobs: two finished, one only created, one without any time."""
    for job_id, finished, created in (
        ("a", "2026-03-03T08:00:00Z", "2026-03-01T00:00:00Z"),
        ("b", "2026-03-01T08:00:00Z", "2026-03-01T00:00:00Z"),
        ("c", None, "2026-03-02T00:00:00Z"),
        ("d", None, None),
    ):
        name = "VideoClip" if job_id == "b" else "Cover"
        made = record(0, finished, job_id=job_id, create_time=created, function_name=name)
        sink.commit(made, manifest(0, job_id=job_id))
    return sink


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (JobFilter(), "acbd"),
        (JobFilter(since=DAY), "ac"),
        (JobFilter(since=datetime(2026, 3, 3, 8, 0, 1, tzinfo=timezone.utc)), ""),
        (JobFilter(function_name="VideoClip"), "b"),
        (JobFilter(function_name="Cover", since=DAY, state="succeeded", outcome="ok"), "ac"),
    ],
)
def test_jobs_are_listed_newest_first(wanted: JobFilter, expected: str, listed: TablestoreSink) -> None:
    """By finish time, or the time of creation where that is unknown; those without any come last."""
    assert "".join(line.job_id for line in listed.jobs(wanted)) == expected


def test_a_listing_reads_page_by_page(context: SinkContext, listed: TablestoreSink, cloud: LocalCloud) -> None:
    """So many jobs at a time, and no more than are taken."""
    assert listed.url == URL
    small_pages = TablestoreSink(URL, Tablestore(INSTANCE, context, rows_a_page=2))
    before = len(cloud.ots.calls)
    lines = small_pages.jobs(JobFilter(since=datetime(2026, 2, 28, tzinfo=timezone.utc)))

    assert next(lines).job_id == "a"
    assert operations(cloud, before) == ["GetRange", "BatchGetRow"]
    assert [line.job_id for line in lines] == ["c", "b"]
    assert operations(cloud, before) == ["GetRange", "BatchGetRow"] * 2


@pytest.mark.slow
def test_a_page_of_a_listing_is_a_hundred_jobs(sink: TablestoreSink, cloud: LocalCloud) -> None:
    """A hundred jobs at a time, and no more than are taken."""
    for number in range(120):
        job_id = f"job-{number:03}"
        made = record(0, f"2026-03-02T08:{number // 60:02}:{number % 60:02}Z", job_id=job_id)
        sink.commit(made, manifest(0, job_id=job_id))
    before = len(cloud.ots.calls)
    lines = sink.jobs(JobFilter(since=DAY))

    assert next(lines).job_id == "job-119"
    assert operations(cloud, before) == ["GetRange", "BatchGetRow"]
    assert [line.job_id for line in lines] == [f"job-{number:03}" for number in range(118, -1, -1)]
    assert operations(cloud, before) == ["GetRange", "BatchGetRow"] * 2


def test_keys_are_asked_for_at_every_request(
    sink: TablestoreSink, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporary keys change while an instance of the function lives on; old ones are refused."""
    cloud.rotate(temporary=True)
    with pytest.raises(ForbiddenError):
        sink.write(WRITINGS[1].rows)

    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    sink.write(WRITINGS[1].rows)
    assert content(cloud) == WRITINGS[1].content


def test_without_keys_the_error_says_where_they_come_from(
    sink: TablestoreSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours, not the SDK's."""
    take_keys_away(monkeypatch)

    with pytest.raises(ForbiddenError, match="find credentials"):
        sink.write(WRITINGS[1].rows)


def test_nobody_there_is_told(context: SinkContext) -> None:
    """A refused connection and a name that does not resolve are unavailable, and named without secrets."""
    for endpoint in ("http://127.0.0.1:9", "http://nowhere.invalid"):
        sink = TablestoreSink(URL, Tablestore(INSTANCE, replace(context, ots_endpoint=parse_endpoint(endpoint))))
        with pytest.raises(UnavailableError, match="ots://records"):
            sink.write(WRITINGS[1].rows)


def test_certificates_come_from_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS, trusting the given authority in place of the usual ones; without it, the certificate is refused."""
    with LocalCloud(tablestore=True, tls=tls_of_an_authority(tmp_path / "ca.pem")) as cloud:
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        context = SinkContext(
            region=cloud.region,
            ots_endpoint=parse_endpoint(cloud.ots.endpoint),
            new_caller=lambda service: ServiceCaller(service, attempts=1),
        )
        trusting = replace(context, ca_bundle=str(tmp_path / "ca.pem"))

        assert Tablestore(INSTANCE, trusting).names() == set()
        with pytest.raises(UnavailableError, match="SSLError"):
            Tablestore(INSTANCE, context).names()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (
            "sys.modules['tablestore'] = None",
            "ots://records: needs the extra tablestore: pip install '.[tab",
        ),
        ("pass", "loaded:\n"),
    ],
)
def test_the_sdk_is_missed_when_the_sink_is_opened_and_imported_when_it_is_called(before: str, expected: str) -> None:
    """It is an extra: its absence is a problem of the settings. Its half a second is paid at the first call."""
    script = (
        f"import sys; {before}\n"
        "from ice_result.sinks import SinkContext, open_sink\n"
        "open_sink('ots://records', SinkContext(region='cn-shanghai'))\n"
        "print('loaded:', *{'tablestore', 'urllib3'} & set(sys.modules))\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": ""}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)

    assert expected in ended.stdout + ended.stderr
