"""Programs of somebody who has read only docs/library.md, run against a local cloud."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result import process
from support.paths import SOURCE

PROGRAMS = Path(__file__).parent / "programs"
STORE = "oss://records/ice"
RECORDED = ("cover-0001", "cover-false-success", "videoclip-0001")


def printed(name: str, *arguments: str) -> str:
    """Return what a program prints; it must end without an error."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "ICE_RESULT_SINKS": STORE}
    command = [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def recorded(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """A cloud with three recorded jobs."""
    cloud.seed_outputs()
    monkeypatch.setenv("ICE_RESULT_SINKS", STORE)
    for job_id in RECORDED:
        process(job_id)
    return cloud


def test_a_service_hands_out_the_best_cover(cloud: LocalCloud) -> None:
    """GIVEN a good job, one with a missing file, one without covers and one that nobody knows."""
    cloud.seed_outputs()
    assert printed("best_cover", STORE, *RECORDED, "nobody").splitlines() == [
        "cover-0001 oss://example-output/cover/test-00001.jpg",
        "cover-false-success not complete: false_success",
        "videoclip-0001 no covers: summary",
        "nobody failed: not_found",
    ]


@pytest.mark.usefixtures("recorded")
def test_a_report_reads_every_job_and_names_the_stores_that_it_cannot_read() -> None:
    """GIVEN a store with three jobs, a bucket that is not there, and a file that is not there."""
    assert printed("nightly_report", STORE, "oss://no-such-bucket", "sqlite:./none.db").splitlines() == [
        "cover-0001,ok,True,32.0,0",
        "cover-false-success,false_success,False,33.0,0",
        "videoclip-0001,ok,True,161.0,5.0",
        "never: no_such_bucket",
        "never: storage",
        "{'false_success': 1, 'ok': 2}",
    ]


@pytest.mark.usefixtures("recorded")
def test_a_submitter_waits_for_its_jobs() -> None:
    """GIVEN a job that is recorded, one that is not, and one that nobody knows."""
    assert printed("submitted_jobs", STORE, "videoclip-0001", "videoclip-failed", "nobody").splitlines() == [
        *["noted oss://records/ice/expected"] * 3,
        "videoclip-0001 ['video']",
        "ice_result.record/1 ok",
        "videoclip-failed not recorded in time",
        "ice_result.record/1 job_failed",
        "nobody not recorded in time",
        "not_found",
    ]
