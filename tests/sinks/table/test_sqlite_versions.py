"""SQLite files that version 1 of the tables left: read as they are, and migrated by the first write."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.sinks.base import JobFilter, TableStatus
from ice_result.sinks.table.schema import ITEMS, JOBS, MEDIA_COLUMNS, OUTPUTS, SQLITE_TABLES
from ice_result.sinks.table.sqlite import SqliteSink
from support.old_tables import OLD_JOBS, write_old_file
from support.record_versions import manifest, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file as version 1 left it, with three jobs."""
    path = tmp_path / "jobs.db"
    write_old_file(path)
    return path


@pytest.fixture
def sink(path: Path) -> SqliteSink:
    return SqliteSink(f"sqlite:{path}", path)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def write(sink: SqliteSink, job_id: str = "job-1") -> None:
    sink.commit(record(1, None, job_id=job_id), manifest(1, job_id=job_id))


def test_an_old_file_is_read_as_it_is(sink: SqliteSink, path: Path) -> None:
    """Listed and shown before anything is written, and not changed by it."""
    before = path.read_bytes()

    lines = {line.job_id: (line.file_count, line.complete) for line in sink.jobs(JobFilter())}
    found = sink.find(JobId("cover-0001"))

    assert lines == {
        "cover-0001": (2, True),
        "captionextraction-0001": (2, True),
        "audioqualityassessment-0001": (0, True),
    }
    assert found is not None
    assert found.manifest is not None
    assert (found.record.file_count, [file.storage_class for file in found.manifest.files]) == (2, [None, None])
    assert path.read_bytes() == before


def test_the_first_write_migrates_the_file(sink: SqliteSink, path: Path) -> None:
    """All rows stay, in the columns of this version; `priority` is an integer, or null where it was no number."""
    write(sink)

    columns = "job_id, file_count, priority, result_stored, files_stored"
    assert rows(path, f"SELECT {columns} FROM ice_jobs ORDER BY job_id") == [  # noqa: S608  the names above
        ("audioqualityassessment-0001", 0, None, 1, 1),
        ("captionextraction-0001", 2, 6, 1, 1),
        ("cover-0001", 2, 6, 1, 1),
        ("job-1", 1, None, 1, 1),
    ]
    for table in SQLITE_TABLES:
        kinds = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "BOOLEAN"}
        there = rows(path, f"SELECT name, type FROM pragma_table_info('{table.name}')")  # noqa: S608  a name of ours
        assert there == [(column.name, kinds[column.type]) for column in table.columns]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert len([*sink.jobs(JobFilter())]) == 4


def test_what_others_made_of_the_table_stays(sink: SqliteSink, path: Path) -> None:
    """Indexes, views, triggers and columns, in the words of this version."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE INDEX by_files ON ice_jobs (files, outcome);
            CREATE VIEW with_files AS SELECT job_id, files FROM ice_jobs WHERE files > 0;
            CREATE TABLE seen (job_id TEXT);
            CREATE TRIGGER tell AFTER INSERT ON ice_jobs BEGIN INSERT INTO seen VALUES (new.job_id); END;
            ALTER TABLE ice_jobs ADD COLUMN "my note" TEXT;
            ALTER TABLE ice_jobs ADD COLUMN origin TEXT DEFAULT 'here';
            UPDATE ice_jobs SET "my note" = 'mine', priority = '' WHERE job_id = 'cover-0001';
            """
        )

    write(sink)

    names = rows(path, "SELECT name FROM sqlite_master WHERE tbl_name = 'ice_jobs' AND sql NOT NULL ORDER BY name")
    assert [name for (name,) in names] == ["by_files", "ice_jobs", "ice_jobs_by_time", "tell"]
    assert rows(path, "SELECT * FROM with_files WHERE job_id LIKE 'c%' ORDER BY job_id") == [
        ("captionextraction-0001", 2),
        ("cover-0001", 2),
    ]
    assert rows(path, "SELECT job_id FROM seen") == [("job-1",)]
    assert rows(path, "SELECT \"my note\", priority FROM ice_jobs WHERE job_id = 'cover-0001'") == [("mine", None)]
    assert rows(path, "SELECT origin FROM ice_jobs WHERE job_id = 'job-1'") == [("here",)]
    plan = rows(path, "EXPLAIN QUERY PLAN SELECT job_id FROM ice_jobs WHERE coalesce(finish_time, create_time) > '2'")
    assert "ice_jobs_by_time" in str(plan)


