"""Rules about the pictures of Cover."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.rules.formats import seconds
from ice_result.rules.inputs import input_seconds
from ice_result.rules.model import Case, Finding, Rule
from ice_result.rules.same import DURATION

_PICTURES = {"png", "jpeg", "gif", "webp"}


def _is_picture(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.media and file.media.container not in _PICTURES:
            yield Finding(f"the content is {file.media.container}: expected a picture", file.uri)


def _one_size(case: Case) -> Iterator[Finding]:
    """Compare pictures of one kind only: an animation is often smaller."""
    first: dict[str, str] = {}
    for file in case.files:
        if (media := file.media) and media.width and media.height:
            size = f"{media.width} × {media.height}"
            expected = first.setdefault(media.container, size)
            if size != expected:
                yield Finding(f"the picture is {size}, and the first {media.container} is {expected}", file.uri)


def _covers_within_input(case: Case) -> Iterator[Finding]:
    length = input_seconds(case)
    if length is None or case.record.result.kind != "covers":
        return
    rows = (cover.model_dump(include={"time_seconds", "uri"}) for cover in case.record.result.items())
    for row in rows:
        time: float | None = row["time_seconds"]
        if time is not None and (time < 0 or not DURATION.allows_up_to(length, time)):
            yield Finding(f"the cover is at {seconds(time)}, and the input is {seconds(length)} long", row["uri"])


RULES = (
    Rule(
        name="cover_picture",
        functions=("Cover",),
        requirement="Each file is a picture.",
        needs=("files",),
        tolerance=None,
        evidence="documented",
        source="Alibaba Cloud, overview of intelligent production: Cover makes pictures or an animated GIF",
        check=_is_picture,
    ),
    Rule(
        name="cover_size",
        functions=("Cover",),
        requirement="All pictures of one kind have one size.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="the pictures are frames of one video",
        check=_one_size,
    ),
    Rule(
        name="cover_time",
        functions=("Cover",),
        requirement="Each Time in Result is within the input.",
        needs=("result", "input"),
        tolerance=DURATION,
        evidence="inferred",
        source="Time is the position of the picture; its unit, milliseconds, is measured and not documented",
        check=_covers_within_input,
    ),
)
