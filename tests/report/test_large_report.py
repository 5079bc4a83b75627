"""A report of 10,000 jobs: how long it takes, and how much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import process_environment
from support.many_jobs import write_jobs
from support.paths import SOURCE, TESTS
from support.reports import page

JOBS = 10_000
MOST_CPU_SECONDS = 30
MOST_MB = 200
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROGRAM = """
import json, resource, sys
from ice_result.cli import command
from support.own_memory import peak_mb
try:
    command(sys.argv[1:])
except SystemExit as ended:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"status": ended.code, "cpu": used.ru_utime + used.ru_stime, "mb": peak_mb()}))
"""


def run(*arguments: str, **environment: str) -> dict[str, float]:
    """Run a command as a process of its own; its exit status, CPU seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        check=True,
        env=process_environment({"PYTHONPATH": f"{SOURCE}:{TESTS}", **environment}),
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert measured["status"] == 0, done.stderr
    return measured


@pytest.mark.parametrize("store", ["file:./records", "sqlite:./jobs.db"])
def test_ten_thousand_jobs_fit_in_time_and_memory(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU is measured, for the machine may have other work; records are never all in memory."""
    monkeypatch.chdir(tmp_path)
    jobs = write_jobs(tmp_path / "jobs", JOBS)
    (tmp_path / "ids.txt").write_text("\n".join(jobs), encoding="utf-8")
    settings = {
        "ICE_RESULT_SINKS": store,
        "ICE_RESULT_REGION": "cn-shanghai",
        "ICE_RESULT_VERIFY_OUTPUTS": "false",
        "ICE_RESULT_PARK_URL": "file:./parked",
    }
    run("backfill", "ids.txt", "--jobs", "jobs", **settings)

    measured = run("report", "-o", "report", **settings)

    assert measured["cpu"] < MOST_CPU_SECONDS
    assert measured["mb"] < MOST_MB
    assert len([*(tmp_path / "report" / "jobs").iterdir()]) == JOBS
    assert "10,000" in page(tmp_path / "report", "index.html").text
    assert (tmp_path / "report" / "all-20.html").exists()
