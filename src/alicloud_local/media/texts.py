"""Texts: captions of a lecture, the beats of a song and its choruses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from alicloud_local.media.spec import MediaSpec
from alicloud_local.rpc.messages import JsonObject, JsonValue


def json_file(name: str, spec: MediaSpec) -> bytes:
    """Return a JSON file with the content that the spec gives, or that the path implies: beats or segments."""
    content = spec.content
    if content is None:
        content = beats() if "beat" in name.lower() else choruses() if "segment" in name.lower() else {}
    return json.dumps({"name": name, **content}, ensure_ascii=False).encode() + b"\n"


def beats() -> JsonObject:
    """Return the beats of a song at 120 beats per minute."""
    return {"beats": [round(0.36 + beat * 0.5, 2) for beat in range(64)]}


def choruses(found: JsonValue = None) -> JsonObject:
    """Return the choruses that were found in a song, or those of a certain song."""
    return {"segments": found if isinstance(found, list) else [dict(chorus) for chorus in _CHORUSES]}


def text_file(name: str, extension: str) -> tuple[bytes, str] | None:
    """Return a text of the type that the extension says, and its media type; None for an extension of no text."""
    if extension not in _TYPES:
        return None
    media_type, template = _TYPES[extension]
    return template.format(name=name, more=_lines_of(name)).encode(), media_type


def _lines_of(name: str) -> str:
    """Return further cues of a lecture, in Chinese where the name of the file ends with `zh`."""
    lines = _CHINESE if PurePosixPath(name).stem.lower().endswith("zh") else _ENGLISH
    return "".join(
        f"\n{number}\n00:00:{2 * number - 2:02},500 --> 00:00:{2 * number:02},000\n{text}\n"
        for number, text in enumerate(lines, start=2)
    )


_CHORUSES: tuple[JsonObject, ...] = (
    {"start": 39.32, "end": 63.85, "title": "副歌"},
    {"start": 86.69, "end": 114.45, "title": "副歌"},
    {"start": 135.75, "end": 160.27, "title": "副歌"},
)
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
_TYPES: Mapping[str, tuple[str, str]] = {
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
