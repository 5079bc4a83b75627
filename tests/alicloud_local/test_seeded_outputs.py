"""The objects that `seed_outputs` and `seed_inputs` put: where they are, and that their media are real.

Their structure is read with what the standard library has; FFmpeg decodes them whole, and ffprobe tells their length.
"""

from __future__ import annotations

import io
import json
import struct
import wave
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from alicloud_local.ice.outputs import output_objects
from alicloud_local.media.files import media_file
from alicloud_local.media.jobs import input_lengths, output_spec
from alicloud_local.media.spec import MediaSpec
from alicloud_local.rpc.messages import JsonObject
from support.media_files import complaints_of_ffmpeg, told_by_ffprobe

COVERS: JsonObject = {
    "JobId": "covers",
    "Status": "Success",
    "FunctionName": "Cover",
    "FinishTime": "2026-03-02T08:16:02Z",
    "OutputFiles": ["cover/1.jpg", "cover/2.jpg"],
    "OutputUrls": ["http://example-output.oss-cn-shanghai.aliyuncs.com/cover/1.jpg?Expires=1"],
}
NAMES = ["a", "片头/" + "long" * 150]


def test_outputs_are_seeded_where_the_jobs_say(tmp_path: Path) -> None:
    """For jobs of the folder and jobs that were put; the last response of a job counts."""
    (tmp_path / "covers.json").write_text(json.dumps(COVERS), "utf-8")
    cloud = LocalCloud(jobs=tmp_path)
    demix: JsonObject = {
        "Output": {"Type": "OSS", "Media": "oss://music/{resultType}.wav"},
        "OutputFiles": ["/demix_vocals.wav.wav ", "http://elsewhere.oss.aliyuncs.com/full.wav"],
    }
    cloud.ice.put("demix", {"Status": "Queuing"}, demix)

    assert cloud.seed_outputs() == [
        "oss://example-output/cover/1.jpg",
        "oss://example-output/cover/2.jpg",
        "oss://music/demix_vocals.wav.wav",
        "oss://elsewhere/full.wav",
    ]
    assert cloud.oss.keys("music") == ["demix_vocals.wav.wav"]
    assert cloud.oss.get("example-output", "cover/2.jpg") == media_file("cover/2.jpg")[0]
    finished = datetime(2026, 3, 2, 8, 16, 2, tzinfo=timezone.utc).timestamp()
    assert cloud.oss.modified("example-output", "cover/2.jpg") == finished


@pytest.mark.parametrize(
    "changes",
    [
        {"OutputFiles": ["oss fail to save the image in the given bucket", ""]},
        {"OutputFiles": None},
        {"OutputFiles": ["a.jpg"], "OutputUrls": [], "Output": {"Media": None, "OutputUrl": "a media id"}},
    ],
    ids=["false-success", "no-files", "no-bucket"],
)
def test_what_was_never_written_is_not_seeded(changes: JsonObject) -> None:
    """The literal text that ICE puts in place of a file is not a file's name."""
    cloud = LocalCloud()
    cloud.ice.put("covers", {**COVERS, **changes})

    assert cloud.seed_outputs() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("oss://media/a+b%20c?d", ("media", "a+b%20c?d")),
        ("oss://media.oss-cn-shanghai.aliyuncs.com/a b", ("media", "a b")),
        ("http://media.oss-cn-shanghai-internal.aliyuncs.com/a%20b+c?Expires=1#f", ("media", "a b c")),
        ("media.vpc100-oss-cn-shanghai.aliyuncs.com/a", ("media", "a")),
        ("https://oss-cn-shanghai.aliyuncs.com/media/a/b", ("media", "a/b")),
        ("https://s3.oss-cn-shanghai.aliyuncs.com/media/a", ("media", "a")),
        ("https://cn-shanghai.oss.aliyuncs.com/media/a", ("media", "a")),
        ("https://media.cn-shanghai.oss.aliyuncs.com/a", ("media", "a")),
        ("https://cdn.example.com/a%2Fb", ("out", "a/b")),
        ("https://point-1234-ossalias.oss-cn-shanghai.aliyuncs.com/a", ("out", "a")),
        ("//a/b", ("out", "a/b")),
    ],
)
def test_addresses_of_outputs(name: str, expected: tuple[str, str]) -> None:
    """GIVEN a name in any form that ICE or its users write WHEN it is read THEN bucket and key are known."""
    response: JsonObject = {"OutputFiles": [name], "Output": {"Media": "oss://out/x"}}

    assert output_objects(response) == [expected]


