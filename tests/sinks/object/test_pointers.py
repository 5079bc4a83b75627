"""Jobs found by their ids alone: pointers, and the mark that every job of a store has one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.types import JobId
from ice_result.errors import ForbiddenError, ServiceError, UnavailableError
from ice_result.records.model import Manifest, Record
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.base import JobFilter, Near, Store, StoredJob
from ice_result.sinks.object.oss import OssStore

RecordOf = Callable[..., Record]
URL = "oss://records/ice"
JOB = JobId("job-1")
POINTER = "ice/jobs/job-1.json"
MARK = "ice/jobs-complete.json"
RECORD = "ice/records/function_name=Cover/dt=2022-07-07/job-1.json"
MANIFEST = "ice/manifests/function_name=Cover/dt=2022-07-07/job-1.json"
AT = datetime(2022, 7, 7, 12, tzinfo=timezone.utc)


@pytest.fixture
def sink(context: SinkContext) -> Store:
    """A store in which this process has written, and has seen the mark."""
    return open_sink(URL, context)


@pytest.fixture
def reader(context: SinkContext) -> Store:
    """The same store, as another process opens it."""
    return open_sink(URL, context)


@pytest.fixture
def write(sink: Store, record_of: RecordOf, manifest: Manifest) -> Callable[..., StoredJob]:
    """Writes a job; named fields of the record replace the usual ones."""

    def write(job_id: str = JOB, **changes: object) -> StoredJob:
        record = record_of(job_id=job_id, **changes)
        its = manifest.model_copy(update={"job_id": job_id, "function_name": record.function_name})
        sink.stage(record)
        sink.commit(record, its)
        return StoredJob(record, its)

    return write


Write = Callable[..., StoredJob]


def calls_of(cloud: LocalCloud, look: Callable[[], object]) -> list[str]:
    """The calls that this makes, as `GET key`."""
    before = len(cloud.oss.calls)
    look()
    return [f"{call.operation} {call.target.removeprefix('records/')}" for call in cloud.oss.calls[before:]]


def test_a_pointer_says_where_a_job_is_and_nothing_of_its_end(cloud: LocalCloud, write: Write) -> None:
    """Its keys are below the store's prefix, so that a copy of the store under another prefix stays whole."""
    write(create_time="2022-07-07T07:16:11Z")

    assert json.loads(cloud.oss.get("records", POINTER)) == {
        "schema": "ice_result.job/1",
        "job_id": "job-1",
        "function_name": "Cover",
        "create_time": "2022-07-07T07:16:11Z",
        "record": "records/function_name=Cover/dt=2022-07-07/job-1.json",
        "manifest": "manifests/function_name=Cover/dt=2022-07-07/job-1.json",
    }
    assert cloud.oss.get("records", MARK) == b'{"schema":"ice_result.jobs_complete/1"}\n'


def test_a_job_costs_three_reads_and_one_that_is_not_there_two(cloud: LocalCloud, reader: Store, write: Write) -> None:
    """However many functions and days there are; the mark is read once by each process."""
    job = write()
    for day in range(1, 9):
        write(f"other-{day}", function_name=f"Function{day}", create_time=f"2022-07-{day:02}T00:00:00Z")

    assert calls_of(cloud, lambda: reader.find(JOB)) == [f"GET {POINTER}", f"GET {RECORD}", f"GET {MANIFEST}"]
    assert calls_of(cloud, lambda: reader.stored_job(JOB, JobFilter())) == [
        f"GET {key}" for key in (POINTER, RECORD, MANIFEST)
    ]
    assert reader.find(JOB) == job
    nobody = "GET ice/jobs/nobody.json"
    assert calls_of(cloud, lambda: reader.find(JobId("nobody"))) == [nobody, f"GET {MARK}"]
    assert calls_of(cloud, lambda: reader.find(JobId("nobody"), Near("Cover", AT))) == [nobody]
    assert calls_of(cloud, lambda: reader.stored_job(JobId("nobody"), JobFilter())) == [nobody]


def test_the_first_record_of_a_process_costs_one_read_where_the_mark_is(
    cloud: LocalCloud, reader: Store, write: Write, record_of: RecordOf
) -> None:
    """GIVEN a store with the mark WHEN another process writes two jobs THEN it reads the mark once."""
    write()
    calls = calls_of(cloud, lambda: [reader.stage(record_of(job_id=job_id)) for job_id in ("job-2", "job-3")])
    assert [call for call in calls if not call.startswith("PUT ice/records/")] == [
        *sorted([f"GET {MARK}", "PUT ice/jobs/job-2.json"], key=calls.index),
        "PUT ice/jobs/job-3.json",
    ]