def test_a_write_that_fails_leaves_the_old_file(sink: SqliteSink, path: Path) -> None:
    """The migration is part of the first write's transaction."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON ice_outputs BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        connection.commit()

    with pytest.raises(StorageError, match="disk full"):
        write(sink)

    assert len(rows(path, "SELECT files FROM ice_jobs")) == 3
    assert {line.job_id for line in sink.jobs(JobFilter())} == {*OLD_JOBS}
    assert {job.output_seconds for job in sink.written_jobs(JobFilter())} == {None}
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER no")
    write(sink)
    assert {line.job_id for line in sink.jobs(JobFilter())} == {*OLD_JOBS, "job-1"}


def test_processes_that_migrate_at_once(path: Path, sink: SqliteSink) -> None:
    """One of them does it, and the others find it done."""
    script = (
        "import sys; from pathlib import Path; from support.record_versions import manifest, record\n"
        "from ice_result.sinks.table.sqlite import SqliteSink\n"
        "sink = SqliteSink('', Path(sys.argv[1])); sys.stdin.read()\n"
        "sink.commit(record(1, None, job_id=sys.argv[2]), manifest(1, job_id=sys.argv[2]))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, str(path), name],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
            for name in ("job-1", "job-2", "job-3")
        ]
        for process in started:
            assert process.stdin
            process.stdin.close()
        ended = [(process.stderr.read() if process.stderr else b"", process.wait(60)) for process in started]
    assert ended == [(b"", 0)] * 3

    assert {line.job_id for line in sink.jobs(JobFilter())} == {*OLD_JOBS, "job-1", "job-2", "job-3"}
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_setting_the_tables_up_migrates_too(sink: SqliteSink, path: Path) -> None:
    """A dry run finds the table missing that version 1 did not have, and changes nothing."""
    before = path.read_bytes()
    jobs = [TableStatus(table.name, "present") for table in (JOBS, OUTPUTS, ITEMS)]
    lacking = [TableStatus(name, "missing") for name in ("ice_contents", "ice_parked")]
    assert sink.prepare(dry_run=True) == (*jobs, *lacking)
    assert path.read_bytes() == before

    assert sink.prepare(dry_run=False) == (*jobs, *(status._replace(state="created") for status in lacking))
    assert {status.state for status in sink.prepare(dry_run=True)} == {"present"}
    assert len(rows(path, "SELECT file_count FROM ice_jobs")) == 3


def test_columns_of_a_new_family_of_results_are_added(tmp_path: Path) -> None:
    """GIVEN a file of a release with fewer families WHEN a job is written THEN old rows stay, with null in them."""
    path = tmp_path / "jobs.db"
    write(SqliteSink(f"sqlite:{path}", path), "before")
    with closing(sqlite3.connect(path)) as connection:
        for name in ("score", "valid", "mos_score"):
            connection.execute(f"ALTER TABLE ice_items DROP COLUMN {name}")
        connection.commit()
    sink = SqliteSink(f"sqlite:{path}", path)

    assert {status.state for status in sink.prepare(dry_run=True)} == {"present"}
    assert [line.job_id for line in sink.jobs(JobFilter())] == ["before"]
    write(sink, "after")

    assert rows(path, "SELECT job_id, number, rank, score FROM ice_items ORDER BY job_id, number") == [
        ("after", 1, 1, 1.5),
        ("before", 1, 1, None),
    ]
    assert set(rows(path, "SELECT name, type FROM pragma_table_info('ice_items')")) >= {
        ("score", "REAL"),
        ("mos_score", "REAL"),
    }


def test_a_file_from_before_media_gets_their_columns(tmp_path: Path) -> None:
    """GIVEN a file of version 2 that has no facts of media THEN it is listed, and the first write adds the columns."""
    path = tmp_path / "jobs.db"
    write(SqliteSink(f"sqlite:{path}", path), "before")
    with closing(sqlite3.connect(path)) as connection:
        for table, names in {
            "ice_jobs": ["output_seconds"],
            "ice_outputs": [column.name for column in MEDIA_COLUMNS],
        }.items():
            for name in names:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.commit()
    sink = SqliteSink(f"sqlite:{path}", path)

    assert [(job.line and job.line.job_id, job.output_seconds) for job in sink.written_jobs(JobFilter())] == [
        ("before", None)
    ]
    sink.commit(record(1, None, job_id="after"), manifest(1, "after", {"container": "mp4", "duration_seconds": 2.5}))

    query = "SELECT job_id, output_seconds, container, ice_outputs.duration_seconds, present"
    assert rows(path, f"{query} FROM ice_jobs JOIN ice_outputs USING (job_id) ORDER BY job_id") == [
        ("after", 2.5, "mp4", 2.5, 1),
        ("before", None, None, None, 1),
    ]
    assert {job.output_seconds for job in sink.written_jobs(JobFilter())} == {None, 2.5}


@pytest.mark.parametrize(
    ("statement", "table", "column"),
    [
        ("ALTER TABLE ice_jobs RENAME COLUMN files TO number", "ice_jobs", "file_count"),
        (
            "ALTER TABLE ice_jobs RENAME COLUMN outcome TO ending",
            "ice_jobs",
            "file_count, files_stored, notified, outcome",
        ),
        (
            "ALTER TABLE ice_outputs RENAME COLUMN etag TO tag",
            "ice_outputs",
            "audio_codec, .*, etag, .*, storage_class",
        ),
        ("ALTER TABLE ice_items RENAME COLUMN kind TO sort", "ice_items", "kind"),
    ],
)
def test_a_table_that_is_not_of_version_1_is_refused(
    *, statement: str, table: str, column: str, sink: SqliteSink, path: Path
) -> None:
    """Nothing is changed in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        dump = [*connection.iterdump()]

    with pytest.raises(StorageError, match=rf"table {table} is not ours or of another version: .* no column {column}"):
        write(sink)
    with closing(sqlite3.connect(path)) as connection:
        assert [*connection.iterdump()] == dump
