"""Small media files: valid content of the type that a file's name says, different for every name.

The files in `samples/` were made with FFmpeg and Pillow: three frames of video, a tenth of a second of sound, a square
of one colour. A comment with the name makes each copy an object of its own, in a place that every player passes over.
AAC and Ogg have no such place that is as simple: their files are all equal.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeAlias

Comment: TypeAlias = Callable[[bytes, bytes], bytes]
"""Returns a file with a comment in it."""

_SAMPLES = Path(__file__).parent / "samples"


def media_file(name: str) -> tuple[bytes, str]:
    """Return a file of the type that the extension of `name` says, and its media type.

    A name with an unknown extension gets a line of text of type application/octet-stream.
    """
    extension = PurePosixPath(name).suffix.lower().lstrip(".")
    if extension == "json":
        return _json_file(name), "application/json"
    if extension in _TEXTS:
        media_type, template = _TEXTS[extension]
        return template.format(name=name, more=_lines_of(name)).encode(), media_type
    if extension in _FORMATS:
        media_type, sample, comment = _FORMATS[extension]
        return comment((_SAMPLES / f"sample.{sample}").read_bytes(), name.encode()), media_type
    return f"{name}\n".encode(), "application/octet-stream"


def _json_file(name: str) -> bytes:
    """Return the beats of a song at 120 beats per minute, or its choruses, where the path says that they are in it."""
    content: dict[str, object] = {"name": name}
    if "beat" in name.lower():
        content["beats"] = [round(0.36 + beat * 0.5, 2) for beat in range(64)]
    elif "segment" in name.lower():
        content["segments"] = [
            {"start": 39.32, "end": 63.85, "title": "副歌"},
            {"start": 86.69, "end": 114.45, "title": "副歌"},
            {"start": 135.75, "end": 160.27, "title": "副歌"},
        ]
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _lines_of(name: str) -> str:
    """Return further cues of a lecture, in Chinese where the name of the file ends with `zh`."""
    lines = _CHINESE if PurePosixPath(name).stem.lower().endswith("zh") else _ENGLISH
    return "".join(
        f"\n{number}\n00:00:{2 * number - 2:02},500 --> 00:00:{2 * number:02},000\n{text}\n"
        for number, text in enumerate(lines, start=2)
    )


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


def _in_flac_block(data: bytes, comment: bytes) -> bytes:
    """FLAC: an APPLICATION block behind the first block."""
    first = 42
    return data[:first] + b"\x02" + (4 + len(comment)).to_bytes(3, "big") + b"name" + comment + data[first:]


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


def _nowhere(data: bytes, _comment: bytes) -> bytes:
    return data


_FORMATS: Mapping[str, tuple[str, str, Comment]] = {
    "aac": ("audio/aac", "aac", _nowhere),
    "flac": ("audio/flac", "flac", _in_flac_block),
    "gif": ("image/gif", "gif", _in_gif_extension),
    "jpeg": ("image/jpeg", "jpg", _in_jpeg_segment),
    "jpg": ("image/jpeg", "jpg", _in_jpeg_segment),
    "m4a": ("audio/mp4", "m4a", _in_box),
    "m4v": ("video/mp4", "mp4", _in_box),
    "mkv": ("video/x-matroska", "mkv", _in_element),
    "mov": ("video/quicktime", "mov", _in_box),
    "mp3": ("audio/mpeg", "mp3", _in_id3),
    "mp4": ("video/mp4", "mp4", _in_box),
    "ogg": ("audio/ogg", "ogg", _nowhere),
    "opus": ("audio/ogg", "ogg", _nowhere),
    "png": ("image/png", "png", _in_png_chunk),
    "ts": ("video/mp2t", "ts", _in_packets),
    "wav": ("audio/wav", "wav", _in_riff_chunk),
    "webm": ("video/webm", "webm", _in_element),
    "webp": ("image/webp", "webp", _in_riff_chunk),
}
_ENGLISH = (
    "Good morning, and welcome to this lecture.",
    "Today we look at how a video becomes text.",
    "First, the frames are read,\none after the other.",
    "Then the words in them are recognized.",
    "Thank you for watching.",
)
_CHINESE = (
    "大家好，欢迎来到今天的课程。",
    "今天我们来看看视频如何变成文字。",
    "首先，逐帧读取画面，\n一帧接着一帧。",
    "然后，识别画面中的文字。",
    "谢谢观看。",
)
_TEXTS: Mapping[str, tuple[str, str]] = {
    "ass": (
        "text/x-ssa",
        (
            "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
            "Dialogue: 0,0:00:00.00,0:00:01.00,Default,{name}\n"
        ),
    ),
    "srt": ("application/x-subrip", "1\n00:00:00,000 --> 00:00:01,000\n{name}\n{more}"),
    "txt": ("text/plain", "{name}\n"),
    "vtt": ("text/vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\n{name}\n"),
}
