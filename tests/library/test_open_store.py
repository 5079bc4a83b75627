"""`open_store`: the recorded jobs of every kind of store, as a program reads them."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result import Content, ContentItem, Covers, IceResultError, JobLine, Record, open_store, process
from ice_result.errors import InvalidArgumentError, MissingKeysError, SettingsError, StorageError
from ice_result.sinks import SinkContext, open_sink
from library.conftest import KINDS, StoreOf
from support.record_versions import manifest, record

JOBS = {
    "cover-0001": ("Cover", "ok", True),
    "cover-false-success": ("Cover", "false_success", False),
    "videoclip-0001": ("VideoClip", "ok", True),
    "videoclip-failed": ("VideoClip", "job_failed", False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_store_gives_the_same_models(kind: str, store_of: StoreOf) -> None:
    """GIVEN four recorded jobs THEN each is read by its id, and listed by function, outcome, state and time."""
    url = store_of(kind)
    for job_id in JOBS:
        assert process(job_id).outcome == "recorded"
    store = open_store(url)
    assert store.url == url

    found = store.get(" cover-0001\n")
    assert found is not None
    assert isinstance(found.record, Record)
    assert isinstance(found.record.result, Covers)
    assert found.record.result.covers[0].score == 8.270855992569906
    assert found.manifest is not None
    assert store.manifest("cover-0001") == found.manifest
    assert [file.uri for file in found.manifest.files] == [cover.uri for cover in found.record.result.covers]
    assert store.get("nobody") is None
    assert store.manifest("nobody") is None

    lines = {line.job_id: (line.function_name, line.outcome, line.complete) for line in store.jobs()}
    assert lines == JOBS
    assert ids(store.jobs(function="VideoClip")) == {"videoclip-0001", "videoclip-failed"}
    assert ids(store.jobs(outcome="false_success")) == {"cover-false-success"}
    assert ids(store.jobs(state="failed")) == {"videoclip-failed"}
    assert ids(store.jobs(incomplete=True)) == {"cover-false-success", "videoclip-failed"}
    assert ids(store.jobs(since=datetime(2026, 1, 1, tzinfo=timezone.utc), function="Cover")) == {
        *("cover-0001", "cover-false-success")
    }
    assert ids(store.jobs(since=timedelta(seconds=1))) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_store_gives_the_contents_of_files(kind: str, store_of: StoreOf) -> None:
    """GIVEN a job with two files of captions, and one with a picture THEN the first has their cues, in order."""
    url = store_of(kind)
    for job_id in ("captionextraction-0001", "cover-0001"):
        assert process(job_id).complete
    store = open_store(url)
    contents = store.content("captionextraction-0001")
    assert all(isinstance(content, Content) for content in contents)
    assert [(content.number, content.kind, content.uri) for content in contents] == [
        (1, "captions", "oss://example-output/caption/lecture-zh.srt"),
        (2, "captions", "oss://example-output/caption/lecture-en.srt"),
    ]
    assert contents[1].items[1].model_dump() == {
        "start_seconds": 2.5,
        "end_seconds": 4.0,
        "text": "Good morning, and welcome to this lecture.",
    }
    assert store.content("cover-0001") == store.content("nobody") == ()


def ids(lines: Iterator[JobLine]) -> set[str]:
    return {line.job_id for line in lines}


def test_since_has_the_jobs_that_finished_from_then_on(store_of: StoreOf) -> None:
    """GIVEN a job that finished at a known time THEN that very time still has it."""
    url = store_of("sqlite")
    process("cover-0001")
    store = open_store(url)
    (line,) = store.jobs()
    assert line.finish_time is not None
    assert ids(store.jobs(since=line.finish_time)) == {"cover-0001"}
    assert ids(store.jobs(since=line.finish_time + timedelta(seconds=1))) == set()


def test_a_job_without_its_manifest_is_not_done(tmp_path: Path) -> None:
    """GIVEN a record alone, as while a job is written THEN the job is there, and its manifest is None."""
    sink = open_sink(f"file:{tmp_path}", SinkContext())
    sink.stage(record(1, "2026-03-02T08:00:00Z"))
    store = open_store(f"file:{tmp_path}", environment={})
    found = store.get("job-1")
    assert found is not None
    assert found.manifest is None
    assert store.manifest("job-1") is None
    assert [line.complete for line in store.jobs()] == [None]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("./out", "url: './out' is not a URL such as file:./out or oss://bucket/prefix; did you mean file:./out?"),
        ("ftp://host/x", "url: ftp: is not a known kind of store; expected one of file:, oss:, ots:, s3:, sqlite:"),
        ("file:./a,file:./b", "url: 'file:./a,file:./b' contains a comma; expected the URL of one store"),
        ("oss://records/ice", "ICE_RESULT_REGION: not set, and DEPLOY_REGION is not set either: expected the region"),
    ],
)
def test_a_wrong_url_or_setting_is_told_before_any_call(url: str, said: str) -> None:
    """Each is a SettingsError; a wrong URL is a ValueError too."""
    with pytest.raises(SettingsError) as told:
        open_store(url, environment={"ICE_RESULT_SINKS": "file:./of-the-function"})
    assert str(told.value).startswith(said)
    assert isinstance(told.value, ValueError) == said.startswith("url")


def test_missing_keys_are_told_before_any_call(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a store in OSS and no keys THEN it is not opened."""
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(MissingKeysError, match="ALIBABA_CLOUD_ACCESS_KEY_ID and"):
        open_store("oss://records/ice")
    assert not cloud.oss.calls


