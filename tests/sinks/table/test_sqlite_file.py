"""A SQLite file that is moved away, replaced or removed while processes have it open: nothing is lost with it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from ice_result.core.deadline import Deadline
from ice_result.core.file_locks import locked_folder
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.sinks.table.rows import Row, rows_of
from ice_result.sinks.table.sqlite import SqliteSink
from support.fake_clock import FakeTime, limited
from support.record_versions import manifest, record

WRITER = """
import sys
from pathlib import Path
from ice_result.sinks.table.sqlite import SqliteSink
from support.record_versions import manifest, record
sink = SqliteSink("", Path(sys.argv[1]))
for line in sys.stdin:
    job = line.strip()
    sink.commit(record(1, None, job_id=job), manifest(1, job_id=job))
    print(job, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "jobs.db"


@pytest.fixture
def write(path: Path) -> Callable[[str], None]:
    """Records a job, in the same process every time."""
    sink = SqliteSink(f"sqlite:{path}", path)

    def write(job_id: str) -> None:
        sink.commit(record(1, None, job_id=job_id), manifest(1, job_id=job_id))

    return write


def jobs(path: Path) -> list[str]:
    """What another program finds in a file that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in connection.execute("SELECT job_id FROM ice_jobs ORDER BY job_id")]


@contextmanager
def other_process(path: Path) -> Iterator[Callable[[str], None]]:
    """A process that records each job it is told, and has the file open all the time."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin
        assert other.stdout

        def write(job_id: str) -> None:
            print(job_id, file=other.stdin, flush=True)
            assert other.stdout
            assert other.stdout.readline() == f"{job_id}\n"

        yield write
        other.stdin.close()
        assert other.wait(60) == 0


def remove_all(path: Path) -> None:
    for file in path.parent.glob("jobs.db*"):
        file.unlink()


def remove_file_alone(path: Path) -> None:
    path.unlink()


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("remove", [remove_all, remove_file_alone, remove_folder])
def test_a_file_that_was_removed_is_made_anew(
    remove: Callable[[Path], None], path: Path, write: Callable[[str], None]
) -> None:
    """GIVEN a file that is removed under a warm process THEN its next job is in a new file."""
    write("before")
    remove(path)

    write("after-1")
    write("after-2")

    assert jobs(path) == ["after-1", "after-2"]


@pytest.mark.parametrize("suffixes", [[""], ["", "-wal", "-shm"]])
def test_a_file_that_was_moved_away_keeps_what_it_had(
    suffixes: list[str], path: Path, write: Callable[[str], None]
) -> None:
    """Alone or with its log: all jobs of before are in it, those of afterwards in the new file."""
    write("before-1")
    write("before-2")
    away = path.parent.parent / "archive.db"
    for suffix in suffixes:
        Path(f"{path}{suffix}").rename(f"{away}{suffix}")

    write("after")

    assert jobs(path) == ["after"]
    assert jobs(away) == ["before-1", "before-2"]


def test_a_file_that_was_replaced_gets_what_comes_after(path: Path, write: Callable[[str], None]) -> None:
    """The log of the earlier file is not applied to the one in its place."""
    other = path.with_name("other.db")
    SqliteSink("", other).commit(record(1, None, job_id="other"), manifest(1, job_id="other"))
    write("before-1")
    write("before-2")
    other.replace(path)

    write("after")

    assert jobs(path) == ["after", "other"]


def test_a_link_that_leads_elsewhere_is_followed(tmp_path: Path, path: Path, write: Callable[[str], None]) -> None:
    """Whatever it leads to, each file has its own log."""
    path.parent.mkdir()
    for month in ("may", "june"):
        (tmp_path / month).mkdir()
    path.symlink_to(tmp_path / "may" / "jobs.db")
    write("may")
    path.unlink()
    path.symlink_to(tmp_path / "june" / "jobs.db")

    write("june")

    assert jobs(tmp_path / "may" / "jobs.db") == ["may"]
    assert jobs(tmp_path / "june" / "jobs.db") == ["june"]


def move_file_alone(path: Path) -> None:
    path.rename(path.parent.parent / "archive.db")


def replace_file(path: Path) -> None:
    """By one that has the tables and no job."""
    other = path.parent.parent / "other.db"
    SqliteSink("", other).prepare(dry_run=False)
    move_file_alone(path)
    other.rename(path)


@pytest.mark.parametrize(
    ("remove", "knows_the_old_file"),
    [
        (remove_all, True),
        (remove_all, False),
        (remove_file_alone, True),
        (remove_file_alone, False),
        (move_file_alone, True),
        (move_file_alone, False),
        (replace_file, True),  # a process that begins now cannot know whose log it finds beside the file
    ],
)
def test_processes_that_share_a_file_come_together_in_the_new_one(
    *, remove: Callable[[Path], None], knows_the_old_file: bool, path: Path, write: Callable[[str], None]
) -> None:
    """The one that notices later takes nothing from the one that noticed first, neither then nor when it ends."""
    with other_process(path) as write_there:
        write_there("before-there")
        if knows_the_old_file:
            write("before-here")
        remove(path)

        write("after-here-1")
        write_there("after-there")
        write("after-here-2")
    write("after-here-3")

    assert jobs(path) == ["after-here-1", "after-here-2", "after-here-3", "after-there"]
    if remove in {move_file_alone, replace_file}:
        assert jobs(path.parent.parent / "archive.db") == ["before-here", "before-there"][not knows_the_old_file :]


class Moving(tuple[Row, ...]):
    """Rows of a job: while they are written, the file is moved away."""

    path: Path
    times = 1
    __slots__ = ()

    @override
    def __iter__(self) -> Iterator[Row]:
        if self.path.exists() and Moving.times:
            Moving.times -= 1
            self.path.rename(self.path.with_name("moved.db"))
        return super().__iter__()


@pytest.mark.parametrize("times", [1, 10])
def test_a_file_that_is_moved_while_it_is_written_to(
    times: int, path: Path, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is written again, to the file that is at the path then; as long as there is time."""
    made = rows_of(record(1, None), manifest(2))
    monkeypatch.setattr(Moving, "path", path, raising=False)
    monkeypatch.setattr(Moving, "times", times)
    moving = made._replace(outputs=Moving(made.outputs))
    sink = SqliteSink("", path)

    if times == 1:
        sink.write(moving)
        assert jobs(path) == ["job-1"]
    else:
        with pytest.raises(StorageError, match="the file was moved away while it was written to"):
            limited(Deadline.after(0, fake_time.clock), lambda: sink.write(moving))


def test_a_process_that_ends_without_noticing_takes_nothing(path: Path, write: Callable[[str], None]) -> None:
    """Its log had the same name as that of the new file."""
    with other_process(path) as write_there:
        write_there("before")
        remove_all(path)
        write("after-1")
    write("after-2")

    assert jobs(path) == ["after-1", "after-2"]


def test_a_log_that_was_left_behind_is_not_taken_for_that_of_the_new_file(path: Path) -> None:
    """GIVEN a process that was killed and a file that was removed without its log THEN a new one begins empty."""
    with other_process(path) as write_there:
        write_there("before")
        shutil.copytree(path.parent, path.parent.parent / "copy")
    remove_all(path)
    for suffix in ("-wal", "-shm"):
        shutil.copy(path.parent.parent / "copy" / f"jobs.db{suffix}", path.parent)

    SqliteSink("", path).commit(record(1, None, job_id="after"), manifest(1, job_id="after"))

    assert jobs(path) == ["after"]


def test_a_file_that_is_moved_while_its_lock_is_waited_for(
    path: Path, write: Callable[[str], None], fake_time: FakeTime
) -> None:
    """The job is in the file that is at the path when the write is made."""
    write("before")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def sleep(seconds: float) -> None:
            fake_time.sleep(seconds)
            if path.exists():
                path.rename(path.with_name("moved.db"))
                other.execute("ROLLBACK")

        sink = SqliteSink("", path)
        waiting = Deadline.after(30, replace(fake_time.clock, sleep=sleep))
        limited(waiting, lambda: sink.commit(record(1, None, job_id="after"), manifest(1, job_id="after")))

    assert jobs(path) == ["after"]
    assert jobs(path.with_name("moved.db")) == ["before"]


def test_another_process_that_opens_the_file_is_waited_for(path: Path, fake_time: FakeTime) -> None:
    """As long as there is time; then the error says so."""
    path.parent.mkdir()
    sink = SqliteSink("", path)

    with (
        locked_folder(path.parent),
        pytest.raises(StorageError, match="another process kept it locked until the time limit"),
    ):
        limited(Deadline.after(1, fake_time.clock), lambda: sink.commit(record(1, None), manifest(1)))
    assert sum(fake_time.slept) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "cause"),
    [("x" * 300, "File name too long"), ("", "it is a folder; expected a file"), ("file/jobs.db", "Not a directory")],
)
def test_a_path_at_which_no_file_can_be_is_told(tmp_path: Path, name: str, cause: str) -> None:
    """In reading and in writing."""
    (tmp_path / "file").write_text("")
    sink = SqliteSink("sqlite:", tmp_path / name)
    with pytest.raises(StorageError, match=f"cannot read .*: {cause}"):
        sink.find(JobId("a"))
    with pytest.raises(StorageError, match=r"cannot (read|write) .*: (File exists|Not a directory|it is|File name)"):
        sink.prepare(dry_run=False)
