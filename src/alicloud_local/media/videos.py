"""Videos of any length: 100 frames of FFmpeg's test picture, 64 × 36 pixels, each displayed as long as needed.

The frame rate follows from the duration; it is 25 for the default of four seconds. The files have no audio.
"""

from __future__ import annotations

import struct

from alicloud_local.media.spec import MediaSpec, sample

_FRAMES = 100
_MP4_TICKS = 90_000  # per second, of the track; the movie counts milliseconds
_WEBM_TICKS = 4_000  # of the whole file, whatever their length is
_WEBM_FRAMES = 1_000_000_000  # nanoseconds


def mp4(spec: MediaSpec) -> bytes:
    """Return an MP4 file with H.264."""
    data = bytearray(sample("portrait.mp4" if spec.is_portrait else "sample.mp4"))
    ticks = max(1, round(spec.seconds * _MP4_TICKS / _FRAMES))
    milliseconds = max(1, round(spec.seconds * 1000))
    put_number(data, b"mvhd", 20, milliseconds)
    put_number(data, b"tkhd", 24, milliseconds)
    put_number(data, b"mdhd", 20, ticks * _FRAMES)
    put_number(data, b"stts", 16, ticks)
    return bytes(data)


def mov(spec: MediaSpec) -> bytes:
    """Return a QuickTime file with H.264."""
    return mp4(spec).replace(b"ftypmp42", b"ftypqt  ", 1)


def webm(spec: MediaSpec) -> bytes:
    """Return a WebM file with VP8, or with VP9 where it has alpha. One with alpha is never taller than wide."""
    name = "alpha.webm" if spec.has_alpha else "portrait.webm" if spec.is_portrait else "sample.webm"
    data = bytearray(sample(name))
    _put_element(data, b"\x2a\xd7\xb1\x84", 4, round(spec.seconds * _WEBM_FRAMES / _WEBM_TICKS))
    _put_element(data, b"\x23\xe3\x83\x88", 8, round(spec.seconds * _WEBM_FRAMES / _FRAMES))
    return bytes(data)


def matroska(spec: MediaSpec) -> bytes:
    """Return a Matroska file with VP8."""
    data = webm(spec)
    return data.replace(b"\x9f\x42\x86", b"\xa3\x42\x86", 1).replace(b"\x84webm", b"\x88matroska", 1)


def put_number(data: bytearray, box: bytes, offset: int, number: int) -> None:
    """Set a number of 32 bits of the one box of this type in an MP4 file; `offset` counts from the type."""
    struct.pack_into(">I", data, data.index(box) + offset, number)


def _put_element(data: bytearray, head: bytes, length: int, number: int) -> None:
    """Set the number in the one Matroska element that begins with `head`: its id and its size."""
    at = data.index(head) + len(head)
    data[at : at + length] = max(1, number).to_bytes(length, "big")
