"""`ice-result sweep`: the work of the timer without Function Compute, over real sockets."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.core.types import JobId
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_model import Expected
from support.command_line import ice_result, process_arguments, process_environment
from support.parked_events import envelope, lay, parked_in, recorded_in, url_of
from support.paths import SAMPLE_JOBS

AN_HOUR = timedelta(hours=1)


@pytest.fixture(params=["out", "jobs.db"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder or the database of the only sink."""
    return tmp_path / str(request.param)


@pytest.fixture
def environment(cloud: LocalCloud, out: Path) -> dict[str, str]:
    """The settings of a person who has no function: ICE and OSS are servers on this machine."""
    cloud.seed_outputs()
    return {**cloud.environment, "ICE_RESULT_SINKS": url_of(out)}


def park(out: Path, place: str, *, age: timedelta) -> None:
    """Lay an envelope under `<reason>/<job id>`, written so long ago."""
    reason, _, job_id = place.partition("/")
    moment = datetime.now(timezone.utc) - age
    parked = envelope({"JobId": job_id}, reason, job_id, moment)
    lay(out, f"parked/{place}.json", line(parked), at=moment)


def expect(out: Path, job_id: str, *, overdue: timedelta) -> None:
    """Leave a note that a job should have been recorded so long ago."""
    due = datetime.now(timezone.utc).replace(microsecond=0) - overdue
    note = Expected(job_id=JobId(job_id), expected_at=due - AN_HOUR, due_at=due)
    lay(out, Layout().expected(note), line(note))


def test_an_expected_job_is_recorded_without_a_function(
    cloud: LocalCloud, environment: dict[str, str], out: Path
) -> None:
    """GIVEN a job whose event never came WHEN `expect` was called and `sweep` runs THEN it is recorded, once."""
    assert ice_result("expect", "cover-0001", "--within", "0s", **environment).returncode == 0

    done = ice_result("sweep", **environment)

    assert (done.returncode, done.stderr.startswith("1 recorded: 1 complete, in ")) == (0, True), done.stderr
    assert done.stdout == "recorded  cover-0001  Cover  ok\n"
    assert [call.target for call in cloud.ice.calls] == ["cover-0001"]
    assert recorded_in(out) == ["cover-0001"]
    again = ice_result("sweep", **environment)
    assert (again.returncode, again.stdout, again.stderr[:17]) == (0, "", "nothing is due in")


def test_a_job_that_is_not_due_is_left_alone(cloud: LocalCloud, environment: dict[str, str]) -> None:
    """GIVEN a note of a job that may still come by itself THEN ICE is not asked."""
    assert ice_result("expect", "cover-0001", "--within", "1h", **environment).returncode == 0

    assert ice_result("sweep", **environment).stderr.startswith("nothing is due in ")
    assert not cloud.ice.calls


def test_parked_events_that_are_due_are_retried(environment: dict[str, str], out: Path) -> None:
    """Neither what was parked a moment ago, nor what does not pass by itself, nor what is dead."""
    park(out, "unavailable/cover-0001", age=2 * AN_HOUR)
    park(out, "throttled/videoclip-0001", age=timedelta(seconds=5))
    park(out, "forbidden/b", age=2 * AN_HOUR)
    park(out, "dead/d", age=2 * AN_HOUR)

    done = ice_result("sweep", "--json", **environment)

    assert [(each["job_id"], each["outcome"]) for each in done.documents] == [("cover-0001", "recorded")]
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded_in(out) == ["cover-0001"]
    assert [*parked_in(out)] == ["dead/d", "forbidden/b", "throttled/videoclip-0001"]


def test_what_fails_again_is_parked_again_with_status_1(environment: dict[str, str], out: Path) -> None:
    """GIVEN a parked job and an expected one that ICE does not know THEN each is parked, with what it was before."""
    park(out, "unavailable/a", age=2 * AN_HOUR)
    expect(out, "b", overdue=AN_HOUR)

    done = ice_result("sweep", **environment)

    assert (done.returncode, done.stderr.startswith("2 parked in ")) == (1, True), done.stderr
    assert {place: envelope["attempts"] for place, envelope in parked_in(out).items()} == {
        "not_found/a": 2,
        "not_found/b": 1,
    }


def test_a_limit_takes_the_oldest(environment: dict[str, str], out: Path) -> None:
    """Of parked events, and of notes."""
    for hours, name in enumerate(("new", "mid", "old"), start=2):
        park(out, f"unavailable/parked-{name}", age=hours * AN_HOUR)
        expect(out, f"expected-{name}", overdue=hours * AN_HOUR)

    done = ice_result("sweep", "--limit", "1", "--json", **environment)

    assert [each["job_id"] for each in done.documents] == ["parked-old", "expected-old"]


def test_saved_responses_stand_in_for_ice(cloud: LocalCloud, environment: dict[str, str], out: Path) -> None:
    """With --jobs and --sink, in place of the variables."""
    park(out, "unavailable/cover-0001", age=2 * AN_HOUR)
    environment["ICE_RESULT_SINKS"] = "file:/nowhere"

    done = ice_result("sweep", "--jobs", str(SAMPLE_JOBS), "--sink", url_of(out), **environment)

    assert (done.returncode, recorded_in(out), len(cloud.ice.calls)) == (0, ["cover-0001"], 0)


def test_sweeps_that_run_at_once_lose_nothing(cloud: LocalCloud, environment: dict[str, str], out: Path) -> None:
    """GIVEN three processes with the same work THEN each job is recorded, nothing stays parked, and all end well."""
    jobs = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
    for number, job_id in enumerate(jobs):
        if number % 2:
            park(out, f"unavailable/{job_id}", age=2 * AN_HOUR)
        else:
            expect(out, job_id, overdue=AN_HOUR)
    started = [
        subprocess.Popen(
            process_arguments("sweep", "--json"),
            env=process_environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in started]

    assert [(stderr, status) for _, stderr, status in ended] == [(b"", 0)] * 3
    outcomes = [json.loads(text) for stdout, _, _ in ended for text in stdout.splitlines()]
    assert {each["outcome"] for each in outcomes} == {"recorded"}
    assert recorded_in(out) == jobs
    assert parked_in(out) == {}
    assert ice_result("sweep", **environment).stderr.startswith("nothing is due in ")
    assert len(cloud.ice.calls) <= 3 * len(jobs)


def test_a_store_that_cannot_be_listed_is_told(cloud: LocalCloud, environment: dict[str, str]) -> None:
    """One line, status 1."""
    cloud.oss.fail(Fault("forbidden", operation="GET", times=None))
    environment["ICE_RESULT_SINKS"] = "oss://records"

    done = ice_result("sweep", **environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert "403 AccessDenied" in done.stderr
