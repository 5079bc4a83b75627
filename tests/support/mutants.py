"""Outputs that are wrong in one way each, as reports of users have them: made from sound sets."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from PIL import Image

from alicloud_local.media.files import media_file
from alicloud_local.media.jobs import input_lengths, output_look
from alicloud_local.media.look import Look
from ice_result.core.types import JsonObject, JsonValue
from support.output_sets import OutputSet

_PARTS = 16
_OTHER_CONTENTS = {
    "picture": media_file("other.png")[0],
    "video": media_file("other.mp4")[0],
    "open video": media_file("other.webm")[0],
    "sound": media_file("other.mp3")[0],
    "wave": media_file("other.wav")[0],
    "captions": media_file("other.srt")[0],
    "page": b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>\n",
    "error of OSS": b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>\n',
}
_FAMILIES = ({"mp4", "m4v", "mov", "m4a"}, {"webm", "mkv"})
_SAME_FAMILY = {
    "picture": "png",
    "video": "mp4",
    "open video": "webm",
    "sound": "mp3",
    "wave": "wav",
    "captions": "srt",
}
_START_OF_DATA = re.compile(rb"mdat|data....|\x1f\x43\xb6\x75|IDAT|\xff\xda..|fLaC.{42}|OpusTags|\xff\xe3", re.DOTALL)
_SHORTEST_HEADER = 16
_KEPT_LENGTH = ("VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting", "SpeechDenoise")


class Mutant(NamedTuple):
    """A set that is wrong: `kind` says how, `what` says where."""

    kind: str
    what: str
    job: OutputSet


def mutants_of(job: OutputSet) -> Iterator[Mutant]:
    """Yield every mutant of a sound set."""
    for uri, data in job.outputs.items():
        for kind, what, mutated in _mutated(job, uri, data):
            yield Mutant(kind, f"{uri.rpartition('/')[2]} {what}".rstrip(), job.with_output(uri, mutated))
    yield from _of_function(job)


def _mutated(job: OutputSet, uri: str, data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield contents of one output that are wrong whatever the function does."""
    for part in range(_PARTS):
        yield "cut", f"at {part}/{_PARTS}", data[: len(data) * part // _PARTS]
    yield "zeros", "in place of everything", bytes(len(data))
    header = _header_length(data)
    if header is not None:
        yield "zeros", "behind the header", data[:header] + bytes(len(data) - header)
    extension = PurePosixPath(uri).suffix.lstrip(".")
    for name, content in _OTHER_CONTENTS.items():
        if not _is_same_family(extension, name):
            yield "another content", name, content
    source = next(iter(job.inputs.items()), None)
    if source and job.response["FunctionName"] != "CaptionExtraction":
        yield "copy of the input", "", source[1]


def _is_same_family(extension: str, content: str) -> bool:
    own = _SAME_FAMILY.get(content)
    return extension == own or any({extension, own} <= family for family in _FAMILIES)


def _header_length(data: bytes) -> int | None:
    """Return the length of what stands in front of the data of a media file; None for a text."""
    found = _START_OF_DATA.search(data)
    return max(_SHORTEST_HEADER, found.end()) if found else None


def _of_function(job: OutputSet) -> Iterator[Mutant]:
    """Yield what is wrong only for the function of this job."""
    function = str(job.response["FunctionName"])
    look = output_look(job.response, input_lengths([job.response]))
    if function in _KEPT_LENGTH or function in {"VideoClip", "AudioMixing"}:
        yield from _with_look(job, "shorter", look._replace(seconds=look.seconds * 0.6))
    if function in _KEPT_LENGTH or function == "VideoClip":
        yield from _with_look(job, "longer", look._replace(seconds=look.seconds * 1.5))
    match function:
        case "Cover":
            yield from _of_cover(job)
        case "VideoClip" | "MusicSegmentDetect":
            yield from _of_spans(job)
        case "VideoDelogo" | "VideoDetext" | "FaceBeauty":
            yield from _with_look(job, "turned", look._replace(is_portrait=True))
        case "VideoH2V":
            yield from _with_look(job, "turned", look._replace(is_portrait=False))
        case "VideoGreenScreenMatting" if look.has_alpha:
            yield from _with_look(job, "without alpha", look._replace(has_alpha=False))
        case "MusicDemix":
            yield from _of_stems(job, look)
        case "SpeechDenoise" | "AudioMixing":
            yield from _of_sound(job, look)
        case "CaptionExtraction":
            yield from _copies(job, "captions of one language twice")
        case "AudioBeatDetection":
            yield from _of_beats(job)
        case "AudioQualityAssessment":
            yield from _of_quality(job)


def _with_look(job: OutputSet, kind: str, look: Look) -> Iterator[Mutant]:
    for uri in job.outputs:
        name = uri.split("/", 3)[3]
        yield Mutant(kind, PurePosixPath(name).name, job.with_output(uri, media_file(name, look)[0]))


def _copies(job: OutputSet, kind: str) -> Iterator[Mutant]:
    for uri in job.outputs:
        for other, data in job.outputs.items():
            if other != uri:
                yield Mutant(kind, uri.rpartition("/")[2], job.with_output(uri, data))


def _of_cover(job: OutputSet) -> Iterator[Mutant]:
    kinds = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP"}
    for uri in job.outputs:
        written = io.BytesIO()
        Image.new("RGB", (36, 64)).save(written, kinds[PurePosixPath(uri).suffix[1:]])
        yield Mutant("picture of another size", uri.rpartition("/")[2], job.with_output(uri, written.getvalue()))
    covers = _result(job)
    assert isinstance(covers, list)
    for number in range(len(covers)):
        late = [{**cover, "Time": "99000.0"} if at == number else cover for at, cover in enumerate(covers)]
        yield Mutant("beyond the input", f"cover {number + 1}", job.with_result(late))


def _of_spans(job: OutputSet) -> Iterator[Mutant]:
    """Segments of a summary, of which two make the length of the one in the sample, or choruses."""
    clip = job.response["FunctionName"] == "VideoClip"
    start, end = ("StartTime", "EndTime") if clip else ("start", "end")

    def result(*spans: tuple[float, float]) -> object:
        items = [{start: str(a) if clip else a, end: str(b) if clip else b} for a, b in spans]
        return {"VideoSummaryList": items} if clip else items

    yield Mutant("out of order", "", job.with_result(result((3.0, 5.5), (0.0, 2.5))))
    yield Mutant("turned round", "", job.with_result(result((0.0, 2.5), (5.5, 3.0))))
    yield Mutant("beyond the input", "end", job.with_result(result((0.0, 2.5), (997.5, 1000.0))))
    yield Mutant("beyond the input", "all", job.with_result(result((995.0, 997.5), (997.5, 1000.0))))
    if clip:
        yield Mutant("overlapping", "", job.with_result(result((0.0, 2.5), (2.0, 4.5))))
        yield Mutant("overlapping", "twice the same", job.with_result(result((0.0, 2.5), (0.0, 2.5))))
        yield Mutant("sum of segments", "half", job.with_result(result((0.0, 2.5))))
        yield Mutant("sum of segments", "double", job.with_result(result((0.0, 10.0))))
    else:
        yield from _of_times(job, "segments", [{"start": 9.0, "end": 12.0}, {"start": 1.0, "end": 4.0}])


def _of_beats(job: OutputSet) -> Iterator[Mutant]:
    yield from _of_times(job, "beats", [2.5, 1.0, 2.0, 0.5])
    yield from _of_times(job, "beats", [*(0.5 * number for number in range(1, 100)), 20.0])


def _of_times(job: OutputSet, name: str, out_of_order: list[JsonValue]) -> Iterator[Mutant]:
    late: list[JsonValue] = (
        [{"start": 990.0, "end": 999.0}] if name == "segments" else [0.5 * beat for beat in range(2000)]
    )
    for uri in job.outputs:
        for kind, times in (("out of order", out_of_order), ("beyond the input", late)):
            yield Mutant(kind, uri.rpartition("/")[2], job.with_output(uri, json.dumps({name: times}).encode()))


def _of_quality(job: OutputSet) -> Iterator[Mutant]:
    channels = _result(job)
    assert isinstance(channels, list)
    for wrong in ("21.39", "85.56", "42780"):
        told = [{**channel, "Total Duration": wrong} for channel in channels]
        yield Mutant("another length assessed", wrong, job.with_result(told))


def _of_stems(job: OutputSet, look: Look) -> Iterator[Mutant]:
    yield from _copies(job, "a stem twice")
    yield from _with_look(job, "shorter", look._replace(seconds=look.seconds * 0.6))
    for uri, data in job.outputs.items():
        if uri.endswith(".wav"):
            name = uri.rpartition("/")[2]
            yield Mutant("silent", name, job.with_output(uri, data[:44] + bytes(len(data) - 44)))
            yield Mutant("another rate", name, job.with_output(uri, with_rate(data, 2)))
    for factor in (0.6, 1.5):
        shorter = job
        for uri in job.outputs:
            made = media_file(uri.split("/", 3)[3], look._replace(seconds=look.seconds * factor))[0]
            shorter = shorter.with_output(uri, made)
        yield Mutant("another length of all", f"times {factor}", shorter)


def _of_sound(job: OutputSet, look: Look) -> Iterator[Mutant]:
    for uri, data in job.outputs.items():
        name = uri.rpartition("/")[2]
        if uri.endswith(".wav"):
            rate = 16_000 if job.response["FunctionName"] == "SpeechDenoise" else None
            made = media_file(uri.split("/", 3)[3], look._replace(rate_hz=rate))[0] if rate else with_rate(data, 2)
            yield Mutant("another rate", name, job.with_output(uri, made))
        for source, content in job.inputs.items():
            if PurePosixPath(source).suffix == PurePosixPath(uri).suffix:
                yield Mutant("copy of a source", name, job.with_output(uri, content))


def with_rate(data: bytes, factor: int) -> bytes:
    """Return a WAV file whose samples are played faster: its rate is another one, and so is its length."""
    rate = int.from_bytes(data[24:28], "little") * factor
    return data[:24] + struct.pack("<II", rate, rate * 2) + data[32:]


def _result(job: OutputSet) -> JsonValue:
    result: JsonValue = json.loads(str(job.response["Result"]))
    return result
