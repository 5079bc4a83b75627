"""Jobs in a SQLite file: whole or not at all, from many threads and processes, and found again."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.sinks import SinkContext
from ice_result.sinks.base import JobFilter, StoredJob
from ice_result.sinks.registry import open_sink, parking_schemes
from ice_result.sinks.table.rows import rows_of
from ice_result.sinks.table.sqlite import SqliteSink
from support.fake_clock import FakeTime, limited
from support.record_versions import ANSWERS, WRITINGS, Writing, manifest, record

DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be; its folder is not there yet."""
    return tmp_path / "not" / "yet" / "jobs.db"


@pytest.fixture
def sink(path: Path) -> SqliteSink:
    return SqliteSink(f"sqlite:{path}", path)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """What any other program reads from the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def content(path: Path) -> tuple[list[str], list[str], list[str]]:
    """The generations in the three tables."""
    tables = ("ice_jobs", "ice_outputs", "ice_items")
    jobs, outputs, items = ([str(row[0]) for row in rows(path, f"SELECT generation FROM {name}")] for name in tables)  # noqa: S608  names from the line above
    return jobs, outputs, items


def test_a_sqlite_url_is_a_store_of_tables(tmp_path: Path) -> None:
    """The registry opens it under its URL, without touching the disk; it keeps parked events too."""
    url = f"sqlite:{tmp_path}/jobs.db"
    sink = open_sink(url, SinkContext())

    assert sink.url == url
    assert sink.capabilities.keeps == "tables"
    assert sink.find(JobId("job-1")) is None
    assert not sink.reads_everything(JobFilter())
    assert "sqlite:" in parking_schemes()
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_written_before_the_commit(sink: SqliteSink, path: Path) -> None:
    """Staging leaves the disk alone; committing makes folders, tables and rows."""
    sink.stage(record(2, None))
    assert not path.exists()

    sink.commit(record(2, None), manifest(1))
    row = f"sqlite:{path}#ice_jobs/job-1"
    assert sink.addresses(record(2, None)) == (row, row, f"sqlite:{path}#ice_contents/job-1")
    assert rows(path, "SELECT job_id, complete FROM ice_jobs") == [("job-1", 1)]
    assert rows(path, "SELECT number, object_key FROM ice_outputs") == [(1, "0.jpg")]
    assert rows(path, "SELECT number, rank, score FROM ice_items") == [(1, 1, 1.5), (2, 2, 1.5)]


def test_what_is_written_is_found_again(sink: SqliteSink) -> None:
    """The record and the manifest, equal to those given; other jobs are not there."""
    sink.commit(record(2, None), manifest(1))

    found = sink.find(JobId("job-1"))
    assert found == StoredJob(record(2, None), manifest(1))
    assert sink.find(JobId("job-2")) is None


@pytest.mark.parametrize(
    "order",
    [*itertools.permutations(WRITINGS), *itertools.permutations(ANSWERS)],
    ids=lambda order: " → ".join(writing.name for writing in order),
)
def test_the_latest_writing_wins_in_any_order(order: tuple[Writing, ...], sink: SqliteSink, path: Path) -> None:
    """After each write only the rows of the greatest generation so far are there, and none of another."""
    for count, writing in enumerate(order, start=1):
        sink.write(writing.rows)

        assert content(path) == max(order[:count], key=lambda each: each.rank).content


def test_the_same_writing_again_changes_nothing(sink: SqliteSink, path: Path) -> None:
    """A job delivered twice is there once."""
    for _ in range(2):
        sink.write(WRITINGS[1].rows)

    assert content(path) == WRITINGS[1].content


def test_threads_share_one_sink(sink: SqliteSink, path: Path) -> None:
    """Many jobs, and all writings of one job, from many threads at once."""
    with ThreadPoolExecutor(8) as pool:
        ended = [pool.submit(sink.write, writing.rows) for writing in WRITINGS * 4]
        for number in range(2, 40):
            rows_of_job = rows_of(record(1, None, job_id=f"job-{number}"), manifest(1, job_id=f"job-{number}"))
            ended.append(pool.submit(sink.write, rows_of_job))
        for each in ended:
            each.result()

    assert rows(path, "SELECT count(*) FROM ice_jobs") == [(39,)]
    winner = rows(path, "SELECT DISTINCT generation FROM ice_items WHERE job_id = 'job-1'")
    assert winner == [(WRITINGS[-1].rows.generation,)]


def test_processes_share_one_file(sink: SqliteSink, path: Path) -> None:
    """Three processes that begin with no file at all lose nothing."""
    script = (
        "import sys; from pathlib import Path; from support.record_versions import manifest, record\n"
        "from ice_result.sinks.table.sqlite import SqliteSink\n"
        "sink = SqliteSink('', Path(sys.argv[1]))\n"
        "for n in range(50):\n"
        "    job = f'{sys.argv[2]}-{n}'\n"
        "    sink.commit(record(1, None, job_id=job), manifest(1, job_id=job))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        commands = [[sys.executable, "-c", script, str(path), name] for name in "abc"]
        started = [
            stack.enter_context(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE))
            for command in commands
        ]
        ended = [(process.communicate()[1], process.returncode) for process in started]
    assert ended == [(b"", 0)] * 3

    assert len([*sink.jobs(JobFilter())]) == 150
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def listed(sink: SqliteSink) -> SqliteSink:
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
        (JobFilter(function_name="VideoClip"), "b"),
        (JobFilter(function_name="Cover", since=DAY, state="succeeded", outcome="ok"), "ac"),
        (JobFilter(state="failed"), ""),
        (JobFilter(outcome="undecodable"), ""),
    ],
)
def test_jobs_are_listed_newest_first(wanted: JobFilter, expected: str, listed: SqliteSink) -> None:
    """By finish time, or the time of creation where that is unknown; those without any come last."""
    lines = [*listed.jobs(wanted)]

    assert "".join(line.job_id for line in lines) == expected
    assert all(wanted.admits(line) for line in lines)


def test_a_listing_uses_the_index_of_times(listed: SqliteSink, path: Path) -> None:
    """Neither a sort nor a walk through all jobs, however many there are."""
    assert listed.url
    query = "SELECT job_id FROM ice_jobs WHERE coalesce(finish_time, create_time) >= '2026' "
    order = "ORDER BY coalesce(finish_time, create_time) DESC, job_id DESC"
    ((*_, plan),) = rows(path, f"EXPLAIN QUERY PLAN {query}{order}")

    assert str(plan).startswith("SEARCH ice_jobs USING INDEX ice_jobs_by_time")


def test_a_listing_left_early_holds_up_nobody(listed: SqliteSink) -> None:
    """A reader who has seen enough, or is slow, blocks no writer."""
    lines = listed.jobs(JobFilter())
    assert isinstance(lines, Iterator)
    first = next(lines)

    listed.commit(record(0, None, job_id="e"), manifest(0, job_id="e"))
    assert first.job_id == "a"


def test_tables_can_be_made_ahead(sink: SqliteSink, path: Path) -> None:
    """First only told, then made, then found; `dry_run` makes not even the file."""
    assert {status.state for status in sink.prepare(dry_run=True)} == {"missing"}
    assert not path.exists()
    assert {status.state for status in sink.prepare(dry_run=False)} == {"created"}
    assert {status.state for status in sink.prepare(dry_run=False)} == {"present"}


def test_a_table_of_somebody_else_is_told(sink: SqliteSink, path: Path) -> None:
    """The missing column is named, in preparation and in writing, which changes nothing."""
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ice_items (job_id TEXT, number INTEGER)")

    with pytest.raises(StorageError, match=r"table ice_items .* has no column assessed_at"):
        sink.prepare(dry_run=True)
    with pytest.raises(StorageError, match=r"table ice_items .* has no column assessed_at"):
        sink.commit(record(1, None), manifest(1))
    assert rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'") == [("ice_items",)]


def test_what_is_no_database_is_told(sink: SqliteSink, path: Path) -> None:
    """The path and the cause, for writing and for reading; the file stays as it is."""
    path.parent.mkdir(parents=True)
    path.write_text("not a database at all, only some text" * 100)

    with pytest.raises(StorageError, match=r"cannot write .*jobs\.db: file is not a database"):
        sink.commit(record(1, None), manifest(1))
    with pytest.raises(StorageError, match=r"cannot read .*jobs\.db: file is not a database"):
        sink.find(JobId("job-1"))
    assert path.read_text().startswith("not a database")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "jobs.db"

    with pytest.raises(StorageError, match=r"cannot write .*jobs\.db: (Not a directory|File exists)"):
        SqliteSink("", path).commit(record(1, None), manifest(1))


def test_a_disk_that_takes_no_more_is_told_and_the_job_left_out(sink: SqliteSink, path: Path) -> None:
    """A transaction that does not fit is as if it had never been; what was there stays readable."""
    sink.commit(record(1, None), manifest(1))
    script = (
        "import resource, sys; from pathlib import Path; from support.record_versions import manifest, record\n"
        "from ice_result.sinks.table.sqlite import SqliteSink\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "big = record(1, None, job_id='big', user_data='x' * 300_000)\n"
        "SqliteSink('', Path(sys.argv[1])).commit(big, manifest(1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", script, str(path)]
    ended = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)

    complaint = ended.stderr.splitlines()[-1]
    assert complaint.startswith(f"ice_result.errors.StorageError: cannot write {path}: ")
    assert "disk" in complaint
    assert rows(path, "SELECT job_id FROM ice_jobs") == [("job-1",)]


@pytest.mark.parametrize(("count", "more"), [(7, {"ids_a_page": 3}), pytest.param(1003, {}, marks=pytest.mark.slow)])
def test_all_jobs_are_found_page_by_page(path: Path, count: int, more: dict[str, int]) -> None:
    """GIVEN more jobs than a page has THEN each is there once, and one that is written meanwhile is on a later page."""
    sink = SqliteSink(f"sqlite:{path}", path, **more)
    job_ids = [f"job-{number:04}" for number in range(count)]
    for job_id in job_ids:
        sink.write(rows_of(record(1, None, job_id=job_id), manifest(1)))

    keys = sink.keys(JobFilter())
    first = next(keys)
    late = f"{job_ids[-2]}-b"
    sink.write(rows_of(record(1, None, job_id=late), manifest(1)))

    assert [first, *keys] == [*job_ids[:-1], late, job_ids[-1]]


def test_a_lock_held_by_others_is_waited_for(sink: SqliteSink, path: Path, fake_time: FakeTime) -> None:
    """As long as there is time: the write goes through when the lock is free."""
    sink.prepare(dry_run=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def sleep(seconds: float) -> None:
            fake_time.sleep(seconds)
            if len(fake_time.slept) == 2:
                other.execute("ROLLBACK")

        limited(
            Deadline.after(30, replace(fake_time.clock, sleep=sleep)), lambda: sink.commit(record(1, None), manifest(1))
        )

    assert len(fake_time.slept) == 2
    assert rows(path, "SELECT count(*) FROM ice_jobs") == [(1,)]


def test_a_lock_held_too_long_is_told(sink: SqliteSink, path: Path, fake_time: FakeTime) -> None:
    """When the time is over the error says what was in the way: another process, or this one's own threads."""
    sink.prepare(dry_run=False)
    waits, may_go_on = threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        waits.set()
        may_go_on.wait()
        fake_time.move(30)

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            slowly = Deadline.after(30, replace(fake_time.clock, sleep=sleep))
            slow = pool.submit(limited, slowly, lambda: sink.commit(record(1, None), manifest(1)))
            try:
                assert waits.wait(60)
                with pytest.raises(
                    StorageError, match="other threads of this process held the database until the time limit"
                ):
                    limited(Deadline.after(0.05), lambda: sink.commit(record(1, None), manifest(1)))
            finally:
                may_go_on.set()
            with pytest.raises(StorageError, match="another process kept it locked until the time limit"):
                slow.result()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_told(sink: SqliteSink, path: Path) -> None:
    """Read-only files are named, with the cause."""
    sink.prepare(dry_run=False)
    path.chmod(0o400)

    with pytest.raises(StorageError, match="readonly database"):
        SqliteSink("", path).commit(record(1, None), manifest(1))