@pytest.mark.parametrize(
    "result",
    ['[{"Url": "c.jpg"}]', '{"Data": "{\\"result\\": [{\\"file\\": \\"c.jpg\\"}]}"}', [{"Url": "c.jpg"}]],
    ids=["covers", "predecessor", "parsed"],
)
def test_names_in_results(result: object) -> None:
    """GIVEN a name in Result alone WHEN the response is read THEN it is an output, once."""
    response: JsonObject = {"OutputFiles": [], "Output": {"OutputUrl": "http://out.oss-cn-shanghai.aliyuncs.com/x"}}

    assert output_objects({**response, "Result": result}) == [("out", "c.jpg")]  # type: ignore[dict-item]
    assert output_objects({**response, "Result": "{cut"}) == []


def boxes(data: bytes) -> Iterator[str]:
    """The types of the boxes of an MP4 file."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind.decode()
        at += size
    assert at == len(data)


def chunks(data: bytes) -> list[str]:
    """The types of the chunks of a PNG file, whose checksums are right."""
    found, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        assert zlib.crc32(data[at + 4 : at + 8 + size]) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        found.append(data[at + 4 : at + 8].decode())
        at += 12 + size
    return found


def sound(data: bytes) -> tuple[int, int]:
    """Sample rate and number of samples of a WAV file."""
    with wave.open(io.BytesIO(data)) as opened:
        return opened.getframerate(), opened.getnframes()


@pytest.mark.parametrize("name", NAMES, ids=["short", "long"])
@pytest.mark.parametrize(
    ("extension", "media_type", "is_valid"),
    [
        ("mp4", "video/mp4", lambda data: {"ftyp", "moov", "mdat", "free"} <= set(boxes(data))),
        ("m4v", "video/mp4", lambda data: {"ftyp", "moov", "mdat", "free"} <= set(boxes(data))),
        ("mov", "video/quicktime", lambda data: {"ftyp", "moov", "mdat", "free"} <= set(boxes(data))),
        ("m4a", "audio/mp4", lambda data: {"ftyp", "moov", "mdat", "free"} <= set(boxes(data))),
        ("wav", "audio/wav", lambda data: sound(data) == (8000, 32_000) and len(data) == data_size(data) + 8),
        ("webp", "image/webp", lambda data: data[8:16] == b"WEBPVP8L" and len(data) == data_size(data) + 8),
        ("png", "image/png", lambda data: chunks(data)[0] == "IHDR" and chunks(data)[-2:] == ["iTXt", "IEND"]),
        ("jpg", "image/jpeg", lambda data: data[:4] == b"\xff\xd8\xff\xfe" and data[-2:] == b"\xff\xd9"),
        ("jpeg", "image/jpeg", lambda data: data[:4] == b"\xff\xd8\xff\xfe" and data[-2:] == b"\xff\xd9"),
        ("gif", "image/gif", lambda data: data[:6] == b"GIF89a" and data[-1:] == b"\x3b"),
        ("webm", "video/webm", lambda data: data[:4] == b"\x1a\x45\xdf\xa3" and b"webm" in data[:40]),
        ("mkv", "video/x-matroska", lambda data: data[:4] == b"\x1a\x45\xdf\xa3" and b"matroska" in data[:40]),
        ("ts", "video/mp2t", lambda data: len(data) % 188 == 0 and set(data[::188]) == {0x47}),
        ("mp3", "audio/mpeg", lambda data: data[:3] == b"ID3" and b"\xff\xe3" in data),
        ("aac", "audio/aac", lambda data: data[:2] == b"\xff\xf1"),
        ("flac", "audio/flac", lambda data: data[:4] == b"fLaC" and data[42] == 0x82),
        ("ogg", "audio/ogg", lambda data: data[:4] == b"OggS" and b"OpusHead" in data[:64]),
        ("opus", "audio/ogg", lambda data: data[:4] == b"OggS" and b"OpusHead" in data[:64]),
        ("srt", "application/x-subrip", lambda data: data.startswith(b"1\n00:00:00,000 --> 00:00:01,000\n")),
        ("vtt", "text/vtt", lambda data: data.startswith(b"WEBVTT\n\n")),
        ("ass", "text/x-ssa", lambda data: b"\nDialogue: " in data),
        ("json", "application/json", lambda data: "name" in json.loads(data)),
        ("txt", "text/plain", lambda data: data.endswith(b".txt\n")),
        ("bin", "application/octet-stream", lambda data: data.endswith(b".bin\n")),
    ],
)
def test_media_are_of_the_type_that_the_name_says(
    name: str, extension: str, media_type: str, is_valid: Callable[[bytes], bool]
) -> None:
    """GIVEN a name WHEN a media file is made THEN its structure is that of its type, and it is small."""
    data, told = media_file(f"{name}.{extension}")

    assert told == media_type
    assert is_valid(data)
    assert 0 < len(data) < 65_536


def data_size(data: bytes) -> int:
    """The size that a RIFF file tells of itself, without its first 8 bytes."""
    return int.from_bytes(data[4:8], "little")


@pytest.mark.parametrize(
    "extension", ["mp4", "mov", "wav", "mp3", "aac", "flac", "ogg", "webm", "ts", "png", "jpg", "gif", "srt", "json"]
)
def test_files_of_different_names_are_different(extension: str) -> None:
    """GIVEN two names WHEN their files are made THEN they differ, and the same name makes the same file."""
    first, second = f"a/1.{extension}", f"a/2.{extension}"

    assert media_file(first)[0] != media_file(second)[0]
    assert media_file(first) == media_file(first)


@pytest.mark.parametrize(
    ("name", "spec", "within_seconds"),
    [
        *(
            (f"{NAMES[1]}.{extension}", MediaSpec(42.78), 0.001)
            for extension in ("mp4", "mov", "webm", "mkv", "wav", "flac")
        ),
        *((f"portrait.{extension}", MediaSpec(5.28, is_portrait=True), 0.001) for extension in ("mp4", "webm")),
        ("alpha.webm", MediaSpec(9, has_alpha=True), 0.001),
        (f"{NAMES[1]}.ogg", MediaSpec(42.78), 0.007),  # ffprobe counts the samples that are skipped at the start
        (f"{NAMES[1]}.mp3", MediaSpec(42.78), 0.072),  # one frame
        (f"{NAMES[1]}.m4a", MediaSpec(42.78), 0.128),  # one frame
        ("short.aac", MediaSpec(42.78), 0.2),  # an estimate
        *((f"{NAMES[1]}.{extension}", MediaSpec(), None) for extension in ("ts", "png", "jpg", "gif", "webp")),
    ],
    ids=lambda value: value[-12:] if isinstance(value, str) else "",
)
def test_media_are_real_and_as_long_as_they_should_be(
    tmp_path: Path, name: str, spec: MediaSpec, within_seconds: float | None
) -> None:
    """GIVEN a length and a name WHEN a file is made THEN FFmpeg decodes it whole, and ffprobe tells that length."""
    path = tmp_path / f"file{Path(name).suffix}"
    path.write_bytes(media_file(name, spec)[0])

    assert complaints_of_ffmpeg(path) == ""
    if within_seconds is not None:
        told = told_by_ffprobe(path)["format"]
        assert isinstance(told, dict)
        assert float(str(told["duration"])) == pytest.approx(spec.seconds, abs=within_seconds)


def job(function: str, result: str = "{}", parameters: str = "{}", media: str = "oss://in/a.mp4") -> JsonObject:
    """The response for a successful job with an input."""
    return {"FunctionName": function, "Input": {"Media": media}, "Result": result, "JobParams": parameters}


QUALITY = job("AudioQualityAssessment", '[{"Channel":"1","Total Duration":"42.78"}]', media="oss://in/call.wav")
CLIP = job(
    "VideoClip", '{"VideoSummaryList":[{"EndTime":"5.28","StartTime":"0.28"},{"EndTime":"9.5","StartTime":"8"}]}'
)
CHORUSES = job("MusicSegmentDetect", '[{"start":39.32,"end":63.85,"title":"副歌"}]', media="oss://in/song.mp3")


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ([job("VideoDelogo")], 4.0),
        ([job("Cover", '[{"Score":8.2,"Time":"28278.25","Url":"a.jpg"}]')], 29.0),
        ([CLIP], 10.0),
        ([CLIP, job("VideoDelogo")], 10.0),
        ([CHORUSES], 64.0),
        ([job("AudioBeatDetection")], 32.0),
        ([job("CaptionExtraction")], 12.0),
        ([QUALITY], 42.78),
        ([QUALITY, {**QUALITY, "FunctionName": "AudioBeatDetection", "Result": "{}"}], 42.78),
        ([job("Cover", "{cut"), job("VideoClip", '{"VideoSummaryList":[{"EndTime":"soon"}]}')], 4.0),
    ],
    ids=["unsaid", "cover", "clip", "longest", "choruses", "beats", "captions", "quality", "told", "unreadable"],
)
def test_an_input_is_as_long_as_all_results_need(responses: list[JsonObject], expected: float) -> None:
    """GIVEN the jobs that read one file WHEN its length is chosen THEN no result leads beyond its end."""
    assert set(input_lengths(responses).values()) == {expected}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (CLIP, MediaSpec(6.5)),
        (job("VideoClip"), MediaSpec(10.0)),
        (job("FaceBeauty"), MediaSpec(10.0)),
        (job("VideoH2V"), MediaSpec(10.0, is_portrait=True)),
        (job("VideoGreenScreenMatting"), MediaSpec(10.0, has_alpha=True)),
        (job("VideoGreenScreenMatting", parameters='{"bgimage":""}'), MediaSpec(10.0, has_alpha=True)),
        (job("VideoGreenScreenMatting", parameters='{"bgimage":"oss://in/b.jpg"}'), MediaSpec(10.0)),
        (job("SpeechDenoise", media="oss://in/call.wav"), MediaSpec(42.78, rate_hz=8000)),
        (job("AudioMixing", parameters='{"background":"oss://in/call.wav"}'), MediaSpec(42.78)),
        (job("MusicDemix", media="a media id"), MediaSpec(4.0)),
        (CHORUSES, MediaSpec(64.0, content={"segments": [{"start": 39.32, "end": 63.85, "title": "副歌"}]})),
    ],
)
def test_outputs_are_as_their_jobs_say(response: JsonObject, expected: MediaSpec) -> None:
    """GIVEN a video of 10 seconds, a call and a song WHEN a job reads one of them THEN its outputs agree with it."""
    mix = job("AudioMixing", parameters='{"background":"oss://in/call.wav"}')
    green = job("VideoGreenScreenMatting", parameters='{"bgimage":"oss://in/b.jpg"}')

    assert output_spec(response, input_lengths([CLIP, QUALITY, CHORUSES, mix, green, response])) == expected


def test_beats_are_within_the_song() -> None:
    """GIVEN a job that finds beats, with any name WHEN its file is made THEN all beats are in the song."""
    response = job("AudioBeatDetection", media="oss://in/song.mp3")
    spec = output_spec(response, lengths := input_lengths([response]))

    beats = json.loads(media_file("result.json", spec)[0])["beats"]

    assert len(beats) == 64
    assert sorted(beats) == beats
    assert beats[-1] < min(lengths.values())


def test_inputs_are_seeded_once_and_replace_nothing() -> None:
    """GIVEN an input that is another job's output, and one of two jobs WHEN inputs are put THEN each is put once."""
    cloud = LocalCloud()
    created: JsonObject = {"CreateTime": "2026-03-02T08:00:00Z", "FinishTime": "2026-03-02T08:16:02Z"}
    cloud.ice.put(
        "denoise", {**job("SpeechDenoise", media="oss://in/a.wav"), **created, "OutputFiles": ["oss://out/b.wav"]}
    )
    mix = job("AudioMixing", parameters='{"background":"oss://in/song.mp3"}', media="oss://out/b.wav")
    cloud.ice.put("mix", {**mix, **created})
    cloud.ice.put("demix", job("MusicDemix", media="oss://in/song.mp3"))
    cloud.seed_outputs()

    assert cloud.seed_inputs() == ["oss://in/a.wav", "oss://in/song.mp3"]
    assert cloud.oss.get("out", "b.wav") == media_file("b.wav")[0]
    assert cloud.oss.get("in", "song.mp3") == media_file("song.mp3")[0]
    assert cloud.oss.modified("in", "a.wav") == datetime(2026, 3, 2, 8, tzinfo=timezone.utc).timestamp()
    assert cloud.seed_inputs() == []
