"""Outputs with one fault each, as users report them: made from correct sets."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from PIL import Image

from alicloud_local.media.files import media_file
from alicloud_local.media.jobs import input_lengths, output_spec
from alicloud_local.media.spec import MediaSpec
from ice_result.core.types import JsonObject, JsonValue
from support.output_sets import OutputSet

_PARTS = 16
_OTHER_CONTENTS = {
    "picture": media_file("other.png")[0],
    "video": media_file("other.mp4")[0],
    "open video": media_file("other.webm")[0],
    "audio in MP4": media_file("other.m4a")[0],
    "sound": media_file("other.mp3")[0],
    "wave": media_file("other.wav")[0],
    "captions": media_file("other.srt")[0],
    "page": b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>\n",
    "error of OSS": b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>\n',
}
_FAMILIES = ({"mp4", "m4v", "mov"}, {"webm", "mkv"})
_SAME_FAMILY = {
    "picture": "png",
    "video": "mp4",
    "open video": "webm",
    "audio in MP4": "m4a",
    "sound": "mp3",
    "wave": "wav",
    "captions": "srt",
}
_START_OF_DATA = re.compile(rb"mdat|data....|\x1f\x43\xb6\x75|IDAT|\xff\xda..|fLaC.{42}|OpusTags|\xff\xe3..", re.DOTALL)
_SHORTEST_HEADER = 16
_FOR_VIEWERS = ("VideoClip", "VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V")
_SAME_DURATION = ("VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting", "SpeechDenoise")


class WrongSet(NamedTuple):
    """A faulty set: `kind` is the fault, `what` its place."""

    kind: str
    what: str
    job: OutputSet

    @property
    def title(self) -> str:
        """The function, the name of the input, and both."""
        source = next(iter(self.job.inputs)).rpartition("/")[2]
        return f"{self.job.response['FunctionName']} of {source}: {self.kind}, {self.what}"


def wrong_sets(job: OutputSet) -> Iterator[WrongSet]:
    """Yield the set with each fault in turn."""
    for uri, data in job.outputs.items():
        name = uri.rpartition("/")[2]
        for kind, what, content in _wrong_contents(job, uri, data):
            yield WrongSet(kind, f"{name} {what}".rstrip(), job.with_output(uri, content))
    yield from _of_function(job)


def _wrong_contents(job: OutputSet, uri: str, data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield contents of one output that are faulty for any function."""
    for part in range(_PARTS):
        yield "cut", f"at {part}/{_PARTS}", data[: len(data) * part // _PARTS]
    yield "zeros", "in place of everything", bytes(len(data))
    header = _header_length(data)
    if header is not None:
        yield "zeros", "after the header", data[:header] + bytes(len(data) - header)
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
    """Return the length of what stands before the data of a media file; None for a text."""
    found = _START_OF_DATA.search(data)
    return max(_SHORTEST_HEADER, found.end()) if found else None


def _of_function(job: OutputSet) -> Iterator[WrongSet]:
    """Yield the faults that only the function of this job can have."""
    function = str(job.response["FunctionName"])
    spec = output_spec(job.response, input_lengths([job.response]))
    if function in _SAME_DURATION or function in {"VideoClip", "AudioMixing"}:
        yield from _with_spec(job, "shorter", spec._replace(seconds=spec.seconds * 0.6))
    if function in _SAME_DURATION or function == "VideoClip":
        yield from _with_spec(job, "longer", spec._replace(seconds=spec.seconds * 1.5))
    yield from _without_track(job, spec)
    if function in _FOR_VIEWERS:
        yield from _without_its_audio(job)
    yield from _with_text(job)
    if function in _OF_FUNCTION:
        yield from _OF_FUNCTION[function](job, spec)


def _with_spec(job: OutputSet, kind: str, spec: MediaSpec) -> Iterator[WrongSet]:
    for uri in job.outputs:
        name = uri.split("/", 3)[3]
        yield WrongSet(kind, PurePosixPath(name).name, job.with_output(uri, media_file(name, spec)[0]))


def _without_track(job: OutputSet, spec: MediaSpec) -> Iterator[WrongSet]:
    """Yield audio in the container of a video, and a video without audio in that of audio."""
    for uri in job.outputs:
        name, extension = uri.rpartition("/")[2], PurePosixPath(uri).suffix[1:]
        other = {**dict.fromkeys(("mp4", "m4v", "mov"), "m4a"), "m4a": "mp4"}.get(extension)
        if other:
            made = media_file(f"{name}.{other}", spec)[0]
            yield WrongSet("without its track", name, job.with_output(uri, made))


def _without_its_audio(job: OutputSet) -> Iterator[WrongSet]:
    """Yield the set, which has no audio, beside an input that has."""
    inputs = {uri: _with_audio_track(data) for uri, data in job.inputs.items() if b"moov" in data}
    for uri in job.outputs if inputs else ():
        yield WrongSet("without the audio of the input", uri.rpartition("/")[2], job._replace(inputs=inputs))


def _with_audio_track(video: bytes) -> bytes:
    """Return a video in MP4 with the description of an audio track more."""
    audio, _ = media_file("other.m4a")
    track, movie = audio.index(b"trak") - 4, video.index(b"moov") - 4
    added = audio[track:][: int.from_bytes(audio[track : track + 4], "big")]
    size = int.from_bytes(video[movie : movie + 4], "big")
    end = movie + size
    return video[:movie] + (size + len(added)).to_bytes(4, "big") + video[movie + 4 : end] + added + video[end:]


def _with_text(job: OutputSet) -> Iterator[WrongSet]:
    """Yield text in place of media, under a name without an extension."""
    suffix = PurePosixPath(next(iter(job.outputs), "")).suffix
    renamed = _renamed(job, suffix, "") if suffix not in {"", ".srt", ".json"} else job._replace(outputs={})
    for uri in renamed.outputs:
        for content in ("page", "error of OSS"):
            wrong = renamed.with_output(uri, _OTHER_CONTENTS[content])
            yield WrongSet("text without an extension", f"{uri.rpartition('/')[2]}, {content}", wrong)


def _copies(job: OutputSet, kind: str) -> Iterator[WrongSet]:
    for uri in job.outputs:
        for other, data in job.outputs.items():
            if other != uri:
                yield WrongSet(kind, uri.rpartition("/")[2], job.with_output(uri, data))


def _of_cover(job: OutputSet, _spec: MediaSpec) -> Iterator[WrongSet]:
    kinds = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP"}
    for uri in job.outputs:
        written = io.BytesIO()
        Image.new("RGB", (36, 64)).save(written, kinds[PurePosixPath(uri).suffix[1:]])
        yield WrongSet("picture of another size", uri.rpartition("/")[2], job.with_output(uri, written.getvalue()))
    covers = _result(job)
    renamed = _renamed(job, PurePosixPath(next(iter(job.outputs))).suffix, "")
    for uri in renamed.outputs:
        video = renamed.with_output(uri, _OTHER_CONTENTS["video"])
        yield WrongSet("another type", "video under a name without an extension", video)
    for number in range(len(covers)):
        late = [{**cover, "Time": "99000.0"} if at == number else cover for at, cover in enumerate(covers)]
        yield WrongSet("beyond the input", f"cover {number + 1}", job.with_result(late))


def _of_spans(job: OutputSet, _spec: MediaSpec) -> Iterator[WrongSet]:
    """Segments of a summary, of which two make the length of the one in the sample, or choruses."""
    clip = job.response["FunctionName"] == "VideoClip"
    start, end = ("StartTime", "EndTime") if clip else ("start", "end")

    def result(*spans: tuple[float, float]) -> object:
        items = [{start: str(a) if clip else a, end: str(b) if clip else b} for a, b in spans]
        return {"VideoSummaryList": items} if clip else items

    yield WrongSet("out of order", "", job.with_result(result((3.0, 5.5), (0.0, 2.5))))
    yield WrongSet("turned round", "", job.with_result(result((0.0, 2.5), (5.5, 3.0))))
    yield WrongSet("beyond the input", "end", job.with_result(result((0.0, 2.5), (997.5, 1000.0))))
    yield WrongSet("beyond the input", "all", job.with_result(result((995.0, 997.5), (997.5, 1000.0))))
    if clip:
        yield WrongSet("overlapping", "", job.with_result(result((0.0, 2.5), (2.0, 4.5))))
        yield WrongSet("overlapping", "twice the same", job.with_result(result((0.0, 2.5), (0.0, 2.5))))
        yield WrongSet("sum of segments", "half", job.with_result(result((0.0, 2.5))))
        yield WrongSet("sum of segments", "double", job.with_result(result((0.0, 10.0))))
    else:
        yield from _of_times(job, "segments", [{"start": 9.0, "end": 12.0}, {"start": 1.0, "end": 4.0}])


def _of_beats(job: OutputSet, _spec: MediaSpec) -> Iterator[WrongSet]:
    yield from _of_times(job, "beats", [2.5, 1.0, 2.0, 0.5])
    yield from _of_times(job, "beats", [*(0.5 * number for number in range(1, 100)), 20.0])


def _of_times(job: OutputSet, name: str, out_of_order: list[JsonValue]) -> Iterator[WrongSet]:
    late: list[JsonValue] = (
        [{"start": 990.0, "end": 999.0}] if name == "segments" else [0.5 * beat for beat in range(2000)]
    )
    for uri in job.outputs:
        for kind, times in (("out of order", out_of_order), ("beyond the input", late)):
            yield WrongSet(kind, uri.rpartition("/")[2], job.with_output(uri, json.dumps({name: times}).encode()))


def _of_quality(job: OutputSet, _spec: MediaSpec) -> Iterator[WrongSet]:
    channels = _result(job)
    for wrong in ("21.39", "85.56", "42780"):
        told = [{**channel, "Total Duration": wrong} for channel in channels]
        yield WrongSet("another duration assessed", wrong, job.with_result(told))


def _turned(job: OutputSet, spec: MediaSpec) -> Iterator[WrongSet]:
    yield from _with_spec(job, "turned", spec._replace(is_portrait=not spec.is_portrait))


def _without_alpha(job: OutputSet, spec: MediaSpec) -> Iterator[WrongSet]:
    if spec.has_alpha:
        yield from _with_spec(job, "without alpha", spec._replace(has_alpha=False))
        video = _OTHER_CONTENTS["video"]
        renamed = _renamed(job, ".webm", ".mp4")
        yield WrongSet(
            "another type", "mp4 without a background", renamed._replace(outputs=dict.fromkeys(renamed.outputs, video))
        )


def _of_captions(job: OutputSet, _spec: MediaSpec) -> Iterator[WrongSet]:
    yield from _copies(job, "captions of one language twice")


def _of_stems(job: OutputSet, spec: MediaSpec) -> Iterator[WrongSet]:
    yield from _copies(job, "a stem twice")
    yield from _with_spec(job, "shorter", spec._replace(seconds=spec.seconds * 0.6))
    for uri, data in job.outputs.items():
        if uri.endswith(".wav"):
            name = uri.rpartition("/")[2]
            yield WrongSet("silent", name, job.with_output(uri, data[:44] + bytes(len(data) - 44)))
            yield WrongSet("another rate", name, job.with_output(uri, with_rate(data, 2)))
    for factor in (0.6, 1.5):
        shorter = job
        for uri in job.outputs:
            made = media_file(uri.split("/", 3)[3], spec._replace(seconds=spec.seconds * factor))[0]
            shorter = shorter.with_output(uri, made)
        yield WrongSet("another duration of all", f"times {factor}", shorter)


def _of_sound(job: OutputSet, spec: MediaSpec) -> Iterator[WrongSet]:
    for uri, data in job.outputs.items():
        name = uri.rpartition("/")[2]
        if uri.endswith(".wav"):
            rate = 16_000 if job.response["FunctionName"] == "SpeechDenoise" else None
            made = media_file(uri.split("/", 3)[3], spec._replace(rate_hz=rate))[0] if rate else with_rate(data, 2)
            yield WrongSet("another rate", name, job.with_output(uri, made))
        for source, content in job.inputs.items():
            if PurePosixPath(source).suffix == PurePosixPath(uri).suffix:
                yield WrongSet("copy of a source", name, job.with_output(uri, content))


def with_rate(data: bytes, factor: int) -> bytes:
    """Return a WAV file whose samples are played faster: its rate is another one, and so is its length."""
    rate = int.from_bytes(data[24:28], "little") * factor
    return data[:24] + struct.pack("<II", rate, rate * 2) + data[32:]


def _renamed(job: OutputSet, suffix: str, other: str) -> OutputSet:
    """Return the set with another suffix of its outputs."""
    response: JsonObject = json.loads(json.dumps(job.response).replace(suffix, other))
    outputs = {uri.replace(suffix, other): data for uri, data in job.outputs.items()}
    return job._replace(response=response, outputs=outputs)


def _result(job: OutputSet) -> list[JsonObject]:
    result: list[JsonObject] = json.loads(str(job.response["Result"]))
    return result


_OF_FUNCTION: Mapping[str, Callable[[OutputSet, MediaSpec], Iterator[WrongSet]]] = {
    "Cover": _of_cover,
    "VideoClip": _of_spans,
    "MusicSegmentDetect": _of_spans,
    "VideoDelogo": _turned,
    "VideoDetext": _turned,
    "FaceBeauty": _turned,
    "VideoH2V": _turned,
    "VideoGreenScreenMatting": _without_alpha,
    "MusicDemix": _of_stems,
    "SpeechDenoise": _of_sound,
    "AudioMixing": _of_sound,
    "CaptionExtraction": _of_captions,
    "AudioBeatDetection": _of_beats,
    "AudioQualityAssessment": _of_quality,
}
