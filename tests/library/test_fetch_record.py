"""`fetch_record`: the record of one job, as a program gets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result import IceResultError, Record, fetch_record
from ice_result.errors import InvalidArgumentError, JobNotFinishedError, NotFoundError, SettingsError
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS


def test_the_record_is_the_one_that_would_be_written(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a job of ICE WHEN its record is fetched THEN it is that of `process`, and nothing is written."""
    record = fetch_record(" cover-0001\n")
    assert [call.operation for call in cloud.ice.calls] == ["QueryIProductionJob"]
    assert not cloud.oss.calls
    assert ice_result("process", "cover-0001", "--sink", f"file:{tmp_path}", **cloud.environment).returncode == 0
    (written,) = tmp_path.glob("records/*/*/cover-0001.json")
    assert record == Record.model_validate_json(written.read_bytes(), by_alias=True)


def test_saved_responses_need_no_account() -> None:
    """The settings are those of the environment that is given."""
    record = fetch_record("videoclip-failed", environment={"ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}"})
    assert (record.outcome, record.state) == ("job_failed", "failed")


def test_what_cannot_be_fetched_has_its_own_error(cloud: LocalCloud, tmp_path: Path) -> None:
    """A job that runs, one that nobody knows, an id that is none, and settings that are missing."""
    running = json.loads((SAMPLE_JOBS / "cover-0001.json").read_bytes()) | {"JobId": "runs", "Status": "Analysing"}
    (tmp_path / "runs.json").write_text(json.dumps(running | {"FinishTime": None}))
    saved = {"ICE_RESULT_JOBS": f"file:{tmp_path}"}
    with pytest.raises(JobNotFinishedError, match="job runs is not finished: its status is Analysing"):
        fetch_record("runs", environment=saved)
    with pytest.raises(NotFoundError, match="no such file"):
        fetch_record("nobody", environment=saved)
    with pytest.raises(InvalidArgumentError, match="job id: found a text of 0 characters"):
        fetch_record("", environment=saved)
    with pytest.raises(SettingsError, match="ICE_RESULT_REGION: not set"):
        fetch_record("cover-0001", environment={})
    with pytest.raises(IceResultError, match="JobNotFound"):
        fetch_record("nobody", seconds=1)
    assert {call.operation for call in cloud.ice.calls} == {"QueryIProductionJob"}
