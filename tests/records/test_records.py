"""Records: a pure, signed-query-free function of ICE's response."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ice_result.cli.schemas import json_schema
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.records import Record, build_record, output_files
from ice_result.results import decode
from support.paths import SAMPLE_JOBS

RECORD_SCHEMA = Draft202012Validator(json_schema("record"))
SAMPLES = sorted(SAMPLE_JOBS.glob("*.json"))
SIGNED = "?Expires=1&OSSAccessKeyId=LTAI5tSecret&Signature=c2VjcmV0"


def _record(response: JsonObject, job_id: str = "job") -> Record:
    job = Job.from_response(JobId(job_id), response)
    decoded = decode(job.function_name, job.result, job.output_bucket)
    return build_record(job, decoded, output_files(job, decoded), "cn-shanghai")


def _success(**fields: JsonValue) -> JsonObject:
    return {
        "JobId": "job",
        "Status": "Success",
        "FunctionName": "VideoClip",
        "OutputFiles": ["a.mp4"],
        **fields,
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_becomes_a_valid_record_without_a_signature(path: Path) -> None:
    """Each sample response gives a record that its own schema accepts and that holds no credential."""
    text = _record(json.loads(path.read_text()), path.stem).model_dump_json(by_alias=True)
    RECORD_SCHEMA.validate(json.loads(text))
    assert re.findall("(?:Signature|OSSAccessKeyId|Expires)=(?!\\[redacted])", text) == []
    assert "RequestId" not in text


def test_a_record_does_not_change_with_the_request() -> None:
    """RequestId, the order of keys and new signatures change nothing: the bytes are the same."""
    first = _success(RequestId="A", UserData="u", OutputUrls=["http://b.oss-cn-shanghai.aliyuncs.com/a.mp4" + SIGNED])
    second = dict(reversed(first.items())) | {
        "RequestId": "B",
        "OutputUrls": ["http://b.oss-cn-shanghai.aliyuncs.com/a.mp4?Expires=2&OSSAccessKeyId=x&Signature=other"],
    }
    assert _record(first).model_dump_json() == _record(second).model_dump_json()


@pytest.mark.parametrize(
    ("fields", "state", "outcome"),
    [
        ({"Status": "Success"}, "succeeded", "ok"),
        ({"Status": "Fail"}, "failed", "job_failed"),
        ({"Status": "Failed"}, "unknown", "undecodable"),
        ({"Status": "success"}, "unknown", "undecodable"),
        ({"Status": "Canceled"}, "unknown", "undecodable"),
        ({"OutputFiles": []}, "succeeded", "outputs_missing"),
        ({"OutputFiles": ["oss fail to save the image in the given bucket"]}, "succeeded", "false_success"),
        ({"Result": "not json"}, "succeeded", "undecodable"),
        ({"FunctionName": "AudioQualityAssessment", "OutputFiles": []}, "succeeded", "ok"),
        ({"FunctionName": "SomethingNew", "OutputFiles": []}, "succeeded", "ok"),
    ],
)
def test_the_outcome_is_never_better_than_what_ice_said(fields: JsonObject, state: str, outcome: str) -> None:
    """Only the documented token, with its files and a readable Result, is ok."""
    record = _record(_success() | fields)
    assert (record.state, record.outcome) == (state, outcome)


@pytest.mark.parametrize(
    ("created", "finished", "expected", "seconds"),
    [
        ("2022-07-07T07:16:11Z", "2022-07-07T07:17:11Z", "2022-07-07T07:16:11Z", 60.0),
        ("2022-07-07T15:16:11+08:00", "2022-07-07T07:16:12Z", "2022-07-07T07:16:11Z", 1.0),
        ("2022-07-07T07:16:11", "2022-07-07T07:16:11Z", "2022-07-07T07:16:11Z", 0.0),
        ("2022-07-07T08:16:11Z", "2022-07-07T07:16:11Z", "2022-07-07T08:16:11Z", None),
        ("yesterday", "2022-07-07T07:16:11Z", None, None),
        ("0001-01-01T00:00:00+08:00", "", None, None),
        ("", "", None, None),
    ],
)
def test_times_are_utc_and_a_negative_duration_is_none(
    created: str, finished: str, expected: str | None, seconds: float | None
) -> None:
    """Offsets are converted, nonsense is null, and ICE's own sample finishes before it starts."""
    shown = _record(_success(CreateTime=created, FinishTime=finished)).model_dump(mode="json")
    assert (shown["create_time"], shown["duration_seconds"]) == (expected, seconds)


def test_a_time_that_cannot_be_read_is_warned_about() -> None:
    """The warning names the field."""
    record = _record(_success(CreateTime="yesterday", FinishTime="tomorrow", Result=""))
    assert [(warning.path, warning.code) for warning in record.decode.warnings] == [
        ("CreateTime", "unreadable"),
        ("FinishTime", "unreadable"),
    ]


