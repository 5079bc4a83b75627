from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import InvalidResponseError
from ice_result.jobs import Job, JobState
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


def is_text(value: JsonValue) -> bool:
    """Whether it is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def response_of(**fields: JsonValue) -> JsonObject:
    """The least that is a job."""
    return {"JobId": JOB, "FunctionName": "Cover", "Status": "Success", **fields}


@given(st.dictionaries(st.sampled_from(NAMES), values), st.text(max_size=10))
def test_any_response_with_a_status_is_a_job_or_another_job(fields: JsonObject, status: str) -> None:
    """Fields of any type never break the reading; what was received is all in `raw`."""
    response: JsonObject = {"JobId": JOB, "FunctionName": "Cover", **fields, "Status": status}
    if not (response["JobId"] == JOB and is_text(response["FunctionName"]) and is_text(status)):
        with pytest.raises(InvalidResponseError):
            Job.from_response(JOB, response)
        return
    job = Job.from_response(JOB, response)
    assert job.raw == response
    assert job.status == status.strip()


def test_the_documented_sample_survives() -> None:
    """The page's own sample, with its contradictions, is read field by field."""
    response: JsonObject = json.loads((FIXTURES / "documented-sample.json").read_text("utf-8"))
    job = Job.from_response(JobId(str(response["JobId"])), response)
    assert job.state == "succeeded"
    assert job.unreadable == ()
    assert job.raw == response


def test_a_job_cannot_be_changed_and_shares_what_has_no_secret() -> None:
    """A response without secrets is not copied; a job is a value."""
    response = response_of(Result=[{"Score": 1}])
    job = Job.from_response(JOB, response)
    assert job.raw["Result"] is response["Result"]
    assert job == Job.from_response(JOB, response)
    with pytest.raises(AttributeError):
        job.status = "Fail"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *(("Queuing", "running"), ("Analysing", "running"), ("Analyzing", "running")),
        *(("Init", "running"), ("Processing", "running")),  # from a skill that Alibaba publishes
        *(("Success", "succeeded"), ("Fail", "failed"), (" Success ", "succeeded")),
        *(("Failed", "unknown"), ("success", "unknown"), ("Canceled", "unknown")),
    ],
)
def test_a_status_is_what_ice_documents_or_unknown(status: str, state: JobState) -> None:
    """A token nobody documented is neither success nor failure."""
    assert Job.from_response(JOB, response_of(Status=status)).state == state


@pytest.mark.parametrize(
    ("fields", "finished"),
    [
        ({"Status": "Success"}, True),
        ({"Status": "Fail"}, True),
        ({"Status": "Analysing", "FinishTime": "2026-03-02T08:16:02Z"}, False),
        ({"Status": "Processing"}, False),
        ({"Status": "Canceled"}, False),
        ({"Status": "Canceled", "FinishTime": " "}, False),
        ({"Status": "Canceled", "FinishTime": "null"}, False),
        ({"Status": "Canceled", "FinishTime": 0}, False),
        ({"Status": "Canceled", "FinishTime": "0001-01-01T00:00:00Z"}, False),
        ({"Status": "Canceled", "FinishTime": "2026-03-02T08:16:02Z"}, True),
    ],
)
def test_a_job_is_finished_when_ice_says_so(fields: JsonObject, finished: bool) -> None:
    """A token nobody documented is an end only with a FinishTime."""
    assert Job.from_response(JOB, response_of(**fields)).is_finished is finished


@pytest.mark.parametrize("response", [None, [], "x"])
def test_what_is_no_object_is_no_job(response: JsonValue) -> None:
    """It is another answer than ICE's."""
    with pytest.raises(InvalidResponseError, match="job job-1: the response is not a job: not a JSON object"):
        Job.from_response(JOB, response)


