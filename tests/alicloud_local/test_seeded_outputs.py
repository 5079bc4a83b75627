"""The objects that `seed_outputs` puts: where they are, and that their media are real.

Every file was decoded whole by FFmpeg 5.1 (`ffmpeg -v error -xerror -i FILE -f null -`), identified by ffprobe, opened
by Pillow 12 or mutagen 1.47 where they know the type, in a short and in a long name. Here their structure is read with
what the standard library has.
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
from alicloud_local.media import media_file
from alicloud_local.rpc.messages import JsonObject

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
        ("wav", "audio/wav", lambda data: sound(data) == (8000, 400) and len(data) == data_size(data) + 8),
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
        ("flac", "audio/flac", lambda data: data[:4] == b"fLaC" and data[42] == 2),
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
    assert 0 < len(data) < 4096


def data_size(data: bytes) -> int:
    """The size that a RIFF file tells of itself, without its first 8 bytes."""
    return int.from_bytes(data[4:8], "little")


@pytest.mark.parametrize("extension", ["mp4", "mov", "wav", "mp3", "flac", "webm", "ts", "png", "jpg", "gif", "json"])
def test_files_of_different_names_are_different(extension: str) -> None:
    """GIVEN two names WHEN their files are made THEN they differ, and the same name makes the same file."""
    first, second = f"a/1.{extension}", f"a/2.{extension}"

    assert media_file(first)[0] != media_file(second)[0]
    assert media_file(first) == media_file(first)
