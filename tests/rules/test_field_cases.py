"""Bad outputs as users of other programs report them, and unusual ones that are correct. All bytes are made here."""

from __future__ import annotations

import struct

import pytest

from alicloud_local.media.files import media_file
from support.output_sets import OutputSet, findings, manifest_of, sample_job, valid_set

MP4 = media_file("delogo/news-clean.mp4")[0]
MOVIE, DATA = MP4.index(b"moov") - 4, MP4.index(b"mdat") - 4
CRASHED = MP4[:MOVIE] + struct.pack(">I4s", 8, b"free")
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(2) + b"\x00\x02" + bytes(100)
VIDEO = valid_set(sample_job("videodelogo"))
SPEECH = valid_set(sample_job("speechdenoise"))
WAV = next(iter(SPEECH.outputs.values()))


def with_sizes(of_file: int, of_data: int) -> bytes:
    """Return a WAV file whose header tells these sizes."""
    return WAV[:4] + struct.pack("<I", of_file) + WAV[8:40] + struct.pack("<I", of_data) + WAV[44:]


def found_in(job: OutputSet, data: bytes) -> list[str]:
    """Return what is found in a set with another content of its output."""
    return [*findings(manifest_of(job.with_output(next(iter(job.outputs)), data)))]


@pytest.mark.parametrize(
    ("job", "data", "expected"),
    [
        (VIDEO, CRASHED + MP4[DATA:], "truncated"),
        (VIDEO, CRASHED + bytes(4) + MP4[DATA + 4 :], "truncated"),
        (VIDEO, CRASHED + struct.pack(">I", 8) + MP4[DATA + 4 :], "wrong_type"),
        (VIDEO, MP4[:DATA], "truncated"),
        (VIDEO, APPLE_DOUBLE, "wrong_type"),
        (VIDEO, b'{"code":"InternalError","message":"The request processing has failed."}', "wrong_type"),
        (VIDEO, b"oss fail to save the image in the given bucket", "wrong_type"),
        (VIDEO, b"", "empty"),
        (SPEECH, WAV[:40] + bytes(4), "empty"),
        (SPEECH, with_sizes(len(WAV) * 2, len(WAV) * 2 - 44), "truncated"),
        (SPEECH, WAV[:44] + WAV[44:144], "truncated"),
    ],
    ids=[
        *("writer crashed", "writer crashed, size not known", "writer crashed, size of nothing", "upload ended early"),
        *("hidden file of macOS", "error as JSON", "error text of ICE", "no bytes"),
        *("header alone", "half of the sound", "first samples"),
    ],
)
def test_a_reported_fault_is_named(job: OutputSet, data: bytes, expected: str) -> None:
    """GIVEN an output with a fault that was reported elsewhere WHEN it is judged THEN the code says what it is."""
    assert [line.partition(" ")[0] for line in found_in(job, data)] == [expected]


@pytest.mark.parametrize(
    ("job", "data"),
    [
        (VIDEO, MP4 + b"behind the end"),
        (VIDEO, MP4 + struct.pack(">I4s", 24, b"uuid") + bytes(16)),
        (SPEECH, with_sizes(0xFFFFFFFF, 0xFFFFFFFF)),
        (SPEECH, with_sizes(0x7FFFF024, 0x7FFFF000)),
        (SPEECH, with_sizes(0, 0)),
        (SPEECH, WAV + b"TAG" + bytes(125)),
    ],
    ids=[
        *("bytes behind the end", "unknown box"),
        *("WAV of a pipe, FFmpeg", "WAV of a pipe, SoX", "WAV of a pipe, others", "tag behind the sound"),
    ],
)
def test_an_odd_file_is_sound(job: OutputSet, data: bytes) -> None:
    """GIVEN an output that programs write and players play WHEN it is judged THEN nothing is found."""
    assert found_in(job, data) == []
