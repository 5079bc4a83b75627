"""Rules about files that are copies of one another."""

from __future__ import annotations

import pytest

from ice_result.contents.model import Content
from ice_result.records.model import ObjectFacts
from support.rule_cases import INPUT, case, content, facts, findings

SONG = "oss://music/song.mp3"
A = facts(crc64="1", etag="A")
COPIES = [(A, facts(crc64="1", etag="B")), (facts(etag="A"), facts(etag="A"))]
NO_COPIES = [
    (A, facts(crc64="2", etag="A")),
    (A, facts(crc64="1", size=1001)),
    (A, facts(etag="A")),
    (facts(etag="A"), facts(etag="B")),
    (facts(), facts()),
    (facts(crc64="0", size=0), facts(crc64="0", size=0)),
    (facts()._replace(size_bytes=None, crc64="1"), facts()._replace(size_bytes=None, crc64="1")),
]


@pytest.mark.parametrize(("one", "other"), COPIES)
@pytest.mark.parametrize(
    "function",
    [
        *("VideoClip", "VideoDelogo", "VideoDetext", "FaceBeauty", "VideoH2V", "VideoGreenScreenMatting"),
        *("SpeechDenoise", "MusicDemix"),
    ],
)
def test_a_copy_of_the_input(function: str, one: ObjectFacts, other: ObjectFacts) -> None:
    """The CRC-64 decides, and the ETag where neither file has one."""
    assert findings("input_copy", case(function, {"a": one}, source=other)) == [
        "oss://out/a: the file is a copy of the input (1000 bytes)"
    ]


@pytest.mark.parametrize(("one", "other"), NO_COPIES)
def test_files_that_are_not_known_to_be_copies(one: ObjectFacts, other: ObjectFacts) -> None:
    """Another size or checksum, no checksum to compare, and files without bytes make no finding."""
    assert findings("input_copy", case("VideoDetext", {"a": one}, source=other)) == []
    assert findings("mix_copy", case("AudioMixing", {"a": one}, source=other)) == []
    assert findings("stems_copy", case("MusicDemix", {"a": one, "b": other})) == []
    assert findings("captions_copy", case("CaptionExtraction", {"a": one, "b": other})) == []


def test_without_the_input_there_is_no_finding_of_copies() -> None:
    """An input that could not be read may be anything."""
    assert findings("input_copy", case("VideoDetext", {"a": A})) == []
    assert findings("mix_copy", case("AudioMixing", {"a": A})) == []


@pytest.mark.parametrize("source", [INPUT, SONG])
def test_a_mix_that_is_a_copy_of_a_source(source: str) -> None:
    """The input and the files that the parameters name are compared; the finding names it."""
    sources = {INPUT: facts(crc64="5"), SONG: facts(crc64="6"), source: A}
    judged = case("AudioMixing", {"a.wav": A}, params={"background": SONG}, sources=sources)
    assert findings("mix_copy", judged) == [f"oss://out/a.wav: the file is a copy of the source {source} (1000 bytes)"]


def test_stems_that_are_copies() -> None:
    """Each stem that is the same as an earlier one is found."""
    other = facts(crc64="2")
    judged = case("MusicDemix", {"vocals.wav": A, "background.wav": other, "accompaniment.wav": A})
    assert findings("stems_copy", judged) == [
        "oss://out/accompaniment.wav: the file is a copy of vocals.wav (1000 bytes)"
    ]


def test_silent_stems_may_be_the_same() -> None:
    """The stems of silence are silence; another rule finds that."""
    silence = facts(crc64="1", silent=True)
    assert findings("stems_copy", case("MusicDemix", {"a": silence, "b": silence})) == []


def test_captions_that_are_copies() -> None:
    """The checksum of the object or of the content that was read is enough."""
    judged = case("CaptionExtraction", {"zh.srt": A, "en.srt": A})
    assert findings("captions_copy", judged) == ["oss://out/en.srt: the file is a copy of zh.srt (1000 bytes)"]
    short = facts(crc64="1", size=30)
    judged = case("CaptionExtraction", {"zh.srt": short, "en.srt": short})
    assert findings("captions_copy", judged) == ["oss://out/en.srt: the file is a copy of zh.srt (30 bytes)"]
    read = [content(key, "captions", (1, 2), sha256="x") for key in ("zh.srt", "en.srt")]
    judged = case("CaptionExtraction", {"zh.srt": facts(), "en.srt": facts()}, contents=read)
    assert findings("captions_copy", judged) == ["oss://out/en.srt: the file is a copy of zh.srt (1000 bytes)"]


@pytest.mark.parametrize(
    ("known", "contents"),
    [
        (facts(crc64="1", size=29), []),
        (A, [content(key, "captions", sha256="x") for key in ("zh.srt", "en.srt")]),
        (facts(), [content(key, "captions", (1, 2), sha256=key) for key in ("zh.srt", "en.srt")]),
    ],
    ids=["too small for a cue", "no cues", "another content"],
)
def test_captions_that_may_be_the_same(known: ObjectFacts, contents: list[Content]) -> None:
    """Files without a cue are alike in each language."""
    judged = case("CaptionExtraction", {"zh.srt": known, "en.srt": known}, contents=contents)
    assert findings("captions_copy", judged) == []