def test_a_store_that_does_not_exist_is_told_when_it_is_read(tmp_path: Path) -> None:
    """GIVEN a wrong path THEN every reader is told; and once the store is made, the same object reads it."""
    store = open_store(f"sqlite:{tmp_path}/jobs.db", environment={})
    with pytest.raises(StorageError, match="no such file"):
        store.get("job-1")
    with pytest.raises(StorageError, match="no such file"):
        next(store.jobs())
    sink = open_sink(f"sqlite:{tmp_path}/jobs.db", SinkContext())
    sink.commit(record(1, None), manifest(1))
    assert ids(store.jobs()) == {"job-1"}


def test_wrong_arguments_are_told_at_once(tmp_path: Path) -> None:
    """GIVEN a store that does not even exist THEN the argument is named, also before the first job is taken."""
    store = open_store(f"file:{tmp_path}/out", environment={})
    with pytest.raises(InvalidArgumentError, match="job id: found a text of 0 characters; expected a job id"):
        store.get("")
    with pytest.raises(InvalidArgumentError, match="outcome: 'good' is not one of ok, job_failed"):
        store.jobs(outcome="good")  # type: ignore[arg-type]  # the mistake of a program without types
    with pytest.raises(InvalidArgumentError, match="state: 'good' is not one of succeeded, failed, unknown"):
        store.jobs(state="good")  # type: ignore[arg-type]  # as above
    with pytest.raises(InvalidArgumentError, match="since: 2026-03-02 00:00:00 has no time zone"):
        store.jobs(since=datetime(2026, 3, 2))  # noqa: DTZ001  the mistake
    with pytest.raises(InvalidArgumentError, match=r"since: .* is before the year 1"):
        store.jobs(since=timedelta(days=999999))
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InvalidArgumentError, match=r"seconds: found .*; expected a number greater than 0"):
            store.jobs(seconds=seconds)
        with pytest.raises(InvalidArgumentError, match="seconds: found"):
            store.get("job-1", seconds=seconds)


def test_a_service_that_does_not_answer_ends_with_the_time(cloud: LocalCloud) -> None:
    """GIVEN a bucket that answers nothing but errors WHEN it is read with little time THEN an IceResultError comes."""
    cloud.oss.fail(Fault("error_500", times=None))
    store = open_store("oss://records/ice")
    with pytest.raises(IceResultError, match="OSS"):
        store.get("job-1", seconds=0.5)
    with pytest.raises(IceResultError, match="OSS"):
        next(store.jobs(seconds=0.5))


def test_each_next_job_has_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a program that takes longer for a job than the time limit THEN the listing still goes on to its end."""
    sink = open_sink(f"file:{tmp_path}", SinkContext())
    for day in range(1, 4):
        made = record(0, None, job_id=f"job-{day}", create_time=f"2026-03-0{day}T08:00:00Z")
        sink.stage(made)
        sink.commit(made, manifest(0, f"job-{day}"))
    clock = Elapsing()
    monkeypatch.setattr("ice_result.core.deadline.MACHINE_CLOCK.now", clock)
    listed = []
    for line in open_store(f"file:{tmp_path}", environment={}).jobs(seconds=5):
        clock.seconds += 60
        listed.append(line.job_id)
    assert listed == ["job-3", "job-2", "job-1"]


class Elapsing:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_listing_does_not_keep_the_jobs_that_it_has_given(kind: str, tmp_path: Path) -> None:
    """GIVEN 40 days of five jobs WHEN the last is given THEN it takes less memory than a quarter of all jobs."""
    url = f"{kind}:{tmp_path}/out{'.db' if kind == 'sqlite' else ''}"
    sink = open_sink(url, SinkContext())
    for number in range(200):
        day = (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=number // 5)).isoformat()
        made = record(1, day, job_id=f"job-{number}", create_time=day)
        sink.stage(made)
        sink.commit(made, manifest(1, f"job-{number}"))
    store = open_store(url, environment={})
    assert len([*store.jobs()]) == 200  # what is imported and built once is there now
    tracemalloc.start()
    for line in store.jobs():
        if line.job_id == "job-0":  # the last one
            gc.collect()
            while_iterating = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    tracemalloc.start()
    every_job = [*store.jobs()]
    gc.collect()
    assert len(every_job) == 200
    assert while_iterating < tracemalloc.get_traced_memory()[0] / 4
    tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_contents_are_read_from_every_kind_of_store(kind: str, store_of: StoreOf) -> None:
    """GIVEN a job with two caption files THEN both contents are read with types; a job without any has none."""
    store = open_store(store_of(kind))
    for job_id in ("captionextraction-0001", "cover-0001"):
        assert process(job_id).outcome == "recorded"

    chinese, english = store.content("captionextraction-0001")

    assert isinstance(chinese, Content)
    assert chinese.items[1] == ContentItem(start_seconds=2.5, end_seconds=4.0, text="大家好，欢迎来到今天的课程。")
    assert english.uri == "oss://example-output/caption/lecture-en.srt"
    assert store.content("cover-0001") == store.content("unknown") == ()
