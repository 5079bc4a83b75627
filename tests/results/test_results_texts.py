"""From the Result field to JSON: nothing, not JSON, text in text, the predecessor's wrapper, and warnings in bounds."""

from __future__ import annotations

import json

import pytest

from ice_result.core.types import JobId, JsonValue
from ice_result.jobs.model import Job
from ice_result.results import Decoded, decode
from ice_result.results.covers import Cover, Covers
from ice_result.results.files import Files
from ice_result.results.music_segments import MusicSegments
from ice_result.results.reader import LenientReader
from ice_result.results.registry import FUNCTIONS
from support.decoded_json import decoded_json

ONE = [{"Score": 1, "Time": "1000", "Url": "a.jpg"}]
ONE_COVER = Covers(covers=(Cover(rank=1, score=1.0, time_seconds=1.0, path="a.jpg", uri=None),))
SECRET = "Expires=1&OSSAccessKeyId=EXAMPLE&Signature=c2VjcmV0"


def codes(decoded: Decoded) -> list[tuple[str, str]]:
    return [(warning.path, warning.code) for warning in decoded.warnings]


@pytest.mark.parametrize("function_name", [*FUNCTIONS, "VideoDream"])
@pytest.mark.parametrize("nothing", [None, "", " \n", "null", "[]", "{}", ' "" ', '"[]"', '"null"', [], {}])
def test_the_many_ways_to_send_nothing_are_empty(function_name: str, nothing: JsonValue) -> None:
    """No function's empty Result is an error."""
    decoded = decode(function_name, nothing)

    assert (decoded.status, decoded.warnings) == ("empty", ())


@pytest.mark.parametrize("function_name", FUNCTIONS)
@pytest.mark.parametrize("text", ["done", "<html>", "[1,", "NaN,", "{'a':1}", "[" * 5_000, "\ud800"])
def test_a_text_that_is_not_json_is_undecodable(function_name: str, text: str) -> None:
    """The typed result is the empty one of its kind; the text itself stays in the raw response."""
    decoded = decode(function_name, text)

    assert decoded.status == "undecodable"
    assert decoded.result == decode(function_name, None).result
    assert codes(decoded) == [("$", "not_json")]


@pytest.mark.parametrize("result", [ONE, json.dumps(ONE), json.dumps(json.dumps(ONE)), "\ufeff" + json.dumps(ONE)])
def test_json_is_read_as_it_is_as_text_and_as_text_in_text(result: JsonValue) -> None:
    """A Result is usually a text, but nothing hangs on it."""
    assert decode("Cover", result) == Decoded(status="decoded", result=ONE_COVER)


@pytest.mark.parametrize(
    "result", [json.dumps(json.dumps(json.dumps(ONE))), '"not json"', json.dumps([json.dumps(ONE[0])])]
)
def test_text_in_text_is_opened_once_and_not_inside_lists(result: str) -> None:
    """Whatever is wrapped deeper is another shape."""
    assert decode("Cover", result).status == "undecodable"


@pytest.mark.parametrize("data", [json.dumps({"result": ONE}), {"result": ONE}, json.dumps(ONE), ONE])
@pytest.mark.parametrize("as_text", [True, False])
def test_the_predecessor_s_wrapper_is_taken_off(data: JsonValue, as_text: bool) -> None:
    """What lies in Data is the Result; a warning keeps what stood around it."""
    wrapper: JsonValue = {"Code": "Success", "Message": "Successful.", "Data": data}

    decoded = decode("Cover", json.dumps(wrapper) if as_text else wrapper)

    assert (decoded.status, decoded.result) == ("decoded", ONE_COVER)
    assert codes(decoded) == [("$", "unwrapped")]
    assert "Success Successful." in decoded.warnings[0].message


def test_what_else_lies_in_a_wrapper_is_named() -> None:
    """Undocumented keys beside Data, and beside the result in it, are pointed out."""
    decoded = decode("Cover", {"Code": "Success", "Cost": 3, "Data": {"result": [], "took": 3}})

    assert (decoded.status, decoded.result) == ("empty", Covers())
    assert codes(decoded) == [("$", "unwrapped"), ("$.Cost", "unexpected_key"), ("$.Data.took", "unexpected_key")]


