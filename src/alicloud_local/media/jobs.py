"""The files that a job reads, and the properties of the files that it writes, from the response of ICE.

This reading is independent of every program under test. What a result says decides: a song is at least as long as its
last chorus, a summary as long as its segments. Where nothing is said, a file is four seconds long.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping

from alicloud_local.ice.outputs import OssObject, read_address
from alicloud_local.media.spec import BEATS_SECONDS, CAPTIONS_SECONDS, DEFAULT_SECONDS, RATE_HZ, MediaSpec
from alicloud_local.media.texts import beats, choruses
from alicloud_local.rpc.messages import JsonObject, JsonValue

Lengths = Mapping[OssObject, float]
"""Lengths of the files that jobs read, in seconds."""


def input_files(response: Mapping[str, JsonValue]) -> list[OssObject]:
    """Return the files in OSS that a job reads, each once: its input, and those that its parameters name."""
    given = response.get("Input")
    media = given.get("Media") if isinstance(given, dict) else None
    texts = [media, *_parameters(response).values()]
    found = [read_address(text.strip(), "") for text in texts if isinstance(text, str) and "://" in text]
    return list(dict.fromkeys(each for each in found if each and each.key))


def input_lengths(responses: Iterable[Mapping[str, JsonValue]]) -> Lengths:
    """Return the duration of every input file: the least that fits the results of all jobs.

    The Result of AudioQualityAssessment has the duration of its input, which is used.
    """
    lengths: dict[OssObject, float] = {}
    stated: dict[OssObject, float] = {}
    for response in responses:
        files = input_files(response)
        for each in files:
            lengths.setdefault(each, DEFAULT_SECONDS)
        for each in files[:1]:
            lengths[each] = max(lengths[each], math.ceil(_needed(response)))
            if length := max(_numbers(_items(response), "Total Duration"), default=0.0):
                stated[each] = length
    return {**lengths, **stated}


def output_spec(response: Mapping[str, JsonValue], lengths: Lengths) -> MediaSpec:
    """Return the properties of the files that a job writes."""
    function = response.get("FunctionName")
    sources = [lengths[each] for each in input_files(response)]
    seconds = sources[0] if sources else DEFAULT_SECONDS
    if function == "VideoClip":
        seconds = sum(end - start for start, end in _segments(response)) or seconds
    elif function == "AudioMixing":
        seconds = max(sources, default=seconds)
    content: JsonObject | None = None
    if function == "AudioBeatDetection":
        content = beats()
    elif function == "MusicSegmentDetect":
        content = choruses(_result(response))
    backgrounds = [value for name, value in _parameters(response).items() if name.lower() == "bgimage"]
    is_cut_out = function == "VideoGreenScreenMatting" and not any(backgrounds)
    return MediaSpec(
        seconds,
        is_portrait=function == "VideoH2V",
        has_alpha=is_cut_out,
        content=content,
        rate_hz=RATE_HZ if function == "SpeechDenoise" else None,
    )


def input_spec(each: OssObject, lengths: Lengths) -> MediaSpec:
    """Return the properties of a file that jobs read."""
    return MediaSpec(lengths[each], rate_hz=RATE_HZ)


def _needed(response: Mapping[str, JsonValue]) -> float:
    """Return the last time in the input, in seconds, that the result of a job or its files have."""
    items = list(_items(response))
    match response.get("FunctionName"):
        case "Cover":
            return max(_numbers(items, "Time"), default=0.0) / 1000
        case "VideoClip":
            return max((end for _, end in _segments(response)), default=0.0)
        case "MusicSegmentDetect":
            return max(_numbers(items, "end"), default=0.0)
        case "AudioBeatDetection":
            return BEATS_SECONDS
        case "CaptionExtraction":
            return CAPTIONS_SECONDS
        case _:
            return 0.0


def _segments(response: Mapping[str, JsonValue]) -> list[tuple[float, float]]:
    return [
        (start, end)
        for item in _items(response)
        for start in _numbers([item], "StartTime")
        for end in _numbers([item], "EndTime")
    ]


def _items(response: Mapping[str, JsonValue]) -> Iterator[JsonObject]:
    """Yield the objects of a result: those of a list, or of the lists in an object."""
    result = _result(response)
    lists = result.values() if isinstance(result, dict) else [result]
    for each in lists:
        yield from (item for item in (each if isinstance(each, list) else ()) if isinstance(item, dict))


def _numbers(items: Iterable[JsonObject], field: str) -> Iterator[float]:
    """Yield the numbers of a field, which may be texts."""
    for item in items:
        try:
            number = float(str(item.get(field)))
        except ValueError:
            continue
        if math.isfinite(number) and number >= 0:
            yield number


def _result(response: Mapping[str, JsonValue]) -> JsonValue:
    return _json(response.get("Result"))


def _parameters(response: Mapping[str, JsonValue]) -> JsonObject:
    parameters = _json(response.get("JobParams"))
    return parameters if isinstance(parameters, dict) else {}


def _json(value: JsonValue) -> JsonValue:
    """Read JSON text; None for any other text."""
    if not isinstance(value, str):
        return value
    try:
        read: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return read
