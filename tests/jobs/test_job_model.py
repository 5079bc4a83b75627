from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.addresses import ObjectAddress
from ice_result.errors import InvalidResponseError
from ice_result.jobs import Job, JobState
from ice_result.values import JobId, JsonObject, JsonValue
from support.paths import TESTS

JOB = JobId("job-1")
FIXTURES = TESTS / "jobs"
NAMES = [
    *("JobId", "Name", "FunctionName", "Input", "Output", "TemplateId", "JobParams", "ScheduleConfig", "UserData"),
    *("Result", "CreateTime", "FinishTime", "OutputFiles", "OutputMediaIds", "OutputUrls", "RequestId"),
]
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Type", "Media", "x"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(NAMES), values), st.text(max_size=10))
def test_any_response_with_a_status_is_a_job_or_another_job(fields: JsonObject, status: str) -> None:
    """Fields of any type never break the reading; what was received is all in `raw`."""
    response: JsonObject = {**fields, "Status": status}
    if response.get("JobId") not in (None, "", JOB):
        with pytest.raises(InvalidResponseError):
            Job.from_response(JOB, response)
        return
    job = Job.from_response(JOB, response)
    assert job.raw == response
    assert job.status == status


def test_the_documented_sample_survives() -> None:
    """The page's own sample, with its contradictions, is read field by field."""
    response: JsonObject = json.loads((FIXTURES / "documented-sample.json").read_text("utf-8"))
    job = Job.from_response(JobId(str(response["JobId"])), response)
    assert job.state == "succeeded"
    assert job.unreadable == ()
    assert job.raw == response


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *(("Queuing", "running"), ("Analysing", "running"), ("Analyzing", "running")),
        *(("Success", "succeeded"), ("Fail", "failed")),
        *(("Failed", "unknown"), ("success", "unknown"), ("Canceled", "unknown"), ("", "unknown")),
    ],
)
def test_a_status_is_what_ice_documents_or_unknown(status: str, state: JobState) -> None:
    """A token nobody documented is neither success nor failure."""
    assert Job.from_response(JOB, {"Status": status}).state == state


@pytest.mark.parametrize("response", [None, [], "x", {}, {"Status": None}, {"Status": 1}])
def test_without_a_status_it_is_no_job(response: JsonValue) -> None:
    """ICE always sends one: without it, it is another answer."""
    with pytest.raises(InvalidResponseError, match="job job-1: the response is not a job"):
        Job.from_response(JOB, response)


def test_unreadable_fields_are_named_and_numbers_are_texts() -> None:
    """GIVEN fields of another type than documented WHEN the job is read THEN their paths are remembered."""
    job = Job.from_response(
        JOB,
        {
            "Status": "Success",
            "Name": ["x"],
            "TemplateId": 7,
            "Input": "oss://bucket/a",
            "Output": {"Type": True, "Media": "oss://bucket/b"},
            "ScheduleConfig": {"Priority": 6, "PipelineId": {}},
            "OutputFiles": ["a.png", None],
            "OutputUrls": "http://x",
        },
    )
    assert (job.template_id, job.priority, job.output_files, job.output_urls) == ("7", "6", ("a.png",), ())
    assert set(job.unreadable) == {
        *("Name", "Input", "Output.Type", "ScheduleConfig.PipelineId", "OutputFiles", "OutputUrls"),
    }


@pytest.mark.parametrize(
    ("output", "urls", "bucket"),
    [
        ({"Media": "oss://one/a"}, ["http://two.oss-cn-shanghai.aliyuncs.com/b"], "one"),
        ({"Media": "a0b1", "OutputUrl": "oss://one/a "}, [], "one"),
        ({}, ["http://two.oss-cn-shanghai.aliyuncs.com/b", "http://two.oss-cn-shanghai.aliyuncs.com/c"], "two"),
        ({}, ["http://two.oss-cn-shanghai.aliyuncs.com/b", "http://three.oss-cn-shanghai.aliyuncs.com/c"], None),
        ({}, ["https://example.com/b"], None),
    ],
)
def test_the_bucket_of_relative_paths(output: JsonObject, urls: list[JsonValue], bucket: str | None) -> None:
    """Output says it, or all OutputUrls agree on it; otherwise it is not known."""
    assert Job.from_response(JOB, {"Status": "Success", "Output": output, "OutputUrls": urls}).output_bucket == bucket


def test_an_input_in_oss_has_an_address() -> None:
    """An address is read; a media id is not one."""
    job = Job.from_response(JOB, {"Status": "Success", "Input": {"Type": "OSS", "Media": "oss://bucket/a.mp4"}})
    assert job.input.address == ObjectAddress("bucket", "a.mp4")
    assert job.output.address is None