def test_the_mark_is_written_before_the_first_record(
    cloud: LocalCloud, write: Write, watchers: list[CallObserver]
) -> None:
    """A kill between the two leaves an empty store in which every job has a pointer."""
    passed: list[tuple[str, str]] = []
    watchers.append(lambda passing: passed.append((passing.moment, passing.target)))
    write()
    assert passed.index(("answered", f"records/{MARK}")) < passed.index(("arrived", f"records/{RECORD}"))
    assert cloud.oss.keys("records") == [MARK, POINTER, MANIFEST, RECORD]


def test_many_threads_that_write_the_first_jobs_look_once(
    sink: Store, record_of: RecordOf, watchers: list[CallObserver]
) -> None:
    """No record is written before the mark, whoever looks."""
    passed: list[CallEvent] = []
    watchers.append(passed.append)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: sink.stage(record_of(job_id=f"job-{number}")), range(8)))

    targets = [(event.operation, event.target) for event in passed if event.moment == "answered"]
    assert targets.count(("GET", f"records/{MARK}")) == 1
    assert targets.count(("GET", "records/?prefix=ice/records/")) == 1
    first = next(n for n, event in enumerate(passed) if event.target.startswith("records/ice/records/"))
    assert passed.index(CallEvent("answered", "OSS", "PUT", f"records/{MARK}")) < first


def test_two_processes_that_begin_at_once_both_leave_a_store_with_the_mark(
    cloud: LocalCloud, context: SinkContext, record_of: RecordOf, watchers: list[CallObserver]
) -> None:
    """GIVEN both find the store empty THEN both set the mark, and each job has a pointer."""
    both_listed = threading.Barrier(2)

    def wait_after_listing(passing: CallEvent) -> None:
        if passing.moment == "answered" and "?prefix=" in passing.target:
            both_listed.wait(60)

    watchers.append(wait_after_listing)
    sinks = [open_sink(URL, context) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda n: sinks[n].stage(record_of(job_id=f"job-{n}")), range(2)))

    assert [call.operation for call in cloud.oss.calls if call.target == f"records/{MARK}"].count("PUT") == 2
    assert len(cloud.oss.keys("records")) == 5
    assert all(sinks[0].find(JobId(f"job-{n}")) for n in range(2))


def test_a_store_of_an_earlier_version_gets_no_mark_from_a_write(
    cloud: LocalCloud, context: SinkContext, write: Write, record_of: RecordOf
) -> None:
    """GIVEN a record without a pointer WHEN another job is written THEN both are found."""
    old = write("old")
    for key in (MARK, "ice/jobs/old.json"):
        cloud.oss.delete("records", key)
    later = open_sink(URL, context)

    assert "GET ?prefix=ice/records/" in calls_of(cloud, lambda: later.stage(record_of(job_id="new")))

    assert MARK not in cloud.oss.keys("records")
    assert later.find(JobId("old")) == old
    assert later.find(JobId("new")) == StoredJob(record_of(job_id="new"), None)


def test_without_the_mark_a_job_is_looked_for_in_the_days_of_the_hint(
    cloud: LocalCloud, context: SinkContext, write: Write
) -> None:
    """With the function known, nothing is listed; without a hint, every partition is read."""
    job = write()
    write("other", function_name="VideoClip", create_time="2020-01-01T00:00:00Z")
    for key in (MARK, POINTER):
        cloud.oss.delete("records", key)
    reader = open_sink(URL, context)

    assert reader.find(JOB, Near("Cover", AT)) == reader.find(JOB, Near(None, AT)) == reader.find(JOB) == job
    calls = calls_of(cloud, lambda: reader.find(JobId("job-3"), Near("Cover", AT)))
    assert calls[:2] == ["GET ice/jobs/job-3.json", f"GET {MARK}"]
    assert sorted(calls[2:]) == [
        f"GET ice/records/function_name=Cover/dt=2022-07-0{day}/job-3.json" for day in (6, 7, 8)
    ]
    assert reader.find(JOB, Near("Cover", datetime(2023, 1, 1, tzinfo=timezone.utc))) is None
    assert calls_of(cloud, lambda: reader.find(JOB, Near("Cover", None))) == [f"GET {POINTER}", f"GET {MARK}"]


