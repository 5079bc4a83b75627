"""Rules about the videos of VideoH2V and VideoGreenScreenMatting."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.rules.formats import width_and_height
from ice_result.rules.model import Case, Finding, Rule

_MPS_PAGE = (
    "Alibaba Cloud, parameters of intelligent production (MPS): MP4 with bgimage, WebM with an alpha channel without it"
)
_BECAUSE = "because JobParams has no bgimage"


def _portrait(case: Case) -> Iterator[Finding]:
    for file in case.files:
        ratio = file.facts.aspect_ratio if file.media else None
        if ratio and ratio >= 1:
            yield Finding(f"width × height {width_and_height(file.facts)}: expected height > width", file.uri)


def _has_no_background(case: Case) -> bool:
    """Return whether the job has no background. False for a job with a template, whose parameters are unknown."""
    parameters = case.record.job_params or {}
    if case.record.template_id or not isinstance(parameters, dict):
        return False
    return not any(name.replace("_", "").lower() == "bgimage" and value for name, value in parameters.items())


def _webm(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.media and file.media.container != "webm" and _has_no_background(case):
            yield Finding(f"the content is {file.media.container}: expected webm, {_BECAUSE}", file.uri)


def _alpha(case: Case) -> Iterator[Finding]:
    for file in case.files:
        if file.media and file.media.has_alpha is False and _has_no_background(case):
            yield Finding(f"has_alpha is false: expected an alpha channel, {_BECAUSE}", file.uri)


RULES = (
    Rule(
        name="h2v_portrait",
        functions=("VideoH2V",),
        requirement="The height is greater than the width (portrait).",
        needs=("files",),
        tolerance=None,
        evidence="documented",
        source="Alibaba Cloud, overview of intelligent production: VideoH2V turns landscape into portrait",
        check=_portrait,
    ),
    Rule(
        name="matting_webm",
        functions=("VideoGreenScreenMatting",),
        requirement="Without bgimage, the file is WebM.",
        needs=("files", "parameters"),
        tolerance=None,
        evidence="documented",
        source=_MPS_PAGE,
        check=_webm,
    ),
    Rule(
        name="matting_alpha",
        functions=("VideoGreenScreenMatting",),
        requirement="Without bgimage, the video has an alpha channel.",
        needs=("files", "parameters"),
        tolerance=None,
        evidence="documented",
        source=_MPS_PAGE,
        check=_alpha,
    ),
)