@pytest.mark.parametrize("value", [None, "", "  ", 1])
@pytest.mark.parametrize("name", ["JobId", "FunctionName", "Status"])
def test_without_its_id_function_or_status_it_is_no_job(name: str, value: JsonValue) -> None:
    """ICE always sends all three."""
    with pytest.raises(InvalidResponseError, match=f"job job-1: the response is not a job: no {name} in it"):
        Job.from_response(JOB, response_of(**{name: value}))


def test_unreadable_fields_are_named_and_numbers_are_texts() -> None:
    """GIVEN fields of another type than documented WHEN the job is read THEN their paths are remembered."""
    job = Job.from_response(
        JOB,
        {
            **response_of(),
            "Name": ["x"],
            "TemplateId": 7,
            "Input": "oss://bucket/a",
            "Output": {"Type": True, "Media": "oss://bucket/b"},
            "ScheduleConfig": {"Priority": 6, "PipelineId": {}},
            "OutputFiles": ["a.png", None],
            "OutputUrls": "http://x",
        },
    )
    assert (job.template_id, job.priority, job.output_files, job.output_urls) == ("7", 6, ("a.png",), ("http://x",))
    assert set(job.unreadable) == {
        *("Name", "Input", "Output.Type", "ScheduleConfig.PipelineId", "OutputFiles"),
    }


@pytest.mark.parametrize(
    ("sent", "priority"),
    [(6, 6), ("6", 6), (" 10 ", 10), (0, 0), (-1, -1), (None, None), ("", None), (" ", None)],
)
def test_a_priority_is_an_integer(sent: JsonValue, priority: int | None) -> None:
    """A number, or a text of digits; a blank text is none, and nothing to warn about."""
    job = Job.from_response(JOB, {**response_of(), "ScheduleConfig": {"Priority": sent}})
    assert (job.priority, job.unreadable) == (priority, ())


@pytest.mark.parametrize("sent", ["high", "1.5", "-1", "６", 1.5, True, [6], {}, 2**63, "9" * 30])
def test_any_other_priority_is_none_and_named(sent: JsonValue) -> None:
    """Nothing that is no integer of 64 bits is taken for one."""
    job = Job.from_response(JOB, {**response_of(), "ScheduleConfig": {"Priority": sent}})
    assert (job.priority, job.unreadable) == (None, ("ScheduleConfig.Priority",))


@pytest.mark.parametrize("blank", ["", " ", "\n\t "])
def test_blank_texts_are_none(blank: str) -> None:
    """A field that is there and says nothing is as one that is not there."""
    names = ("Name", "TemplateId", "JobParams", "UserData", "CreateTime", "FinishTime", "RequestId")
    media: JsonObject = {"Type": blank, "Media": blank, "Biz": blank, "OutputUrl": blank}
    fields: JsonObject = {**dict.fromkeys(names, blank), "Input": media, "Output": media}
    job = Job.from_response(JOB, response_of(**fields, ScheduleConfig={"PipelineId": blank}))
    assert job == Job.from_response(JOB, response_of())._replace(raw=job.raw)
    assert job.raw["UserData"] == blank


def test_what_a_job_shows_has_no_secrets_and_its_addresses_are_as_sent() -> None:
    """GIVEN signed addresses and keys in every field WHEN the job is read THEN only the names of files keep them."""
    signed = "http://bucket.oss-cn-shanghai.aliyuncs.com/a.mp4?Expires=1&OSSAccessKeyId=k&Signature=c2VjcmV0"
    response: JsonObject = {
        **response_of(),
        "Name": signed,
        "UserData": '{"AccessKeySecret":"c2VjcmV0"}',
        "Result": [{"Url": signed}],
        "Output": {"Media": signed, "OutputUrl": signed},
        "OutputFiles": [signed],
        "OutputUrls": [signed],
        "New": {"password": "c2VjcmV0"},
    }
    job = Job.from_response(JOB, response)
    assert "c2VjcmV0" not in repr(job)
    assert "c2VjcmV0" not in json.dumps(job.raw)
    assert (job.output_files, job.output_urls) == ((signed,), (signed,))
    assert job.output.address == ObjectAddress("bucket", "a.mp4", "cn-shanghai")


