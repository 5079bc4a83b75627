"""`process`: one job from a program, written as the function would write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from alicloud_local.http_server import Reply
from ice_result import open_store, process
from ice_result.core.types import JsonObject
from ice_result.errors import InvalidArgumentError, SettingsError
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS
from support.webhook_receiver import WebhookReceiver

SavedJob = Callable[[str, JsonObject], dict[str, str]]


def test_the_job_is_written_as_the_command_writes_it(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN two sinks THEN both get the job, with the same bytes as by `ice-result process`."""
    cloud.seed_outputs()
    sinks = f"file:{tmp_path}/one,sqlite:{tmp_path}/jobs.db"
    outcome = process(" cover-0001 ", environment={**cloud.environment, "ICE_RESULT_SINKS": sinks})
    assert outcome._asdict() == {
        "job_id": "cover-0001",
        "outcome": "recorded",
        "function_name": "Cover",
        "state": "succeeded",
        "job_outcome": "ok",
        "complete": True,
        "suspicious": 0,
        "record": f"{tmp_path}/one/records/function_name=Cover/dt=2026-03-02/cover-0001.json",
        "manifest": f"{tmp_path}/one/manifests/function_name=Cover/dt=2026-03-02/cover-0001.json",
        "reason": None,
    }
    done = ice_result("process", "cover-0001", "--sink", f"file:{tmp_path}/two", **cloud.environment)
    assert done.returncode == 0, done.stderr
    ours, theirs = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.json")}
        for name in ("one", "two")
    )
    assert ours == theirs
    one, other = (open_store(url).get("cover-0001") for url in sinks.split(","))
    assert one == other is not None


def test_a_running_job_fails_with_its_reason_and_leaves_nothing(saved_job: SavedJob, tmp_path: Path) -> None:
    """GIVEN a job that is still running THEN nothing is raised and nothing is written."""
    environment = saved_job("runs", {"Status": "Analysing", "FinishTime": None})
    outcome = process("runs", environment={**environment, "ICE_RESULT_SINKS": f"file:{tmp_path}/out"})
    assert (outcome.job_id, outcome.outcome) == ("runs", "failed")
    assert outcome.reason == "not_finished: job runs is not finished: its status is Analysing"
    assert not (tmp_path / "out").exists()


def test_a_running_job_is_parked_on_request(saved_job: SavedJob, tmp_path: Path) -> None:
    """GIVEN `park` THEN the envelope has the job, and a retry by the command records it when it is done."""
    environment = {**saved_job("runs", {"Status": "Analysing"}), "ICE_RESULT_SINKS": f"file:{tmp_path}/out"}
    outcome = process("runs", park=True, environment={**environment})
    assert (outcome.outcome, outcome.record) == ("parked", f"{tmp_path}/out/parked/not_finished/runs.json")
    saved_job("runs", {})
    done = ice_result("parked", "retry", **environment)
    assert done.returncode == 0, done.stderr
    assert open_store(f"file:{tmp_path}/out").get("runs") is not None


def test_wrong_settings_and_arguments_are_told_before_any_call(cloud: LocalCloud, tmp_path: Path) -> None:
    """No sink, an id that is none, and a time that is none."""
    sinks = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}
    with pytest.raises(SettingsError, match="ICE_RESULT_SINKS: not set"):
        process("cover-0001", environment=cloud.environment)
    with pytest.raises(InvalidArgumentError, match="job id: found a text of 200 characters; expected a job id"):
        process("x" * 200, environment=sinks)
    with pytest.raises(InvalidArgumentError, match="seconds: found 0; expected a number greater than 0"):
        process("cover-0001", seconds=0, environment=sinks)
    assert not cloud.ice.calls


def test_many_threads_may_process_and_read_at_once(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN all sample jobs, each twice, and eight threads THEN each is recorded, and each is read."""
    cloud.seed_outputs()
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"sqlite:{tmp_path}/jobs.db"}
    job_ids = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
    store = open_store(f"sqlite:{tmp_path}/jobs.db", environment=environment)
    with ThreadPoolExecutor(8) as pool:
        outcomes = [*pool.map(partial(process, environment=environment), job_ids * 2)]
        found = [*pool.map(store.get, job_ids)]
    assert [(outcome.job_id, outcome.outcome) for outcome in outcomes] == [(each, "recorded") for each in job_ids * 2]
    assert [job and job.record.job_id for job in found] == job_ids


def test_a_job_that_nobody_knows_fails(cloud: LocalCloud, tmp_path: Path) -> None:
    """The reason has ICE's own words."""
    outcome = process("nobody", environment={**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    assert outcome.outcome == "failed"
    assert str(outcome.reason).startswith("not_found: ICE: ")


@pytest.mark.parametrize("park", [False, True])
def test_a_job_that_is_recorded_and_not_notified_says_where_it_is(
    cloud: LocalCloud, tmp_path: Path, *, park: bool
) -> None:
    """GIVEN two receivers that refuse THEN the outcome has all of the record, and the error of each receiver."""
    cloud.seed_outputs()
    with WebhookReceiver(Reply(410)) as one, WebhookReceiver(Reply(403, {}, b"not you")) as other:
        environment = {
            **cloud.environment,
            "ICE_RESULT_SINKS": f"file:{tmp_path}/out",
            "ICE_RESULT_NOTIFY": f"{one.url} {other.url}",
        }
        outcome = process("cover-0001", park=park, environment=environment)
        one.answers.append(Reply(410))
        done = ice_result("process", "cover-0001", *(["--park"] * park), **environment)
    at = "function_name=Cover/dt=2026-03-02/cover-0001.json"
    parked = f"{tmp_path}/out/parked/notification_refused/cover-0001.json"
    errors = sorted(
        (
            f"{one.url}: webhook: notify {one.url}: 410: it is gone: remove this target",
            f"{other.url}: webhook: notify {other.url}: 403: not you",
        )
    )
    assert outcome._asdict() == {
        "job_id": "cover-0001",
        "outcome": "parked" if park else "failed",
        "function_name": "Cover",
        "state": "succeeded",
        "job_outcome": "ok",
        "complete": True,
        "suspicious": 0,
        "record": parked if park else f"{tmp_path}/out/records/{at}",
        "manifest": f"{tmp_path}/out/manifests/{at}",
        "reason": f"notification_refused: not notified: {'; '.join(errors)}",
    }
    assert done.returncode == 1
    assert re.search(r"^(failed|parked)    cover-0001  Cover  ok  \S+  \(recorded, not notified: http://", done.stdout)
    assert "complete" not in done.stderr
