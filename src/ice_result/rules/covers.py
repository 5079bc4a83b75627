"""Rules about the pictures of Cover."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.rules.model import Case, Finding, Rule


def _one_size(case: Case) -> Iterator[Finding]:
    sizes = [
        (each.uri, f"{media.width} × {media.height}")
        for each in case.files
        if (media := each.facts.media) and media.width and media.height
    ]
    for uri, size in sizes[1:]:
        if size != sizes[0][1]:
            yield Finding(f"the picture is {size}, and the first one {sizes[0][1]}", uri)


RULES = (
    Rule(
        name="cover_size",
        functions=("Cover",),
        says="All pictures have one size.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="the pictures are frames of one video",
        check=_one_size,
    ),
)