def test_no_value_of_an_output_url_s_query_is_kept() -> None:
    """ICE signs them anew for every query, and they may be signed in a way that is not known here."""
    urls: list[JsonValue] = ["https://cdn.example.com/what?.mp4?vkey=1&x", "plain", 7]
    kept: list[JsonValue] = ["https://cdn.example.com/what?.mp4?vkey=[redacted]&x", "plain", 7]
    output: JsonObject = {"OutputUrl": "https://cdn.example.com/a?vkey=1 "}
    job = Job.from_response(JOB, {**response_of(), "Output": output, "OutputUrls": urls})
    assert job.raw["OutputUrls"] == kept
    assert job.raw["Output"] == {"OutputUrl": "https://cdn.example.com/a?vkey=[redacted] "}
    as_text = Job.from_response(JOB, {**response_of(), "OutputUrls": json.dumps(urls)})
    assert json.loads(str(as_text.raw["OutputUrls"])) == kept


HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("signature", [f"202603020815/{HASH}", f"{HASH}/69a54d2a"])
def test_a_signature_in_the_path_of_a_cdn_address_is_kept_nowhere(signature: str) -> None:
    """GIVEN a CDN address of type B or C before a known key WHEN it stands anywhere THEN `[redacted]` stands for it."""
    url = f"https://cdn.example.com/{signature}/out/a.mp4"
    response: JsonObject = {
        **response_of(),
        "Output": {"OutputUrl": url},
        "OutputFiles": ["out/a.mp4"],
        "OutputUrls": [url],
        "UserData": f"see {url}",
        "Result": json.dumps({"Url": url}).replace("/", "\\/"),
        "JobParams": f"https://relay.example.com/?u=https%3A%2F%2Fcdn.example.com%2F{signature.replace('/', '%2F')}%2F",
        url: 1,
    }
    job = Job.from_response(JOB, response)
    assert HASH not in repr(job)
    assert job.output.output_url == "https://cdn.example.com/[redacted]/out/a.mp4"
    assert job.raw["OutputUrls"] == ["https://cdn.example.com/[redacted]/out/a.mp4"]


SIGNED = f"https://cdn.example.com/202603020815/{HASH}/out/a b.mp4"


@pytest.mark.parametrize(
    "fields",
    [
        {"OutputFiles": ["out/a b.mp4"], "OutputUrls": [SIGNED]},
        {"OutputFiles": ["out/a b.mp4"], "OutputUrls": json.dumps([SIGNED]).replace("/", "\\u002F")},
        {"Result": json.dumps([{"Url": "oss://bucket/out/a%20b.mp4"}]), "OutputUrls": [SIGNED.replace(" ", "%20")]},
        {
            "Result": json.dumps({"Data": json.dumps({"result": [{"file": "out/a b.mp4"}]})}),
            "Output": {"Media": SIGNED},
        },
        {"OutputFiles": ["out/a.mp4"], "UserData": f"地址：{SIGNED.replace(' b', '')}，请查看"},
        {"OutputFiles": ["out/a.mp4"], "UserData": f"https://h/1.mp4,{SIGNED.replace(' b', '')},https://h/2.mp4"},
        {"OutputFiles": ["out/a.mp4"], "UserData": json.dumps(SIGNED.replace(" b", "")).replace("/", "\\u002f")},
        {"OutputFiles": ["out/a.mp4"], "JobParams": f"https://h/?u={quote(quote(SIGNED.replace(' b', ''), safe=''))}"},
    ],
)
def test_the_signature_before_a_file_goes_wherever_the_file_is_named(fields: JsonObject) -> None:
    """In OutputFiles or in Result; the address may have blanks, stand in Chinese text, and be encoded."""
    job = Job.from_response(JOB, {**response_of(), **fields})
    assert HASH not in repr(job)
    assert HASH not in json.dumps([*job.output_files, *job.output_urls])


