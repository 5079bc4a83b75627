"""Results nobody told us the meaning of: what is beyond `{}`, and functions we do not know."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonObject, JsonValue
from ice_result.results import Decoded, DecodeStatus, decode
from ice_result.results.files import Files
from ice_result.results.unknown import Unknown


@pytest.mark.parametrize(
    ("result", "extra"),
    [
        ('{"Took":"3 s"}', {"Took": "3 s"}),
        ('[{"file":"a.srt"}]', {"Result": [{"file": "a.srt"}]}),
        ("7", {"Result": 7}),
        ('"done"', {"Result": "done"}),
        (["k.srt"], {"Result": ["k.srt"]}),
    ],
)
def test_what_a_function_of_files_tells_all_the_same_is_kept(result: JsonValue, extra: JsonObject) -> None:
    """Nothing is documented there, so it is kept as it is, and pointed out."""
    decoded = decode("CaptionExtraction", result)

    assert (decoded.status, decoded.result) == ("decoded", Files(extra=extra))
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$", "unexpected_data")]


@pytest.mark.parametrize(
    ("result", "data", "status"),
    [
        ('{"a":[1,null]}', {"a": [1, None]}, "decoded"),
        ({"a": 1}, {"a": 1}, "decoded"),
        ("0", 0, "decoded"),
        ("false", False, "decoded"),
        ('"7"', "7", "decoded"),
        ('"{\\"a\\":1}"', {"a": 1}, "decoded"),
        ('{"Code":"Success","Data":"[1]"}', {"Code": "Success", "Data": "[1]"}, "decoded"),
        ("{}", {}, "empty"),
        ("[]", [], "empty"),
        (" ", None, "empty"),
        (None, None, "empty"),
    ],
)
def test_an_unknown_function_s_json_is_kept(result: JsonValue, data: JsonValue, status: DecodeStatus) -> None:
    """A name we have not heard of is not an error; even a wrapper may be the function's own."""
    assert decode("VideoDream", result) == Decoded(status=status, result=Unknown(data=data))


def test_an_unknown_function_s_text_is_kept_as_text() -> None:
    """What is not JSON is data too, without what no UTF-8 file can hold."""
    decoded = decode("", "see k.srt \ud800")

    assert decoded.result == Unknown(data="see k.srt \ufffd")
    assert decoded.status == "decoded"
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$", "not_json")]


def test_a_value_nested_too_deep_is_refused_even_of_an_unknown_function() -> None:
    """The limits of JSON texts hold for a Result that was JSON already."""
    deep: JsonValue = 1
    for _ in range(1_000):
        deep = [deep]

    decoded = decode("VideoDream", deep)

    assert (decoded.status, decoded.result) == ("undecodable", Unknown())
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$", "not_json")]