def test_the_database_is_closed_with_the_sink(path: Path) -> None:
    """The log is folded back into the file when the sink is gone, and no file stays beside it."""
    sink = SqliteSink("", path)
    sink.commit(record(1, None), manifest(1))
    del sink

    assert [file.name for file in path.parent.iterdir()] == ["jobs.db"]


def test_a_job_is_on_the_disk_when_it_is_committed(sink: SqliteSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut takes no job back: SQLite waits for the disk at every COMMIT (synchronous = FULL, 2)."""
    opened: list[sqlite3.Connection] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def watched_connect(*arguments: str, **options: bool) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", watched_connect)
    sink.commit(record(1, None), manifest(1))

    assert [connection.execute("PRAGMA synchronous").fetchone() for connection in opened] == [(2,)]


def test_tables_that_were_dropped_are_made_again(tmp_path: Path) -> None:
    """GIVEN a function that goes on WHEN somebody drops a table THEN one write fails, and the next one makes it."""
    sink = SqliteSink("sqlite:", tmp_path / "jobs.db")
    sink.commit(record(1, None), manifest(1))
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.execute("DROP TABLE ice_outputs")
    with pytest.raises(StorageError, match="no such table"):
        sink.commit(record(1, None), manifest(1))
    sink.commit(record(1, None), manifest(1))
