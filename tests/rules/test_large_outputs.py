"""Files larger than the two parts that are read of them, made by FFmpeg: whole, cut, and with zeros for data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alicloud_local.media.files import media_file
from alicloud_local.media.spec import MediaSpec
from ice_result.probe.model import FIRST_BYTES, SECOND_BYTES
from support.media_files import made
from support.output_sets import OutputSet, findings, manifest_of, sample_job

SECONDS = 12
PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=20:duration={SECONDS}")
NOISE = ("-f", "lavfi", "-i", f"anoisesrc=r=44100:d={SECONDS}:a=0.3:seed=1")
H264 = (*PICTURE, *NOISE, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-c:a", "aac", "-ac", "2")
SMALL_PICTURE = ("-f", "lavfi", "-i", f"testsrc2=size=64x36:rate=5:duration={SECONDS}")
WEBM = (*SMALL_PICTURE, *NOISE, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-b:a", "160k")
PARTS = 16
FORMATS = {
    "tables at the end": ("videodelogo", "mp4", H264),
    "tables in front": ("videodelogo", "mp4", (*H264, "-movflags", "+faststart")),
    "fragments": ("videodelogo", "mp4", (*H264, "-movflags", "frag_keyframe+empty_moov")),
    "QuickTime": ("videodelogo", "mov", H264),
    "Matroska": ("videodelogo", "mkv", H264),
    "WebM": ("videodelogo", "webm", WEBM),
    "WAV": ("speechdenoise", "wav", (*NOISE, "-ac", "2")),
    "RF64": ("speechdenoise", "wav", (*NOISE, "-rf64", "always")),
    "MP3 of one bit rate": ("speechdenoise", "mp3", (*NOISE, "-b:a", "160k", "-write_xing", "0")),
    "MP3 of many bit rates": ("speechdenoise", "mp3", (*NOISE, "-q:a", "0", "-metadata", "title=a")),
    "M4A": ("speechdenoise", "m4a", (*NOISE, "-b:a", "160k")),
    "AAC": ("speechdenoise", "aac", (*NOISE, "-b:a", "160k")),
    "FLAC": ("speechdenoise", "flac", (*NOISE, "-sample_fmt", "s16")),
    "Vorbis": ("speechdenoise", "ogg", (*NOISE, "-ac", "2", "-c:a", "libvorbis", "-q:a", "6")),
    "Opus": ("speechdenoise", "opus", (*NOISE, "-c:a", "libopus", "-b:a", "160k")),
}

NOT_NAMED = {
    "WAV": ("zeros", "zeros are silence, and a part of a recording may be silent"),
    "RF64": ("zeros", "zeros are silence, and a part of a recording may be silent"),
    "AAC": ("cut", "frames do not tell how many there are: a cut between two of them is an end as good as any"),
}


@pytest.fixture(scope="module", params=FORMATS)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OutputSet:
    """A job whose output is a large file, and whose input is as long."""
    name, extension, arguments = FORMATS[request.param]
    path = made(tmp_path_factory.mktemp("large") / f"file.{extension}", *arguments)
    response = sample_job(name, output=extension)
    bucket, files = "oss://example-output", response["OutputFiles"]
    assert isinstance(files, list)
    given = response["Input"]
    assert isinstance(given, dict)
    source = str(given["Media"])
    content = media_file(source, MediaSpec(SECONDS, rate_hz=44_100))[0]
    return OutputSet(response, {f"{bucket}/{files[0]}": path.read_bytes()}, {source: content})


def wrong_contents(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file cut, and a file that ends in zeros, at each sixteenth."""
    for part in range(PARTS):
        at = len(data) * part // PARTS
        yield f"cut at {part}/{PARTS}", data[:at]
        yield f"zeros from {part}/{PARTS}", data[:at] + bytes(len(data) - at)


def test_a_large_file_is_sound_when_it_is_whole(large: OutputSet) -> None:
    """GIVEN a large file of which two parts are read WHEN it is judged, all rules on THEN nothing is found."""
    (data,) = large.outputs.values()

    assert len(data) > FIRST_BYTES + SECOND_BYTES
    assert findings(manifest_of(large)) == []


def test_a_large_file_is_named_when_a_part_of_it_is_missing(large: OutputSet, request: pytest.FixtureRequest) -> None:
    """GIVEN a large file, cut or ending in zeros at each sixteenth WHEN it is judged THEN all that can be is named."""
    ((uri, data),) = large.outputs.items()
    unnamed = [name for name, wrong in wrong_contents(data) if not findings(manifest_of(large.with_output(uri, wrong)))]
    known, _ = NOT_NAMED.get(request.node.callspec.params["large"], ("none", ""))

    assert [name for name in unnamed if not name.startswith(known)] == []
