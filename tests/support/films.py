"""Videos: the kept files, with the facts that ffprobe told of them, and the comparison of a made one with ffprobe."""

from __future__ import annotations

import json
from pathlib import Path

from ice_result.core.types import JsonObject, JsonValue
from ice_result.probe import PartialFile, probe
from ice_result.records.model import Media
from support.media_files import probed, told_by_ffprobe
from support.paths import TESTS

KEPT = TESTS / "probe" / "files" / "film"
_ALPHA = ("yuva", "rgba", "argb", "bgra", "abgr", "gbrap", "ya8")


def kept(*suffixes: str) -> list[str]:
    """Return the names of the kept files with these endings."""
    return [path.name for path in sorted(KEPT.iterdir()) if path.suffix in suffixes]


def told(name: str) -> JsonObject:
    """Return the facts of a kept file, which ffprobe told when it was made."""
    facts: JsonObject = json.loads((KEPT / "facts.json").read_text(encoding="utf-8"))[name]
    return facts


def facts(media: Media | None) -> JsonObject:
    """Return the facts that are known, without the container."""
    return media.model_dump(exclude_none=True, exclude={"container"}) if media else {}


def agrees_with_ffprobe(path: Path, *, frames: float = 0) -> Media:
    """Check that a video has no fault, and that each fact equals ffprobe's, within a millisecond or `frames`."""
    found = probed(path.read_bytes(), path.name)
    assert found.defect is None
    assert found.media
    ours, theirs = facts(found.media), facts_of_ffprobe(told_by_ffprobe(path))
    seconds, fps = (float(str(theirs.get(name) or 0)) for name in ("duration_seconds", "fps"))
    for name, slack in (("duration_seconds", frames / (fps or 50)), ("fps", frames / (seconds or 1))):
        if name in theirs:
            assert abs(float(str(ours.pop(name))) - float(str(theirs.pop(name)))) <= slack + 0.0011, name
    assert ours == theirs
    return found.media


def facts_of_ffprobe(said: JsonObject) -> JsonObject:
    """Return what ffprobe says in the form of our facts. Pictures that are attached to audio are no video."""
    streams = said["streams"]
    assert isinstance(streams, list)
    form = _object(said["format"])
    found: JsonObject = {"duration_seconds": float(str(form["duration"]))} if "duration" in form else {}
    for stream in map(_object, reversed(streams)):
        if stream["codec_type"] == "audio":
            bits = stream["bits_per_sample"] or int(str(stream.get("bits_per_raw_sample", 0)))
            found |= {"audio_codec": stream["codec_name"], "sample_rate_hz": int(str(stream["sample_rate"]))}
            found |= {"channels": stream["channels"]} | ({"bits": bits} if bits else {})
        elif stream["codec_type"] == "video" and not _object(stream["disposition"])["attached_pic"]:
            found |= _picture(stream)
    return found


def _picture(stream: JsonObject) -> JsonObject:
    sides = stream.get("side_data_list", [])
    assert isinstance(sides, list)
    turned = any(_object(side).get("rotation") in {90, -90, 270, -270} for side in sides)
    size = (stream["height"], stream["width"]) if turned else (stream["width"], stream["height"])
    frames, seconds = map(int, str(stream["avg_frame_rate"]).split("/"))
    tags = _object(stream.get("tags", {}))
    has_alpha = str(stream["pix_fmt"]).startswith(_ALPHA) or tags.get("alpha_mode") == "1"
    picture: JsonObject = {"width": size[0], "height": size[1], "video_codec": stream["codec_name"]}
    return picture | {"has_alpha": has_alpha, "fps": round(frames / seconds, 3)}


def is_cut(data: bytes, name: str) -> bool:
    """Return True for a video that is reported to be truncated, with its size."""
    defect = probed(data, name).defect
    return defect is not None and defect.code == "truncated" and str(len(data)) in defect.message


def of_parts(data: bytes, name: str, first: int, second: int) -> tuple[JsonObject, str | None]:
    """Return the facts and the defect of a file of which only so many bytes can be read in its two parts."""
    file = PartialFile(len(data), data[:first], lambda start, end: data[start:end][:second])
    found = probe(name, file)
    return facts(found.media), found.defect.code if found.defect else None


def _object(value: JsonValue) -> JsonObject:
    assert isinstance(value, dict)
    return value
