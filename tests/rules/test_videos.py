"""Rules about VideoH2V and VideoGreenScreenMatting."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.records.model import Media
from support.rule_cases import case, facts, findings, media

BOTH = ("matting_webm", "matting_alpha")


@pytest.mark.parametrize("picture", [media(width=719, height=720), media(width=720), media(), None])
def test_a_portrait(picture: Media | None) -> None:
    """One line more than columns is enough; an unknown size is not compared."""
    assert findings("h2v_portrait", case("VideoH2V", {"a.mp4": facts(picture)})) == []


@pytest.mark.parametrize("width", [720, 1280])
def test_a_landscape_or_a_square_is_no_portrait(width: int) -> None:
    """The finding has the width and the height."""
    judged = case("VideoH2V", {"a.mp4": facts(media(width=width, height=720))})
    assert findings("h2v_portrait", judged) == [
        f"oss://out/a.mp4: width × height {width} × 720: expected height > width"
    ]


def test_a_portrait_of_pixels_that_are_not_square() -> None:
    """The picture as displayed is taller than wide, or not."""
    for width, pixel_aspect, count in ((720, 0.5, 0), (600, 2.0, 1)):
        file = facts(media(width=width, height=720), pixel_aspect=pixel_aspect)
        assert len(findings("h2v_portrait", case("VideoH2V", {"a.mp4": file}))) == count


@pytest.mark.parametrize("params", [{}, {"bgimage": ""}, {"bgimage": None}, {"other": "x"}])
def test_a_cut_out_without_a_background_is_transparent(params: JsonValue) -> None:
    """Another container, and a WebM without alpha, are found."""
    files = {"a": facts(media("mp4", has_alpha=None)), "b": facts(media("webm", has_alpha=False))}
    judged = case("VideoGreenScreenMatting", files, params=params)
    assert findings("matting_webm", judged) == [
        "oss://out/a: the content is mp4: expected webm, because JobParams has no bgimage"
    ]
    assert findings("matting_alpha", judged) == [
        "oss://out/b: has_alpha is false: expected an alpha channel, because JobParams has no bgimage"
    ]


@pytest.mark.parametrize(
    "found", [media("webm", has_alpha=True), media("webm", has_alpha=None), None], ids=["alpha", "unknown", "no media"]
)
def test_a_transparent_cut_out(found: Media | None) -> None:
    """A WebM with alpha is correct; if alpha is unknown, there is no finding."""
    judged = case("VideoGreenScreenMatting", {"a.webm": facts(found)}, params={})
    assert [findings(rule, judged) for rule in BOTH] == [[], []]


@pytest.mark.parametrize(
    ("params", "template"),
    [
        *[({name: "http://x/a.jpg"}, "") for name in ("bgimage", "bgImage", "BgImage", "bg_image")],
        ("bgimage=a.jpg", ""),
        ({}, "template"),
    ],
)
def test_a_cut_out_that_may_have_a_background(params: JsonValue, template: str) -> None:
    """GIVEN a background, unreadable parameters, or a template, which may have one THEN there is no finding."""
    files = {"a": facts(media("mp4")), "b": facts(media("webm", has_alpha=False))}
    judged = case("VideoGreenScreenMatting", files, params=params, fields={"TemplateId": template})
    assert [findings(rule, judged) for rule in BOTH] == [[], []]


def test_parameters_that_are_not_there_have_no_background() -> None:
    """A job without JobParams is a job without a background."""
    judged = case("VideoGreenScreenMatting", {"a": facts(media("mp4"))}, fields={"JobParams": ""})
    assert findings("matting_webm", judged) == [
        "oss://out/a: the content is mp4: expected webm, because JobParams has no bgimage"
    ]
