"""Results of a given size, of every shape that costs memory in its own way: all of them are assumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from ice_result.core.types import JsonObject, JsonValue

Make: TypeAlias = Callable[[int], JsonValue]
_SAMPLED = 200


def large_result(kind: str, size: int) -> tuple[str, str]:
    """Make a Result of at most, and nearly, `size` bytes. Returns its FunctionName too."""
    return _KINDS[kind](size)


def response(kind: str, job_id: str, size: int) -> JsonObject:
    """Make a successful job with that Result and one output file in the bucket `media`."""
    function_name, result = large_result(kind, size)
    return {
        "JobId": job_id,
        "Status": "Success",
        "FunctionName": function_name,
        "CreateTime": "2026-03-02T08:15:30Z",
        "FinishTime": "2026-03-02T08:16:02Z",
        "Input": {"Type": "OSS", "Media": "oss://example-input/a.mp4"},
        "Output": {"Type": "OSS", "Media": f"oss://media/cover/{job_id}.jpg"},
        "OutputFiles": [f"cover/{job_id}.jpg"],
        "Result": result,
    }


def _texts_in(result: JsonValue) -> str:
    return json.dumps(result, ensure_ascii=False, separators=(",", ":"))


def _array(make: Make) -> Callable[[int], str]:
    """Make a JSON array of `make(0)`, `make(1)`, … as long as there is room."""

    def text(size: int) -> str:
        sampled = len(_texts_in([make(10**6 + number) for number in range(_SAMPLED)]).encode())
        count = size * _SAMPLED // (sampled + _SAMPLED)
        return _texts_in([make(number) for number in range(count)])

    return text


def _cover(number: int) -> JsonValue:
    return {"Score": 8.27 - number / 1e6, "Time": f"{number * 40.0}", "Url": f"cover/test-{number:05}.jpg"}


def _unread_cover(number: int) -> JsonValue:
    return {"ImageUrl": f"cover/a{number:08d}.jpg", "Score": 8.27, "Time": 28278}


def _segment(number: int) -> JsonValue:
    return {"start": number / 10, "end": number / 10 + 5, "title": "副歌"}


def _channel(number: int) -> JsonValue:
    rated = {f"{name}(0-5)": "3.52" for name in ("MOS", "Noisiness", "Discontinuity", "Coloration", "Loudness")}
    return {"Channel": f"{number}", "Tag": "Valid", "Time": "2022-12-02 16:14:06", "Total Duration": "42.78", **rated}


def _many_keys(size: int) -> str:
    return _texts_in({f"k{number:06}": 1 for number in range(size // 12)})


def _json_in_json(size: int) -> str:
    inner = _array(lambda number: {"a": number, "b": "c"})(size * 2 // 3)
    return _texts_in({"data": inner})


def _text_in_text(size: int) -> str:
    return json.dumps(_array(lambda number: {"a": number, "b": "c"})(size * 2 // 3))


_KINDS: Mapping[str, Callable[[int], tuple[str, str]]] = {
    "covers": lambda size: ("Cover", _array(_cover)(size)),
    "covers in an unknown form": lambda size: (
        "Cover",
        _texts_in({"CoverList": json.loads(_array(_unread_cover)(size - 20))}),
    ),
    "music segments": lambda size: ("MusicSegmentDetect", _array(_segment)(size)),
    "audio quality": lambda size: ("AudioQualityAssessment", _array(_channel)(size)),
    "small objects": lambda size: ("NewFunction", _array(lambda number: {"a": number, "b": "c"})(size)),
    "many keys": lambda size: ("NewFunction", _many_keys(size)),
    "empty objects": lambda size: ("NewFunction", _array(lambda _: {})(size)),
    "nested objects": lambda size: ("NewFunction", _array(lambda _: {"a": {}})(size)),
    "numbers": lambda size: ("NewFunction", _array(lambda number: 1000 + number)(size)),
    "short texts": lambda size: ("NewFunction", _array(lambda number: f"{number:04x}")(size)),
    "JSON in JSON": lambda size: ("NewFunction", _json_in_json(size)),
    "JSON as a text": lambda size: ("NewFunction", _text_in_text(size)),
    "non-Latin text": lambda size: (
        "NewFunction",
        _array(lambda number: {"文本": f"字幕第{number}行，中文内容😀"})(size),
    ),
    "no JSON": lambda size: ("NewFunction", "不是 JSON 😀" * (size // 20)),
}
KINDS = tuple(_KINDS)