def test_a_wrapper_around_what_is_not_json_is_undecodable() -> None:
    """Both facts are told: there was a wrapper, and no JSON in it."""
    decoded = decode("Cover", {"Code": "Fail", "Message": "no such file", "Data": "oops"})

    assert (decoded.status, decoded.result) == ("undecodable", Covers())
    assert codes(decoded) == [("$", "unwrapped"), ("$", "not_json")]


def test_a_wrapper_within_a_wrapper_stays_on() -> None:
    """One layer is enough for anything that has been seen."""
    inner: JsonValue = {"Code": "Success", "Data": "[]"}

    decoded = decode("MusicDemix", {"Code": "Success", "Data": {"result": inner}})

    assert decoded.result == Files(extra={"Code": "Success", "Data": "[]"})


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_number_that_is_not_json_is_nothing(value: float) -> None:
    """A Result that was parsed elsewhere may hold NaN; what we emit never does."""
    decoded = decode("MusicSegmentDetect", [{"start": value, "end": 1, "title": "chorus"}])

    assert isinstance(decoded.result, MusicSegments)
    assert decoded.result.segments[0].start_seconds is None
    assert codes(decoded) == [("$[0].start", "missing")]


def test_warnings_are_bounded_and_the_last_counts_the_rest() -> None:
    """A Result of many oddities does not make a record of as many warnings."""
    reader = LenientReader()
    for item in reader.objects([{"Score": "x"}] * 107, frozenset({"Score"})):
        reader.number(item, "Score")

    assert [warning.path for warning in reader.warnings] == [*(f"$[{index}].Score" for index in range(99)), "$"]
    assert reader.warnings[-1].message == "8 more warnings are left out"


@pytest.mark.slow
def test_a_result_has_at_most_a_hundred_warnings() -> None:
    """A Result of ten thousand oddities is decoded whole, and makes a record of a hundred warnings."""
    decoded = decode("Cover", [{"Score": "x", "Time": 1, "Url": "a"}] * 10_000)

    assert isinstance(decoded.result, Covers)
    assert len(decoded.result.covers) == 10_000
    assert len(decoded.warnings) == 100
    assert decoded.warnings[98].path == "$[98].Score"
    assert decoded.warnings[99].message == "9901 more warnings are left out"


def test_as_many_warnings_as_there_may_be_are_all_readered() -> None:
    """Nothing is left out before it must be."""
    reader = LenientReader()
    for item in reader.objects([{"Score": "x"}] * 100, frozenset({"Score"})):
        reader.number(item, "Score")

    assert [warning.path for warning in reader.warnings] == [f"$[{index}].Score" for index in range(100)]


def test_a_loss_beyond_the_last_warning_still_makes_it_partial() -> None:
    """What is no longer told is still counted."""
    reader = LenientReader()
    harmless: JsonValue = {"More": 1}
    lost: JsonValue = {"Score": "x"}
    *_, last = reader.objects([*[harmless] * 101, lost], frozenset({"Score"}))
    reader.number(last, "Score")

    assert reader.status == "partial"


@pytest.mark.parametrize("function_name", [*FUNCTIONS, "VideoDream"])
@pytest.mark.parametrize(
    "result",
    [
        [{"Score": f"http://h/k?{SECRET}", "Time": f"k?{SECRET}", "Url": f"http://cdn.example.com/k?{SECRET}"}],
        {"Code": f"x?{SECRET}", "Message": f"http://h/k?{SECRET}", "Data": f"[http://h/k?{SECRET}"},
        {f"k?{SECRET}": f"http://h/k?{SECRET}"},
        json.dumps(json.dumps({"a": f"http://h/k?{SECRET}"})),
        f"failed: http://h/k?{SECRET}",
    ],
)
def test_no_signed_query_gets_through(function_name: str, result: JsonValue) -> None:
    """Neither the typed result nor a warning of a job holds a signature, whatever held it."""
    names = {"JobId": "job", "FunctionName": function_name, "Status": "Success"}
    job = Job.from_response(JobId("job"), {**names, "Result": result})
    assert "c2VjcmV0" not in decoded_json(decode(function_name, job.result))


def test_messages_and_paths_stay_short() -> None:
    """Foreign text in a warning is cut, however long it was."""
    decoded = decode("Cover", [{"Score": "9" * 100_000 + "x", "Time": 1, "Url": "a", "k" * 100_000: 1}])

    assert all(len(warning.path) < 400 and len(warning.message) < 400 for warning in decoded.warnings)
