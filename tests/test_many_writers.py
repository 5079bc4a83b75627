"""Several processes, some of them killed: one row a job, one file an output, nothing lost and nothing doubled.

The environment variable JOBS sets how many jobs the slow tests have; `make scale` runs this with 1,000.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from support.command_line import process_arguments, process_environment
from support.many_jobs import write_jobs
from support.paths import TESTS

TABLES = ("ice_jobs", "ice_outputs", "ice_items")
INSTANCE = "ice-tests"


class Size(NamedTuple):
    """How much is written, and how often. Without a Tablestore, the jobs go to a folder and a database."""

    jobs: int
    writers: int
    kills: int
    tablestore: bool


FEW = Size(jobs=8, writers=2, kills=1, tablestore=False)
MANY = Size(jobs=int(os.environ.get("JOBS", "60")), writers=8, kills=10, tablestore=True)


class Tablestore:
    """The local Tablestore in a process of its own, where measuring coverage does not slow it down."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "support" / "tablestore_process.py")],
            env=_without_coverage({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.environment: dict[str, str] = json.loads(self._answer())

    def rows(self, instance: str) -> dict[str, object]:
        """All rows of all tables."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{instance}\n")
        self._process.stdin.flush()
        rows: dict[str, object] = json.loads(self._answer())
        return rows

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _without_coverage(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in process_environment(environment).items() if not name.startswith("COVERAGE_")}


class Workplace:
    """A folder of jobs, and the processes that record them into a folder, a database and a Tablestore."""

    def __init__(self, folder: Path, cloud: Tablestore | None, name: str) -> None:
        self.out = folder / name
        self.instance = f"{INSTANCE}-{name}"
        self._folder = folder
        self._cloud = cloud
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def sinks(self) -> list[str]:
        local = [f"file:{self.out}", f"sqlite:{self.out}/jobs.db"]
        return [*local, f"ots://{self.instance}"] if self._cloud else local

    def prepare(self) -> None:
        """Make the tables of Tablestore; the database makes its own at the first write."""
        if self._cloud:
            self.finish(self.start("setup", "--tables", "--yes"))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        environment = {
            **(self._cloud.environment if self._cloud else {}),
            "ICE_RESULT_SINKS": ",".join(self.sinks),
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
        }
        self._started.append(
            subprocess.Popen(
                process_arguments(*command),
                env=_without_coverage(environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
        return self._started[-1]

    def close(self) -> None:
        """Leave no process behind, whatever the test came to."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def record(self, jobs: Path | None = None) -> subprocess.Popen[bytes]:
        """A process that records all jobs, by default those of the folder."""
        event = str(self._folder / "event.json")
        jobs = jobs or self._folder / "jobs"
        return self.start("process", "--event", event, "--jobs", str(jobs), "--json", "--wait", "600")

    def kill_after(self, reported: int, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL when it has reported so many jobs. It must have one more that cannot end."""
        assert process.stdout is not None
        for _ in range(reported):
            line = process.stdout.readline()
            assert line.startswith(b"{"), line
        self._kill(process)

    def kill_between_sinks(self) -> None:
        """SIGKILL for a process whose first record is in the folder, and of whose jobs none can be in the database."""
        self.out.mkdir(exist_ok=True)
        with closing(sqlite3.connect(self.out / "jobs.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            process = self.record()
            while not any((self.out / "records").rglob("*.json")):
                assert process.poll() is None, self._output(process)
                time.sleep(0.01)
            self._kill(process)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        output = self._output(process)
        assert process.returncode == -signal.SIGKILL, output

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a process that must succeed."""
        output = self._output(process)
        assert process.returncode == 0, output

    def _output(self, process: subprocess.Popen[bytes]) -> str:
        """The end of what it printed, when it has ended."""
        output, _ = process.communicate()
        return output[-2000:].decode()

    def contents(self) -> dict[str, object]:
        """All that was written, comparable."""
        found: dict[str, object] = {
            str(path.relative_to(self.out)): path.read_bytes()
            for kind in ("records", "manifests", "parked")
            for path in sorted((self.out / kind).rglob("*"))
            if path.is_file() and path.suffix == ".json"
        }
        with closing(sqlite3.connect(self.out / "jobs.db")) as database:
            for table in TABLES:
                found[f"sqlite {table}"] = database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608  our own names
        if self._cloud:
            found |= {f"ots {table}": rows for table, rows in self._cloud.rows(self.instance).items()}
        return found


@pytest.fixture(
    scope="module",
    params=[pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)],
)
def size(request: pytest.FixtureRequest) -> Size:
    """A small number of everything, and a large one."""
    size: Size = request.param
    return size


@pytest.fixture(scope="module")
def cloud(size: Size) -> Iterator[Tablestore | None]:
    """A Tablestore for all tests of this size, if they have one."""
    if not size.tablestore:
        yield None
        return
    with closing(Tablestore()) as running:
        yield running


@pytest.fixture(scope="module")
def folder(size: Size, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jobs, and an event that names them all."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "event.json").write_text(json.dumps({"JobIds": write_jobs(folder / "jobs", size.jobs)}))
    return folder


@pytest.fixture
def jobs_that_do_not_end(folder: Path, tmp_path: Path) -> Path:
    """The jobs, of which the first never ends: its file is a pipe that nobody writes to, and whoever reads it waits.

    So a process that records them is still at work when it is killed, however slow the machine is.
    """
    jobs = tmp_path / "jobs"
    shutil.copytree(folder / "jobs", jobs)
    first = min(jobs.iterdir())
    first.unlink()
    os.mkfifo(first)
    return jobs


@pytest.fixture(scope="module")
def undisturbed(size: Size, folder: Path, cloud: Tablestore | None) -> dict[str, object]:
    """What one process leaves that nothing happens to."""
    with closing(Workplace(folder, cloud, "one")) as place:
        place.prepare()
        place.finish(place.record())
        contents = place.contents()
    jobs = contents["sqlite ice_jobs"]
    assert isinstance(jobs, list)
    assert len(jobs) == size.jobs
    return contents


def test_processes_at_once_leave_what_one_leaves(
    size: Size, folder: Path, cloud: Tablestore | None, undisturbed: dict[str, object]
) -> None:
    """The same jobs from several sides: one row a job, one file an output, no error about a lock."""
    with closing(Workplace(folder, cloud, "many")) as place:
        place.prepare()
        for writer in [place.record() for _ in range(size.writers)]:
            place.finish(writer)
        assert place.contents() == undisturbed


def test_killed_after_any_number_of_jobs_and_run_again_nothing_is_lost_or_doubled(
    size: Size, folder: Path, cloud: Tablestore | None, undisturbed: dict[str, object], jobs_that_do_not_end: Path
) -> None:
    """GIVEN SIGKILL when any number of jobs but not all are reported WHEN it is over THEN all is as one leaves it."""
    numbers = random.Random(20260302)  # noqa: S311  repeatable
    with closing(Workplace(folder, cloud, "killed")) as place:
        place.prepare()
        for _ in range(size.kills):
            place.kill_after(numbers.randint(1, size.jobs - 1), place.record(jobs_that_do_not_end))
        place.finish(place.record())
        assert place.contents() == undisturbed


def test_killed_between_two_sinks_and_run_again_nothing_is_lost_or_doubled(
    folder: Path, cloud: Tablestore | None, undisturbed: dict[str, object]
) -> None:
    """GIVEN SIGKILL when jobs are in the first sink alone WHEN it is run again THEN all is as one process leaves it."""
    with closing(Workplace(folder, cloud, "sinks")) as place:
        place.prepare()
        place.kill_between_sinks()
        place.finish(place.record())
        assert place.contents() == undisturbed
