"""Rules about the images of Cover."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.records.model import Defect, Media
from support.rule_cases import case, facts, findings, media

HD = media("jpeg", width=1280, height=720)


def covers(*times: float | str | None) -> JsonValue:
    """A Result of Cover, with times in milliseconds."""
    return [{"Score": 1, "Time": time, "Url": f"{number}.jpg"} for number, time in enumerate(times)]


@pytest.mark.parametrize("container", ["png", "jpeg", "gif", "webp"])
def test_each_format_of_images_is_a_cover(container: str) -> None:
    """Cover is documented to make images and animations."""
    picture = Media.model_validate({"container": container})
    assert findings("cover_picture", case("Cover", {"a": facts(picture), "b": facts(None)})) == []


def test_a_cover_that_is_no_image() -> None:
    """The finding has the format of the content; a file with a defect has its problem already."""
    video, wrong = facts(media("mp4")), facts(media("mp4"), defect=Defect("wrong_type", ""))
    assert findings("cover_picture", case("Cover", {"a": video, "b.jpg": wrong})) == [
        "oss://out/a: the content is mp4: expected an image"
    ]


def test_a_cover_that_is_text() -> None:
    """GIVEN a page under a name that promises nothing THEN it is found; a file of an unknown format is not."""
    judged = case("Cover", {"a": facts(kinds={"text"}), "b": facts()})
    assert findings("cover_picture", judged) == ["oss://out/a: the content is text: expected an image"]


def test_covers_of_two_sizes() -> None:
    """Each image is compared with the first one of the same format."""
    other = facts(media("jpeg", width=640, height=360))
    assert findings("cover_size", case("Cover", {"a.jpg": facts(HD), "b.jpg": other, "c.jpg": facts(HD)})) == [
        "oss://out/b.jpg: width × height 640 × 360; first jpeg: 1280 × 720"
    ]


@pytest.mark.parametrize(
    "second",
    [HD, media("gif", width=320, height=180), media("jpeg", width=640), media("jpeg", height=360), media("jpeg"), None],
)
def test_covers_of_the_same_size(second: Media | None) -> None:
    """GIVEN equal sizes, an animation beside an image, or unknown sizes THEN there is no finding."""
    assert findings("cover_size", case("Cover", {"a.jpg": facts(HD), "b": facts(second)})) == []


@pytest.mark.parametrize("times", [(0, 10_000), ("10500",), (None,)])
def test_covers_within_the_input(times: tuple[float | str | None, ...]) -> None:
    """A time is within the input up to half a second after its end."""
    source = facts(media(duration_seconds=10))
    assert findings("cover_time", case("Cover", {"0.jpg": facts()}, result=covers(*times), source=source)) == []


def test_covers_outside_the_input() -> None:
    """A time after the end and one before the start are found, each with the cover's file."""
    judged = case(
        "Cover",
        {},
        result=covers(10_501, -1),
        source=facts(media(duration_seconds=10)),
        fields={"OutputFiles": ["0.jpg"]},
    )
    assert findings("cover_time", judged) == [
        "oss://out/0.jpg: the cover is at 10.501 s; the input is 10 s long",
        "oss://out/1.jpg: the cover is at -0.001 s; the input is 10 s long",
    ]


@pytest.mark.parametrize("source", [None, facts(None), facts(media())])
def test_covers_of_an_input_of_unknown_duration(source: object) -> None:
    """GIVEN an input that was not read, or does not state its duration THEN there is no finding."""
    known = source if source is None else facts(getattr(source, "media", None))
    assert findings("cover_time", case("Cover", {"0.jpg": facts()}, result=covers(99_000), source=known)) == []