def _pointer(**changes: object) -> bytes:
    usual = {
        "schema": "ice_result.job/1",
        "job_id": "job-1",
        "function_name": "Cover",
        "create_time": "2022-07-07T07:16:11Z",
        "record": "records/function_name=Cover/dt=2022-07-07/job-1.json",
        "manifest": "manifests/function_name=Cover/dt=2022-07-07/job-1.json",
    }
    return json.dumps({**usual, **changes}).encode()


@pytest.mark.parametrize(
    ("pointer", "why"),
    [
        (b"", "a damaged pointer, or one of another version"),
        (b"\xff", "a damaged pointer, or one of another version"),
        (_pointer(schema="ice_result.job/2", record=None), "a damaged pointer, or one of another version"),
        (_pointer(job_id="job-2"), "the pointer of another job, or to another place"),
        (_pointer(record="records/function_name=Cover/dt=2022-07-07/job-2.json"), "the pointer of another job"),
        (_pointer(record="../other/records/function_name=Cover/dt=2022-07-07/job-1.json"), "to another place"),
        (_pointer(manifest="manifests/job-1.json"), "to another place"),
        (_pointer(function_name="VideoClip"), "to another place"),
    ],
)
@pytest.mark.parametrize("is_marked", [True, False])
def test_a_damaged_or_foreign_pointer_counts_as_not_there(
    *,
    cloud: LocalCloud,
    reader: Store,
    write: Write,
    pointer: bytes,
    why: str,
    is_marked: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a warning. With the mark, the job is not there; without it, its partitions are read."""
    job = write()
    cloud.oss.put("records", POINTER, pointer)
    if not is_marked:
        cloud.oss.delete("records", MARK)

    assert reader.find(JOB) == (None if is_marked else job)

    (warning,) = caplog.records
    assert warning.getMessage().startswith(f"skipped {POINTER}: ")
    assert why in warning.getMessage()


def test_a_field_of_a_later_version_is_ignored(cloud: LocalCloud, reader: Store, write: Write) -> None:
    """New optional fields may come within a version."""
    job = write()
    cloud.oss.put("records", POINTER, _pointer(contents="contents/job-1/"))
    assert reader.find(JOB) == job


def test_a_pointer_whose_record_is_gone_counts_as_not_there(
    cloud: LocalCloud, reader: Store, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a lifecycle rule, which is nothing to warn of; two reads, and the mark."""
    write()
    cloud.oss.delete("records", RECORD)
    assert calls_of(cloud, lambda: reader.find(JOB)) == [f"GET {key}" for key in (POINTER, RECORD, MARK)]
    assert reader.find(JOB) is None
    assert reader.stored_job(JOB, JobFilter()) is None
    assert caplog.records == []


def test_a_pointer_to_a_damaged_record_leads_nowhere(
    cloud: LocalCloud, reader: Store, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning names the record; `redecode` reads its bytes all the same."""
    write()
    cloud.oss.put("records", RECORD, b"{")
    assert reader.find(JOB) is None
    assert "a damaged record" in caplog.text
    stored = reader.stored_job(JOB, JobFilter())
    assert stored is not None
    assert stored.record == b"{"


@pytest.mark.parametrize("job_id", ["jobs-complete", "records", "..", "../jobs-complete", "a/b", "listed-to", "智能"])
@pytest.mark.parametrize("url", ["oss://records", URL])
def test_a_job_may_have_any_name(
    *, context: SinkContext, record_of: RecordOf, manifest: Manifest, url: str, job_id: str
) -> None:
    """Neither the mark nor a listing takes a pointer for something else."""
    sink = open_sink(url, context)
    record = record_of(job_id=job_id)
    sink.stage(record)
    sink.commit(record, manifest.model_copy(update={"job_id": job_id}))

    found = open_sink(url, context).find(JobId(job_id))

    assert found is not None
    assert found.record == record
    assert [line.job_id for line in sink.jobs(JobFilter())] == [job_id]
    assert len([*sink.keys(JobFilter())]) == 1


def test_pointers_and_marks_of_two_prefixes_do_not_meet(
    context: SinkContext, write: Write, cloud: LocalCloud, record_of: RecordOf
) -> None:
    """A store inside the prefix of another one has its own."""
    write()
    inner = open_sink(f"{URL}/inner", context)
    assert inner.find(JOB) is None
    inner.stage(record_of())
    assert {"ice/inner/jobs-complete.json", "ice/inner/jobs/job-1.json"} <= set(cloud.oss.keys("records"))


FIRST_WRITE = [("GET", MARK), ("GET", "?prefix=ice/records/"), ("PUT", MARK), ("PUT", POINTER), ("PUT", RECORD)]
"""The calls of the first write into an empty store."""


@pytest.mark.parametrize(("operation", "key"), FIRST_WRITE)
def test_each_call_of_the_first_write_recovers_from_a_fault(
    cloud: LocalCloud, sink: Store, record_of: RecordOf, key: str, operation: str
) -> None:
    """GIVEN a call that fails once WHEN a job is staged THEN all three objects are there."""
    cloud.oss.fail(Fault("error_500", operation=operation, target=f"records/{key}"))
    sink.stage(record_of())
    assert cloud.oss.keys("records") == [MARK, POINTER, RECORD]
    assert [call.status for call in cloud.oss.calls].count(500) == 1


@pytest.mark.parametrize(("operation", "key"), FIRST_WRITE)
def test_a_call_that_fails_for_now_refuses_the_job_and_the_next_try_writes_it(
    cloud: LocalCloud, sink: Store, record_of: RecordOf, operation: str, key: str
) -> None:
    """A store without a mark would cost every later lookup, so the record waits; nothing is remembered of the try."""
    cloud.oss.fail(Fault("error_500", operation=operation, target=f"records/{key}", times=None))
    with pytest.raises(UnavailableError, match=r"OSS: (read|write|list) oss://records/ice/"):
        sink.stage(record_of())
    cloud.oss.clear()
    sink.stage(record_of())
    assert cloud.oss.keys("records") == [MARK, POINTER, RECORD]


def test_a_mistake_of_ours_is_not_remembered(
    sink: Store, record_of: RecordOf, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an error that is none of a store's WHEN the next job comes THEN the store is looked at again."""
    with monkeypatch.context() as patch:
        patch.setattr(OssStore, "is_empty", lambda _store, _folder: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            sink.stage(record_of())
    sink.stage(record_of())
    assert cloud.oss.keys("records") == [MARK, POINTER, RECORD]


def test_all_threads_that_wait_for_the_look_get_its_error(cloud: LocalCloud, sink: Store, record_of: RecordOf) -> None:
    """Jobs that are written at the same time do not fail one after the other."""
    cloud.oss.fail(Fault("error_500", operation="GET", target=f"records/{MARK}", times=None))

    def stage(number: int) -> str:
        try:
            sink.stage(record_of(job_id=f"job-{number}"))
        except ServiceError as error:
            return str(error)
        return "staged"

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(stage, range(4)))
    assert all("read oss://records/ice/jobs-complete.json" in each for each in said)
    assert not [key for key in cloud.oss.keys("records") if key.startswith("ice/records/")]


def test_keys_that_may_write_but_not_read_are_told_what_they_lack(
    cloud: LocalCloud, sink: Store, record_of: RecordOf
) -> None:
    """GIVEN a policy of before pointers THEN the job waits; a record would cost the store its mark."""
    cloud.oss.fail(Fault("forbidden", operation="GET", times=None))
    with pytest.raises(ForbiddenError, match=f"read oss://records/{MARK}: 403 AccessDenied"):
        sink.stage(record_of())
    cloud.oss.clear()
    sink.stage(record_of())
    assert cloud.oss.keys("records") == [MARK, POINTER, RECORD]


def test_a_pointer_that_is_refused_refuses_the_job(cloud: LocalCloud, sink: Store, record_of: RecordOf) -> None:
    """GIVEN a policy of before pointers THEN the error names the object that must be allowed."""
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="records/ice/jobs/", times=None))
    with pytest.raises(ForbiddenError, match=f"write oss://records/{POINTER}: 403 AccessDenied"):
        sink.stage(record_of())


def test_a_reader_writes_nothing(cloud: LocalCloud, context: SinkContext, write: Write) -> None:
    """GIVEN keys that may only read THEN jobs are found, with the mark and without."""
    job = write()
    cloud.oss.fail(Fault("forbidden", operation="PUT", times=None))
    for key in (MARK, POINTER):
        assert open_sink(URL, context).find(JOB) == job
        cloud.oss.delete("records", key)
    assert open_sink(URL, context).find(JOB) == job
    assert cloud.oss.keys("records") == [MANIFEST, RECORD]
