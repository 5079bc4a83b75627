"""Cover: where the images lie, and every way their values may be off."""

from __future__ import annotations

import json

import pytest

from ice_result.core.oss_address import is_not_saved
from ice_result.core.types import JsonValue
from ice_result.results import Decoded, decode
from ice_result.results.covers import Cover, Covers

NOT_SAVED = "oss fail to save the image in the given bucket"


def covers_of(decoded: Decoded) -> tuple[Cover, ...]:
    assert isinstance(decoded.result, Covers)
    return decoded.result.covers


def one_cover(bucket: str | None = None, /, **values: JsonValue) -> tuple[Cover, Decoded]:
    """The only cover of a Result whose one object is a sound cover with `values` changed."""
    decoded = decode("Cover", json.dumps([{"Score": 1, "Time": "1000", "Url": "a.jpg", **values}]), bucket)
    return covers_of(decoded)[0], decoded


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("4640.0", 4.64), (4640, 4.64), (" 4640 ", 4.64), ("4.64e3", 4.64), ("0", 0.0), ("-1", -0.001), (".5", 0.0005)],
)
def test_times_are_read_however_the_number_is_written(time: JsonValue, seconds: float) -> None:
    """A time is milliseconds whether it came as a number or as text."""
    cover, decoded = one_cover(Time=time)

    assert cover.time_seconds == seconds
    assert decoded.status == "decoded"


@pytest.mark.parametrize(
    "time",
    ["nan", "NaN", "inf", "-Infinity", "0x10", "1_000", "1e999", "١٢", "1,5", "12 s", "--1", True, [1], {"a": 1}],
)
def test_what_is_not_a_finite_number_is_null_and_named(time: JsonValue) -> None:
    """Only plain decimal numbers count; anything else is null, with a warning at its path."""
    cover, decoded = one_cover(Time=time)

    assert cover.time_seconds is None
    assert decoded.status == "partial"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[0].Time", "unreadable")]


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_value_that_is_not_there_is_null_and_named(nothing: JsonValue) -> None:
    """Null and a blank text are the same as no key at all."""
    for decoded in (one_cover(Score=nothing)[1], decode("Cover", '[{"Time":"1","Url":"a"}]')):
        assert covers_of(decoded)[0].score is None
        assert decoded.status == "partial"
        assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[0].Score", "missing")]


@pytest.mark.parametrize(
    ("url", "bucket", "path", "uri"),
    [
        ("cover/a.jpg", "b-1", "cover/a.jpg", "oss://b-1/cover/a.jpg"),
        ("cover/a.jpg", None, "cover/a.jpg", None),
        ("cover/a.jpg", "", "cover/a.jpg", None),
        ("/cover/a.jpg", "b-1", "cover/a.jpg", "oss://b-1/cover/a.jpg"),
        ("//cover/a.jpg ", "b-1", "cover/a.jpg", "oss://b-1/cover/a.jpg"),
        ("other.oss-cn-shanghai.aliyuncs.com/cover/a.jpg", "b-1", "cover/a.jpg", "oss://other/cover/a.jpg"),
        ("http://ap-01-ossalias.oss-cn-shanghai.aliyuncs.com/a.jpg", "b-1", "a.jpg", "oss://b-1/a.jpg"),
        ("http://ap-01-ossalias.oss-cn-shanghai.aliyuncs.com/a.jpg", None, "a.jpg", None),
        ("封面/a b%20.jpg", "b-1", "封面/a b%20.jpg", "oss://b-1/封面/a b%20.jpg"),
        ("oss://other/cover/a.jpg", "b-1", "cover/a.jpg", "oss://other/cover/a.jpg"),
        (
            "http://other.oss-cn-shanghai.aliyuncs.com/cover/a%20b.jpg",
            None,
            "cover/a b.jpg",
            "oss://other/cover/a b.jpg",
        ),
        (
            "http://other.oss-cn-shanghai.aliyuncs.com/c/a.jpg?Expires=1&OSSAccessKeyId=EXAMPLE&Signature=EXAMPLE",
            None,
            "c/a.jpg",
            "oss://other/c/a.jpg",
        ),
        (
            "cover/a.jpg?Expires=1&OSSAccessKeyId=EXAMPLE&Signature=EXAMPLE",
            "b-1",
            "cover/a.jpg",
            "oss://b-1/cover/a.jpg",
        ),
    ],
)
def test_an_image_is_found_however_it_is_addressed(url: str, bucket: str | None, path: str, uri: str | None) -> None:
    """A path lies in the job's bucket, a full address tells its own; no signed query is kept."""
    cover, decoded = one_cover(bucket, Url=url)

    assert (cover.path, cover.uri) == (path, uri)
    assert decoded.status == "decoded"


@pytest.mark.parametrize("url", ["http://cdn.example.com/a.jpg", "oss://bucket-1/", "/", "ftp://x/y", 7])
def test_an_address_elsewhere_is_null_and_named(url: JsonValue) -> None:
    """What is neither a path nor an address in OSS is never taken for one."""
    cover, decoded = one_cover("b-1", Url=url)

    assert (cover.path, cover.uri) == (None, None)
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[0].Url", "unreadable")]


@pytest.mark.parametrize(
    "url", [NOT_SAVED, NOT_SAVED.upper(), f" {NOT_SAVED}\n", f"{NOT_SAVED}.", "oss fail to save it"]
)
def test_the_news_that_nothing_was_saved_is_not_a_path(url: str) -> None:
    """ICE reports success and writes an error text where the path belongs."""
    cover, decoded = one_cover("b-1", Url=url)

    assert is_not_saved(url)
    assert (cover.path, cover.uri) == (None, None)
    assert decoded.status == "partial"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[0].Url", "not_saved")]


def test_an_undocumented_key_is_named_and_costs_nothing() -> None:
    """The typed part stays as documented, a warning names the path, and the Result still counts as decoded."""
    cover, decoded = one_cover(**{"Frame No": 3, "Blur": 0.1})

    assert cover.score == 1.0
    assert decoded.status == "decoded"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [
        ('$[0]["Frame No"]', "unexpected_key"),
        ("$[0].Blur", "unexpected_key"),
    ]


def test_a_single_object_is_a_list_of_one() -> None:
    """The list's brackets may be missing; a warning says so."""
    decoded = decode("Cover", {"Score": 1, "Time": "2000", "Url": "a.jpg"})

    assert covers_of(decoded) == (Cover(rank=1, score=1.0, time_seconds=2.0, path="a.jpg", uri=None),)
    assert decoded.status == "decoded"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$", "unexpected_data")]


def test_an_entry_that_is_no_object_is_left_out_and_ranks_stay() -> None:
    """Rank is the place in ICE's list, also after an entry that could not be read."""
    decoded = decode("Cover", '[{"Score":1,"Time":1,"Url":"a"},"what",{"Score":0,"Time":1,"Url":"b"}]')

    assert [cover.rank for cover in covers_of(decoded)] == [1, 3]
    assert decoded.status == "partial"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[1]", "unreadable")]


@pytest.mark.parametrize("result", ['{"Message":"no face found"}', "[1,2]", '["{}"]', "[[]]", "5", "true", '"text"'])
def test_another_shape_is_undecodable(result: str) -> None:
    """What is not a list of objects yields no covers, and says what was there instead."""
    decoded = decode("Cover", result)

    assert (decoded.status, decoded.result) == ("undecodable", Covers())
    assert (decoded.warnings[-1].path, decoded.warnings[-1].code) == ("$", "unreadable")
