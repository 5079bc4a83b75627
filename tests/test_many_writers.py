"""Several processes, some of them killed: one row a job, one file an output, nothing lost and nothing doubled.

The environment variable JOBS sets how many jobs the slow tests have; `make scale` runs this with 1,000.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from support.many_jobs import write_jobs

HERE = Path(__file__).parent
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
            [sys.executable, str(HERE / "support" / "tablestore_process.py")],
            env=_without_coverage(),
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


def _without_coverage() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**environment, "PYTHONPATH": str(HERE.parent / "src")}


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
            self.finish(self.start("setup", "--tables"))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        environment = {
            **_without_coverage(),
            **(self._cloud.environment if self._cloud else {}),
            "ICE_RESULT_SINKS": ",".join(self.sinks),
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
        }
        self._started.append(
            subprocess.Popen(
                [sys.executable, "-m", "ice_result", *command],
                env=environment,
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

    def record(self) -> subprocess.Popen[bytes]:
        """A process that records all jobs."""
        event = str(self._folder / "event.json")
        jobs = str(self._folder / "jobs")
        return self.start("process", "--event", event, "--jobs", jobs, "--json", "--wait", "600")

    def kill(self, process: subprocess.Popen[bytes], *, after: int) -> None:
        """SIGKILL when it has reported so many jobs; others are then under way."""
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a process that must succeed."""
        output, _ = process.communicate()
        assert process.returncode == 0, output[-2000:].decode()

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


def test_killed_at_any_moment_and_run_again_nothing_is_lost_or_doubled(
    size: Size, folder: Path, cloud: Tablestore | None, undisturbed: dict[str, object]
) -> None:
    """SIGKILL after any number of jobs, again and again; then once without."""
    numbers = random.Random(20260302)  # noqa: S311  repeatable
    with closing(Workplace(folder, cloud, "killed")) as place:
        place.prepare()
        for _ in range(size.kills):
            place.kill(place.record(), after=numbers.randint(1, size.jobs // 2))
        place.finish(place.record())
        assert place.contents() == undisturbed