def test_a_list_of_urls_in_a_text_keeps_no_value_of_a_query_either() -> None:
    """However its `=` is written."""
    text = json.dumps(["https://cdn.example.com/a.mp4?vkey=hidden", 7]).replace("=", "\\u003d")
    job = Job.from_response(JOB, {**response_of(), "OutputUrls": text})
    assert json.loads(str(job.raw["OutputUrls"])) == ["https://cdn.example.com/a.mp4?vkey=[redacted]", 7]


def test_blanks_around_the_name_of_a_function_are_no_part_of_it() -> None:
    """They would make it a function that nobody knows."""
    assert Job.from_response(JOB, response_of(FunctionName=" VideoDelogo\n")).function_name == "VideoDelogo"


@pytest.mark.parametrize(
    "url",
    [
        f"https://cdn.example.com/{HASH}/69a54d2a/out/other.mp4",
        f"https://cdn.example.com/{HASH}/out/a.mp4",
        f"https://bucket.oss-cn-shanghai.aliyuncs.com/{HASH}/69a54d2a/out/a.mp4",
    ],
)
def test_a_hash_that_is_no_signature_stays(url: str) -> None:
    """Only the exact shape counts, on hosts that are not OSS's, and before a key that is known."""
    response: JsonObject = {**response_of(), "OutputFiles": ["out/a.mp4"], "OutputUrls": [url], "UserData": HASH}
    job = Job.from_response(JOB, response)
    assert (job.raw["OutputUrls"], job.user_data) == ([url], HASH)


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
    assert Job.from_response(JOB, response_of(Output=output, OutputUrls=urls)).output_bucket == bucket


@pytest.mark.parametrize(
    ("media", "key"),
    [
        ("http://bucket.oss-cn-shanghai.aliyuncs.com/in/a+b.mp4", "in/a b.mp4"),
        ("https://oss-cn-shanghai.aliyuncs.com/bucket//in/a%2Bb.mp4?x=1", "in/a+b.mp4"),
        ("oss://bucket//in/a+b.mp4 ", "in/a+b.mp4"),
        ("bucket.oss-cn-shanghai.aliyuncs.com/in/a.mp4", "in/a.mp4"),
    ],
)
def test_the_key_of_an_input_is_what_oss_reads(media: str, key: str) -> None:
    """In the path of a URL `+` is a space; no key begins with a slash or ends in a blank."""
    job = Job.from_response(JOB, {**response_of(), "Input": {"Type": "OSS", "Media": media}})
    assert job.input.address is not None
    assert (job.input.address.bucket, job.input.address.key) == ("bucket", key)


@pytest.mark.parametrize(
    ("value", "files", "unreadable"),
    [
        ('["a.mp4","b.mp4"]', ("a.mp4", "b.mp4"), ()),
        (" [] ", (), ()),
        ("", (), ()),
        (" ", (), ()),
        ('["a.mp4",null]', ("a.mp4",), ("OutputFiles",)),
        ('{"a":1}', (), ("OutputFiles",)),
        ('"a.mp4"', ("a.mp4",), ()),
        ("a.mp4", ("a.mp4",), ()),
        ("17", (), ("OutputFiles",)),
        ("[a.mp4]", (), ("OutputFiles",)),
    ],
)
def test_a_list_may_come_as_a_json_text(value: str, files: tuple[str, ...], unreadable: tuple[str, ...]) -> None:
    """A public consumer of ICE reads such lists; a name alone is a list of one, and a blank text is nothing."""
    job = Job.from_response(JOB, {**response_of(), "OutputFiles": value})
    assert (job.output_files, job.unreadable) == (files, unreadable)


def test_an_input_in_oss_has_an_address() -> None:
    """An address is read; a media id is not one."""
    job = Job.from_response(JOB, response_of(Input={"Type": "OSS", "Media": "oss://bucket/a.mp4"}))
    assert job.input.address == ObjectAddress("bucket", "a.mp4")
    assert job.output.address is None
