"""Whatever ICE sends, decoding returns, emits strict JSON of the published schema, and does the same again."""

from __future__ import annotations

import json
from typing import NoReturn

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ice_result.core.types import JsonValue
from ice_result.results import decode
from ice_result.results.registry import FUNCTIONS
from support.decoded_json import DECODED, decoded_json

SAMPLES: dict[str, JsonValue] = {
    "Cover": [{"Score": 8.27, "Time": "28278.25", "Url": "cover/a.jpg"}, {"Score": 7, "Time": "25.5", "Url": "b.jpg"}],
    "VideoClip": {"VideoSummaryList": [{"EndTime": "5.28", "StartTime": "0.28"}]},
    "MusicSegmentDetect": [{"start": 39.32, "end": 63.85, "title": "副歌"}],
    "AudioQualityAssessment": [
        {"Channel": "1", "Tag": "Valid", "MOS(0-5)": "1.01", "MOS": "Poor", "Worst MOS(0-5)": "0.38", "Input": "/x"}
    ],
    "CaptionExtraction": {"Code": "Success", "Message": "ok", "Data": '{"result":[{"file":"x.srt"}]}'},
}
VALIDATOR = Draft202012Validator(DECODED.json_schema(mode="serialization"))
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

names = st.sampled_from([*FUNCTIONS, "VideoDream", ""])
buckets = st.sampled_from([None, "example-output"])
characters = st.characters(codec=None)  # every code point, lone surrogates too
odd_numbers = st.sampled_from([10**400, -(2**63), 1e308, -1e308, 5e-324, float("nan"), float("inf")])
odd_texts = st.sampled_from(
    [
        "nan",
        "inf",
        "1e999",
        "-1.7e308",
        "1.7e308",
        " 7 ",
        "[]",
        '"',
        "oss://b/k",
        "http://b.oss-cn-x.aliyuncs.com/%ff",
        "/",
    ]
)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(characters), odd_numbers, odd_texts)
documented_keys = st.sampled_from(["Score", "Time", "Url", "start", "end", "title", "VideoSummaryList", "Code", "Data"])
keys = st.one_of(documented_keys, st.text(characters, max_size=5))
values: st.SearchStrategy[JsonValue] = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def not_strict(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def check(function_name: str, result: JsonValue, bucket: str | None) -> None:
    """Everything that must hold of any Result at all."""
    decoded = decode(function_name, result, bucket)

    emitted = decoded_json(decoded)
    VALIDATOR.validate(json.loads(emitted.encode(), parse_constant=not_strict))
    assert DECODED.validate_json(emitted) == decoded
    assert decode(function_name, result, bucket) == decoded
    assert len(decoded.warnings) <= 100


@QUICK
@given(names, values, buckets)
def test_any_json_is_decoded_into_strict_json(function_name: str, result: JsonValue, bucket: str | None) -> None:
    """A Result that was JSON already, of any shape, with numbers and texts that JSON itself does not allow."""
    check(function_name, result, bucket)


@QUICK
@given(names, values, st.integers(1, 3), buckets)
def test_any_json_text_is_decoded_into_strict_json(
    function_name: str, result: JsonValue, times: int, bucket: str | None
) -> None:
    """A Result as text, and as text in text, of any shape."""
    for _ in range(times):
        result = json.dumps(result)
    check(function_name, result, bucket)


@QUICK
@given(names, st.text(characters), buckets)
def test_any_text_is_decoded_into_strict_json(function_name: str, result: str, bucket: str | None) -> None:
    """A Result that need not be JSON at all."""
    check(function_name, result, bucket)


def mutated(value: JsonValue, data: st.DataObject) -> JsonValue:
    """`value` with a key or an entry dropped, replaced or added, here or further inside."""
    if isinstance(value, dict) and value:
        key = data.draw(st.sampled_from(sorted(value)))
        rest = {name: entry for name, entry in value.items() if name != key}
        additions: list[JsonValue] = [rest, {**value, data.draw(keys): data.draw(values)}]
        return data.draw(st.sampled_from([*additions, {**rest, key: mutated(value[key], data)}]))
    if isinstance(value, list) and value:
        inside: list[JsonValue] = [mutated(value[0], data), *value[1:]]
        return data.draw(st.sampled_from([inside, [*value, data.draw(values)], value[1:]]))
    return data.draw(values)


@QUICK
@given(st.sampled_from(sorted(SAMPLES)), names, st.integers(1, 3), st.booleans(), st.data())
def test_damaged_samples_are_decoded_into_strict_json(
    sample: str, other: str, damages: int, as_documented: bool, data: st.DataObject
) -> None:
    """The documented samples with a few things wrong, given to their own function and to others."""
    result = SAMPLES[sample]
    for _ in range(damages):
        result = mutated(result, data)
    check(sample if as_documented else other, result, "example-output")