def test_addresses_are_split_and_cleaned() -> None:
    """OSS addresses become bucket and key; white space and queries go."""
    record = _record(
        _success(
            Input={"Type": "OSS", "Media": "oss://source/a dir/x.mp4"},
            Output={"Type": "Media", "Media": "id", "OutputUrl": "http://out.oss-cn-shanghai.aliyuncs.com/y.mp4?a=b "},
        )
    )
    assert (record.input.bucket, record.input.key) == ("source", "a dir/x.mp4")
    assert record.output.output_url == "http://out.oss-cn-shanghai.aliyuncs.com/y.mp4"
    assert (record.output.bucket, record.output.key) == ("out", "y.mp4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"b":1,"a":{"z":null}}', {"a": {"z": None}, "b": 1}), ("not json", "not json"), ("", None), (None, None)],
)
def test_job_params_are_json_where_they_are_json(text: str | None, expected: JsonValue) -> None:
    """JobParams is a JSON text by convention only."""
    assert _record(_success(JobParams=text)).job_params == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"order": 7, "again": [true]}', {"order": 7, "again": [True]}),
        ("[1]", [1]),
        ("007", "007"),
        ("7", "7"),
        ("1e3", "1e3"),
        ("true", "true"),
        ("null", "null"),
        ('"quoted"', '"quoted"'),
        ("{not json", "{not json"),
        (" order-7 ", " order-7 "),
        ("  ", None),
        (None, None),
    ],
)
def test_user_data_is_parsed_only_where_it_is_an_object_or_an_array(sent: str | None, expected: JsonValue) -> None:
    """Other systems join on it: every other text stays the text, a number among them; raw has it as it was sent."""
    record = _record(_success(UserData=sent))
    assert record.user_data == expected
    assert record.raw["UserData"] == sent


def test_a_priority_that_is_none_is_warned_about() -> None:
    """It is null; raw has what was sent."""
    record = _record(_success(ScheduleConfig={"Priority": "high"}, Result=""))
    assert record.priority is None
    assert [(warning.path, warning.code) for warning in record.decode.warnings] == [
        ("ScheduleConfig.Priority", "unreadable")
    ]
    assert record.raw["ScheduleConfig"] == {"Priority": "high"}


def test_fields_of_another_type_are_warned_about_and_kept_in_raw() -> None:
    """What cannot be read is null, named in a warning, and still in raw."""
    response = _success(Name={"a": 1}, OutputFiles={"a": "b"}, OutputUrls=7, Input=[], ScheduleConfig={"Priority": 6})
    record = _record(response)
    assert record.name is None
    assert record.priority == 6
    assert {warning.path for warning in record.decode.warnings} >= {"Name", "OutputFiles", "OutputUrls", "Input"}
    assert record.raw["Name"] == {"a": 1}
    assert record.raw["OutputUrls"] == 7


def test_output_urls_in_raw_keep_no_value_of_a_query() -> None:
    """A link of unknown kind may be signed in a way we do not know: no value of its query stays."""
    record = _record(_success(OutputUrls=["https://cdn.example.com/a.mp4?auth_key=1-0-0-abc", "plain"]))
    assert record.raw["OutputUrls"] == ["https://cdn.example.com/a.mp4?auth_key=[redacted]", "plain"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
FIELDS = ["Input", "Output", "JobParams", "ScheduleConfig", "UserData", "Result", "CreateTime"]
FIELDS += ["FinishTime", "OutputFiles", "OutputMediaIds", "OutputUrls", "Name", "TemplateId", "Extra"]


NAMES = st.text(min_size=1).filter(str.strip)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values | st.sampled_from(["[]", "{}", "Cover"])), NAMES, NAMES)
def test_whatever_ice_answers_becomes_a_valid_record(fields: JsonObject, function_name: str, status: str) -> None:
    """Any JSON in any field: a record comes out, it is valid, and it says so twice in the same bytes."""
    response: JsonObject = {**fields, "JobId": "job", "FunctionName": function_name, "Status": status}
    record = _record(response)
    text = record.model_dump_json(by_alias=True)
    RECORD_SCHEMA.validate(json.loads(text))
    assert _record(response).model_dump_json(by_alias=True) == text


def test_a_record_begins_with_its_schema() -> None:
    """As it is written: the name of the field is `schema`, and the first one."""
    written = json.loads(_record(_success()).model_dump_json(by_alias=True))
    assert next(iter(written.items())) == ("schema", "ice_result.record/1")


def test_every_field_of_a_response_is_in_its_place() -> None:
    """Each under its own name, and nothing is taken for something else."""
    record = _record(
        _success(
            Name="a name",
            TemplateId="a template",
            ScheduleConfig={"PipelineId": "a pipeline", "Priority": 6},
            Input={"Type": "Media", "Media": "input media"},
            Output={"Type": "OSS", "Biz": "VOD", "Media": "oss://out/a.mp4", "OutputUrl": "https://example.com/a.mp4"},
            JobParams='{"a":1}',
            UserData="order-7",
        )
    )
    assert record.model_dump(include={"name", "template_id", "pipeline_id", "priority", "job_params", "user_data"}) == {
        "name": "a name",
        "template_id": "a template",
        "pipeline_id": "a pipeline",
        "priority": 6,
        "job_params": {"a": 1},
        "user_data": "order-7",
    }
    assert record.input.model_dump() == {"type": "Media", "media": "input media", "bucket": None, "key": None}
    assert record.output.model_dump() == {
        "type": "OSS",
        "biz": "VOD",
        "media": "oss://out/a.mp4",
        "output_url": "https://example.com/a.mp4",
        "bucket": "out",
        "key": "a.mp4",
    }
