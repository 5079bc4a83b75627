"""What targets have acknowledged, in each kind of store: written by notifications, and by nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.records.model import Manifest, Record
from ice_result.sinks import SinkContext, Store, open_sink

RecordOf = Callable[..., Record]
JOB = JobId("job-1")
TOLD = {"mns://jobs": "a" * 64, "https://example.com/hook": "b" * 64}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, watch: CallObserver) -> Iterator[LocalCloud]:
    """A local cloud with a bucket and with Tablestore."""
    with LocalCloud(tablestore=True, watch=watch) as local:
        local.oss.create_bucket("records")
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture(params=["file", "oss", "sqlite", "ots"])
def store(request: pytest.FixtureRequest, tmp_path: Path, cloud: LocalCloud, context: SinkContext) -> Store:
    """An empty store of each kind."""
    urls = {
        "file": f"file:{tmp_path}/out",
        "oss": "oss://records/ice",
        "sqlite": f"sqlite:{tmp_path}/jobs.db",
        "ots": "ots://records",
    }
    ots = parse_endpoint(cloud.ots.endpoint)
    opened = open_sink(urls[request.param], SinkContext(**{**vars(context), "ots_endpoint": ots}))
    opened.prepare(dry_run=False)
    return opened


def write(store: Store, record: Record, manifest: Manifest) -> None:
    store.stage(record)
    store.commit(record, manifest)


def test_nobody_has_acknowledged_at_first(store: Store, record_of: RecordOf, manifest: Manifest) -> None:
    """Neither before the job is recorded nor after it."""
    assert store.acknowledged(JOB) == {}
    write(store, record_of(job_id=JOB), manifest)
    assert store.acknowledged(JOB) == {}


def test_what_was_acknowledged_is_read_back_and_replaced(store: Store, record_of: RecordOf, manifest: Manifest) -> None:
    """The whole of it is written each time."""
    write(store, record_of(job_id=JOB), manifest)
    store.acknowledge(JOB, TOLD)
    assert store.acknowledged(JOB) == TOLD
    store.acknowledge(JOB, {"mns://jobs": "c" * 64})
    assert store.acknowledged(JOB) == {"mns://jobs": "c" * 64}
    assert store.acknowledged(JobId("job-2")) == {}


def test_writing_the_job_again_leaves_it(store: Store, record_of: RecordOf, manifest: Manifest) -> None:
    """GIVEN acknowledgements WHEN the job is written again, the same, better or worse THEN they stay."""
    record = record_of(job_id=JOB)
    write(store, record, manifest)
    store.acknowledge(JOB, TOLD)
    write(store, record, manifest)
    assert store.acknowledged(JOB) == TOLD
    write(store, record.model_copy(update={"name": "another"}), manifest.model_copy(update={"complete": False}))
    assert store.acknowledged(JOB) == TOLD
    found = store.find(JOB)
    assert found is not None
    assert found.record.name == "another"


def test_a_name_that_is_null_later_is_null_in_the_row(store: Store, record_of: RecordOf, manifest: Manifest) -> None:
    """GIVEN a job with a name WHEN it is written again without one THEN no old value is left beside the new ones."""
    write(store, record_of(job_id=JOB, name="first"), manifest)
    store.acknowledge(JOB, TOLD)
    write(store, record_of(job_id=JOB, name=None), manifest)
    found = store.find(JOB)
    assert found is not None
    assert found.record.name is None
    assert store.acknowledged(JOB) == TOLD


def test_acknowledgements_make_no_job(store: Store) -> None:
    """GIVEN a job that is not there, as after a rule of the bucket THEN no listing has it."""
    store.acknowledge(JOB, TOLD)
    assert store.find(JOB) is None


def test_a_file_of_before_gets_the_column(tmp_path: Path, record_of: RecordOf, manifest: Manifest) -> None:
    """GIVEN tables of version 2 without the column THEN they can be read, and the first writing adds it."""
    path = tmp_path / "jobs.db"
    store = open_sink(f"sqlite:{path}", SinkContext())
    write(store, record_of(job_id=JOB), manifest)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE ice_jobs DROP COLUMN notified")
    before = open_sink(f"sqlite:{path}", SinkContext())
    assert before.acknowledged(JOB) == {}
    assert before.find(JOB) is not None
    before.acknowledge(JOB, TOLD)
    assert before.acknowledged(JOB) == TOLD


@pytest.mark.parametrize("text", ["{", "[]", '{"mns://jobs": 1}'])
def test_a_column_that_is_not_ours_is_an_error(
    text: str, tmp_path: Path, record_of: RecordOf, manifest: Manifest
) -> None:
    """It is named, and not taken for an answer."""
    path = tmp_path / "jobs.db"
    store = open_sink(f"sqlite:{path}", SinkContext())
    write(store, record_of(job_id=JOB), manifest)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE ice_jobs SET notified = ?", (text,))
    with pytest.raises(StorageError, match="notified is not what this program writes there"):
        store.acknowledged(JOB)


@pytest.mark.parametrize(
    "content", [b"{}", b"\xff", b'{"schema": "ice_result.notified/2", "job_id": "j", "targets": {}}']
)
def test_an_object_that_is_not_ours_is_an_error(content: bytes, tmp_path: Path) -> None:
    """Its address is named."""
    (tmp_path / "out" / "notified").mkdir(parents=True)
    (tmp_path / "out" / "notified" / "job-1.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"notified/job-1\.json is not a document of acknowledged notifications"):
        open_sink(f"file:{tmp_path}/out", SinkContext()).acknowledged(JOB)
