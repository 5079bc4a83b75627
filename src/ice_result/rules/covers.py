"""Rules about the images of Cover."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.rules.formats import seconds
from ice_result.rules.inputs import input_seconds
from ice_result.rules.model import Case, Finding, Rule
from ice_result.rules.same import DURATION

_IMAGES = {"png", "jpeg", "gif", "webp"}


def _is_image(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.content and file.content not in _IMAGES:
            yield Finding(f"the content is {file.content}: expected an image", file.uri)


def _same_size(case: Case) -> Iterator[Finding]:
    """Compare images of the same format only: an animation is often smaller."""
    first: dict[str, str] = {}
    for file in case.files:
        if (media := file.media) and media.width and media.height:
            size = f"{media.width} × {media.height}"
            expected = first.setdefault(media.container, size)
            if size != expected:
                yield Finding(f"width × height {size}; first {media.container}: {expected}", file.uri)


def _covers_within_input(case: Case) -> Iterator[Finding]:
    duration = input_seconds(case)
    if duration is None or case.record.result.kind != "covers":
        return
    rows = (cover.model_dump(include={"time_seconds", "uri"}) for cover in case.record.result.items())
    for row in rows:
        time: float | None = row["time_seconds"]
        if time is not None and (time < 0 or not DURATION.allows_up_to(duration, time)):
            yield Finding(f"the cover is at {seconds(time)}; the input is {seconds(duration)} long", row["uri"])


RULES = (
    Rule(
        name="cover_picture",
        functions=("Cover",),
        requirement="Each file is an image.",
        needs=("files",),
        tolerance=None,
        evidence="documented",
        source="Alibaba Cloud, overview of intelligent production: Cover makes images or an animated GIF",
        check=_is_image,
    ),
    Rule(
        name="cover_size",
        functions=("Cover",),
        requirement="Images of one format have the same dimensions.",
        needs=("files", "other_files"),
        tolerance=None,
        evidence="inferred",
        source="the images are frames of one video",
        check=_same_size,
    ),
    Rule(
        name="cover_time",
        functions=("Cover",),
        requirement="Each Time is not later than the end of the input.",
        needs=("result", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="Time is the position of the image; its unit, milliseconds, is measured and not documented",
        check=_covers_within_input,
    ),
)
