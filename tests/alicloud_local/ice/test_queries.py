"""The stand-in for ICE, asked by the real SDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alibabacloud_ice20201109.client import Client

from alicloud_local import LocalCloud
from alicloud_local.rpc.messages import JsonObject
from support.gateway_sdk import call_action, config, refusal

IceSdk = Callable[..., Callable[[str], dict[str, object]]]
JOB: JsonObject = {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]", "UserData": "片头"}


def call_ice(cloud: LocalCloud, action: str, version: str = "2020-11-09") -> object:
    return call_action(Client(config(cloud, "ICE")), action, version)


def test_a_job_is_answered_as_it_was_put(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """The SDK reads back the response that was put, with a RequestId that is new for every call."""
    cloud.ice.put("job-1", JOB)
    query = ice_sdk(cloud)

    first, second = query("job-1"), query("job-1")

    assert {name: value for name, value in first.items() if name != "RequestId"} == JOB
    assert first["RequestId"] != second["RequestId"]


def test_responses_come_in_turn_and_the_last_for_ever(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """A job can be running first and finished later."""
    cloud.ice.put("job-1", {**JOB, "Status": "Queuing"}, {**JOB, "Status": "Analysing"}, JOB)
    query = ice_sdk(cloud)

    assert [query("job-1")["Status"] for _ in range(4)] == ["Queuing", "Analysing", "Success", "Success"]


def test_a_job_needs_a_response(cloud: LocalCloud) -> None:
    """Putting a job without any response is a mistake in the test that does it."""
    with pytest.raises(ValueError, match="at least one response"):
        cloud.ice.put("job-1")


def test_jobs_of_a_folder_are_read_at_request_time(tmp_path: Path, ice_sdk: IceSdk) -> None:
    """A file changed between two calls shows in the second."""
    path = tmp_path / "job-1.json"
    path.write_text('{"JobId": "job-1", "Status": "Queuing"}', "utf-8")
    with LocalCloud(jobs=tmp_path) as cloud:
        query = ice_sdk(cloud)
        before = query("job-1")["Status"]
        path.write_text('{"JobId": "job-1", "Status": "Success"}', "utf-8")

        assert (before, query("job-1")["Status"]) == ("Queuing", "Success")


@pytest.mark.parametrize("job_id", ["nobody", "../outside", "..", "a/b", "x" * 5000, "nul\0"])
def test_an_unknown_job_is_not_found(tmp_path: Path, ice_sdk: IceSdk, job_id: str) -> None:
    """Also when the id is a path out of the folder, or no name a file can have."""
    (tmp_path / "outside.json").write_text("{}", "utf-8")
    (tmp_path / "jobs").mkdir()
    with LocalCloud(jobs=tmp_path / "jobs") as cloud:
        assert refusal(lambda: ice_sdk(cloud)(job_id)) == (400, "InvalidParameter.JobNotFound")


def test_a_saved_response_that_is_not_a_job_is_an_internal_error(tmp_path: Path, ice_sdk: IceSdk) -> None:
    """The server survives a broken file and says what is wrong with it; listing the jobs raises."""
    (tmp_path / "job-1.json").write_text("[1]", "utf-8")
    with LocalCloud(jobs=tmp_path) as cloud:
        assert refusal(lambda: ice_sdk(cloud)("job-1")) == (500, "InternalError")
        with pytest.raises(ValueError, match="not a JSON object"):
            cloud.ice.jobs()


def test_an_empty_job_id_is_missing(cloud: LocalCloud) -> None:
    """QueryIProductionJob without JobId is refused as the API does it for required parameters."""
    assert refusal(lambda: call_ice(cloud, "QueryIProductionJob")) == (400, "MissingJobId")


def test_an_unknown_action_is_not_found(cloud: LocalCloud) -> None:
    """An action that the server does not know gets the gateway's own code."""
    assert refusal(lambda: call_ice(cloud, "MakeCoffee")) == (404, "InvalidAction.NotFound")


def test_another_version_of_the_api_is_invalid(cloud: LocalCloud) -> None:
    """Only version 2020-11-09 is served."""
    assert refusal(lambda: call_ice(cloud, "QueryIProductionJob", "2014-06-18")) == (400, "InvalidVersion")


def test_calls_are_logged(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """Each with its action, job, status and a time that grows."""
    cloud.ice.put("job-1", JOB)
    query = ice_sdk(cloud)
    query("job-1")
    refusal(lambda: query("job-2"))

    first, second = cloud.ice.calls

    assert (first.operation, first.target, first.status) == ("QueryIProductionJob", "job-1", 200)
    assert (second.operation, second.target, second.status) == ("QueryIProductionJob", "job-2", 400)
    assert first.at <= second.at
