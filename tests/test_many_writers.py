"""Several processes, some of them killed: one row a job, one file an output, nothing lost and nothing doubled.

The environment variable JOBS sets how many jobs there are; `make scale` runs this with 1,000.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from ice_result.localcloud import LocalCloud
from many_jobs import write_jobs

COUNT = int(os.environ.get("JOBS", "60"))
TABLES = ("ice_jobs", "ice_outputs", "ice_items")
INSTANCE = "ice-tests"


class Workplace:
    """A folder of jobs, and the processes that record them into a folder, a database and a Tablestore."""

    def __init__(self, folder: Path, cloud: LocalCloud, name: str) -> None:
        self.out = folder / name
        self.instance = f"{INSTANCE}-{name}"
        self._folder = folder
        self._cloud = cloud

    @property
    def sinks(self) -> list[str]:
        return [f"file:{self.out}", f"sqlite:{self.out}/jobs.db", f"ots://{self.instance}"]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
            **self._cloud.environment,
            "ICE_RESULT_SINKS": ",".join(self.sinks),
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
            "PYTHONPATH": str(Path(__file__).parent.parent / "src"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "ice_result", *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def record(self) -> subprocess.Popen[bytes]:
        """A process that records all jobs."""
        event = str(self._folder / "event.json")
        return self.start("process", "--event", event, "--jobs", str(self._folder / "jobs"), "--json")

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a process that must succeed."""
        output, _ = process.communicate(timeout=120)
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
        for table in self._cloud.ots.tables(self.instance):
            rows = self._cloud.ots.rows(self.instance, table)
            found[f"ots {table}"] = sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)
        return found


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A Tablestore for all tests of this file."""
    with LocalCloud(tablestore=True) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jobs, and an event that names them all."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "event.json").write_text(json.dumps({"JobIds": write_jobs(folder / "jobs", COUNT)}))
    return folder


class Undisturbed(NamedTuple):
    """What one process leaves that nothing happens to, and how long it takes."""

    contents: dict[str, object]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(folder: Path, cloud: LocalCloud) -> Undisturbed:
    """One process, once."""
    place = _prepared(Workplace(folder, cloud, "one"))
    started = time.monotonic()
    place.finish(place.record())
    seconds = time.monotonic() - started
    contents = place.contents()
    jobs = contents["sqlite ice_jobs"]
    assert isinstance(jobs, list)
    assert len(jobs) == COUNT
    return Undisturbed(contents, seconds)


def _prepared(place: Workplace) -> Workplace:
    place.finish(place.start("setup", "--tables"))
    return place


def test_eight_processes_at_once_leave_what_one_leaves(
    folder: Path, cloud: LocalCloud, undisturbed: Undisturbed
) -> None:
    """The same jobs from eight sides: one row a job, one file an output, no error about a lock."""
    place = _prepared(Workplace(folder, cloud, "eight"))
    writers = [place.record() for _ in range(8)]
    for writer in writers:
        place.finish(writer)
    assert place.contents() == undisturbed.contents


def test_killed_at_ten_moments_and_run_again_nothing_is_lost_or_doubled(
    folder: Path, cloud: LocalCloud, undisturbed: Undisturbed
) -> None:
    """SIGKILL, wherever it strikes; then once in peace."""
    place = _prepared(Workplace(folder, cloud, "killed"))
    moments = random.Random(20260302)  # noqa: S311  repeatable
    for _ in range(10):
        process = place.record()
        time.sleep(moments.uniform(0.3, 0.95) * undisturbed.seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    place.finish(place.record())
    assert place.contents() == undisturbed.contents
