"""Reports of more and more jobs: time grows with their number, and memory does not. bench/report.py has the figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import process_environment
from support.paths import ROOT, SOURCE, TESTS
from support.reports import page

FEW, MANY = 200, 1001
MOST_MB = 200
pytestmark = pytest.mark.slow


def measure(store: str, jobs: int) -> dict[str, float]:
    """Run the benchmark with so many jobs; the figures of its report."""
    options = ["--jobs", str(jobs), "--store", store, "--folder", ".", "--json"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "report.py"), *options],
        capture_output=True,
        check=True,
        env=process_environment({"PYTHONPATH": f"{SOURCE}:{TESTS}"}),
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("store", ["file:./records", "sqlite:./jobs.db"])
def test_a_report_takes_time_for_each_job_and_no_memory(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CPU time for each job is compared, whatever the machine does; records are never all in memory."""
    few, many = tmp_path / "few", tmp_path / "many"
    figures = []
    for folder, jobs in ((few, FEW), (many, MANY)):
        folder.mkdir()
        monkeypatch.chdir(folder)
        figures.append(measure(store, jobs))

    assert figures[1]["cpu_seconds"] / MANY < 2 * figures[0]["cpu_seconds"] / FEW
    assert figures[1]["peak_mb"] < MOST_MB
    assert figures[1]["peak_mb"] - figures[0]["peak_mb"] < 20
    assert len([*(many / "report" / "jobs").iterdir()]) == MANY
    assert "1,001" in page(many / "report", "index.html").text
    assert (many / "report" / "all-3.html").exists()
