"""Small media files: valid content of the type that a file's name says, different for every name.

The pictures in `samples/` were made with Pillow: rectangles of one colour, 64 × 36 pixels. The videos, and the frames
of audio, were made with FFmpeg, from its test picture and a tone. From the videos everything was removed that the
modules `videos` and `audio` do not set: names of programs, seek tables, edit lists. A WebM file has room for larger
numbers than FFmpeg writes. MPEG transport streams are always three frames long.

A comment with the name makes each copy an object of its own, in a place that every player passes over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

from alicloud_local.media import audio, videos
from alicloud_local.media.spec import MediaSpec, sample
from alicloud_local.media.texts import json_file, text_file

Make: TypeAlias = Callable[[MediaSpec, bytes], bytes]
"""Returns a file with these properties, with a comment in it."""

_PLAIN = MediaSpec()


def media_file(name: str, spec: MediaSpec = _PLAIN) -> tuple[bytes, str]:
    """Return a file of the type that the extension of `name` says, and its media type.

    A name with an unknown extension gets a line of text of type application/octet-stream.
    """
    extension = PurePosixPath(name).suffix.lower().lstrip(".")
    if extension == "json":
        return json_file(name, spec), "application/json"
    if extension in _FORMATS:
        media_type, make = _FORMATS[extension]
        return make(spec, name.encode()), media_type
    return text_file(name, extension) or (f"{name}\n".encode(), "application/octet-stream")


def _in_box(data: bytes, comment: bytes) -> bytes:
    """MP4 and its relatives: a `free` box at the end."""
    return data + struct.pack(">I4s", 8 + len(comment), b"free") + comment


def _in_element(data: bytes, comment: bytes) -> bytes:
    """Matroska: a Void element at the end."""
    return data + b"\xec" + (1 << 56 | len(comment)).to_bytes(8, "big") + comment


def _in_packets(data: bytes, comment: bytes) -> bytes:
    """MPEG transport stream: null packets at the end."""
    pieces = [comment[start : start + 184] for start in range(0, len(comment), 184)]
    return data + b"".join(b"\x47\x1f\xff\x10" + piece.ljust(184, b"\xff") for piece in pieces)


def _in_riff_chunk(data: bytes, comment: bytes) -> bytes:
    """RIFF: a JUNK chunk at the end, padded to an even length."""
    padded = comment + bytes(len(comment) % 2)
    body = data[8:] + struct.pack("<4sI", b"JUNK", len(padded)) + padded
    return data[:4] + struct.pack("<I", len(body)) + body


def _in_id3(data: bytes, comment: bytes) -> bytes:
    """MP3: an ID3v2.4 tag with a title in UTF-8, in front."""
    sizes = [
        bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) for size in (len(comment) + 11, len(comment) + 1)
    ]
    return b"ID3\x04\x00\x00" + sizes[0] + b"TIT2" + sizes[1] + b"\x00\x00\x03" + comment + data


def _in_png_chunk(data: bytes, comment: bytes) -> bytes:
    """PNG: an iTXt chunk before the last chunk."""
    chunk = b"iTXtComment\x00\x00\x00\x00\x00" + comment
    last = len(data) - 12
    return data[:last] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[last:]


def _in_jpeg_segment(data: bytes, comment: bytes) -> bytes:
    """JPEG: a COM segment behind the start of the image."""
    return data[:2] + struct.pack(">HH", 0xFFFE, 2 + len(comment)) + comment + data[2:]


def _in_gif_extension(data: bytes, comment: bytes) -> bytes:
    """GIF: a comment extension before the trailer."""
    pieces = [comment[start : start + 255] for start in range(0, len(comment), 255)]
    blocks = b"".join(bytes([len(piece)]) + piece for piece in pieces)
    return b"GIF89a" + data[6:-1] + b"\x21\xfe" + blocks + b"\x00" + data[-1:]


def _in_data_element(data: bytes, comment: bytes) -> bytes:
    """AAC with ADTS headers: data stream elements at the start of the first frame."""
    pieces = [comment[start : start + 254] for start in range(0, len(comment), 254)]
    elements = b"".join(b"\x80" + bytes([len(piece)]) + piece for piece in pieces)
    head = int.from_bytes(data[:7], "big") + (len(elements) << 13)  # the frame's length is 13 bits
    return head.to_bytes(7, "big") + elements + data[7:]


def _sampled(name: str, comment: Callable[[bytes, bytes], bytes]) -> Make:
    return lambda _, text: comment(sample(name), text)


def _made(make: Callable[[MediaSpec], bytes], comment: Callable[[bytes, bytes], bytes]) -> Make:
    return lambda spec, text: comment(make(spec), text)


_FORMATS: Mapping[str, tuple[str, Make]] = {
    "aac": ("audio/aac", _made(audio.aac, _in_data_element)),
    "flac": ("audio/flac", audio.flac),
    "gif": ("image/gif", _sampled("sample.gif", _in_gif_extension)),
    "jpeg": ("image/jpeg", _sampled("sample.jpg", _in_jpeg_segment)),
    "jpg": ("image/jpeg", _sampled("sample.jpg", _in_jpeg_segment)),
    "m4a": ("audio/mp4", _made(audio.m4a, _in_box)),
    "m4v": ("video/mp4", _made(videos.mp4, _in_box)),
    "mkv": ("video/x-matroska", _made(videos.matroska, _in_element)),
    "mov": ("video/quicktime", _made(videos.mov, _in_box)),
    "mp3": ("audio/mpeg", _made(audio.mp3, _in_id3)),
    "mp4": ("video/mp4", _made(videos.mp4, _in_box)),
    "ogg": ("audio/ogg", audio.ogg),
    "opus": ("audio/ogg", audio.ogg),
    "png": ("image/png", _sampled("sample.png", _in_png_chunk)),
    "ts": ("video/mp2t", _sampled("sample.ts", _in_packets)),
    "wav": ("audio/wav", _made(audio.wav, _in_riff_chunk)),
    "webm": ("video/webm", _made(videos.webm, _in_element)),
    "webp": ("image/webp", _sampled("sample.webp", _in_riff_chunk)),
}
