"""Rules about MusicDemix and AudioMixing."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.records.model import ObjectFacts
from support.rule_cases import INPUT, case, facts, findings, media

SONG = "oss://music/song.mp3"
OTHER = "oss://music/other.wav"


def sound(seconds: float | None = None, rate: int | None = None, *, silent: bool | None = None) -> ObjectFacts:
    """Facts of a WAV file."""
    return facts(media("wav", duration_seconds=seconds, sample_rate_hz=rate), silent=silent)


@pytest.mark.parametrize("lengths", [(10, 10.5), (10, 9.5), (None, 3), (3, None), (100, 102)])
def test_stems_of_one_length(lengths: tuple[float | None, float | None]) -> None:
    """The usual tolerance; a length that is not known says nothing."""
    files = {f"{number}.wav": sound(length) for number, length in enumerate(lengths)}
    assert findings("stems_duration", case("MusicDemix", files)) == []


def test_stems_of_two_lengths() -> None:
    """Each stem is compared with the first one whose length is known."""
    files = {"a.wav": sound(None), "b.wav": sound(10), "c.wav": sound(10.501), "d.wav": sound(9.499)}
    assert findings("stems_duration", case("MusicDemix", files)) == [
        "oss://out/c.wav: the file is 10.501 s long, and the first one 10 s",
        "oss://out/d.wav: the file is 9.499 s long, and the first one 10 s",
    ]


def test_stems_of_two_rates() -> None:
    """Rates have no tolerance; an unknown one says nothing."""
    files = {"a.wav": sound(), "b.wav": sound(rate=44_100), "c.wav": sound(rate=44_100), "d.wav": sound(rate=48_000)}
    assert findings("stems_sample_rate", case("MusicDemix", files)) == [
        "oss://out/d.wav: the sample rate is 48000 Hz, and that of the first file 44100 Hz"
    ]


def test_silent_stems() -> None:
    """Only a stem whose samples were read can be called silent."""
    files = {"a.wav": sound(silent=True), "b.wav": sound(silent=False), "c.mp3": sound(silent=None)}
    assert findings("stems_silent", case("MusicDemix", files)) == [
        "oss://out/a.wav: the file is silent: each sample that was read is zero"
    ]


@pytest.mark.parametrize("loud", [INPUT, SONG])
def test_silence_that_was_made_of_sound(loud: str) -> None:
    """One source with sound is enough; the finding names it."""
    sources = {INPUT: sound(silent=True), SONG: sound(silent=None), loud: sound(silent=False)}
    files = {"a.wav": sound(silent=True), "b.wav": sound(silent=False), "c.wav": sound(silent=None)}
    assert findings("audio_silent", case("AudioMixing", files, params={"background": SONG}, sources=sources)) == [
        f"oss://out/a.wav: the file is silent: each sample that was read is zero, and {loud} has sound"
    ]


@pytest.mark.parametrize("source", [sound(silent=True), sound(silent=None), None])
def test_silence_may_come_from_silence(source: ObjectFacts | None) -> None:
    """An input that is silent, is not read, or whose samples cannot be read, says nothing."""
    assert findings("audio_silent", case("SpeechDenoise", {"a.wav": sound(silent=True)}, source=source)) == []


@pytest.mark.parametrize(
    ("params", "sources"),
    [
        ({"background": SONG}, {SONG: sound(10)}),
        ({"background": SONG}, {SONG: sound(10.5)}),
        ({"background": "song.mp3"}, {SONG: sound(99)}),
        ({"background": SONG}, {SONG: sound(None)}),
        ({"background": SONG}, {SONG: sound(99)._replace(exists=None)}),
        ({}, {}),
    ],
)
def test_a_mix_as_long_as_its_sources(params: JsonValue, sources: dict[str, ObjectFacts]) -> None:
    """Only sources count that the parameters name by an address, and whose length is known."""
    judged = case("AudioMixing", {"a.wav": sound(10)}, params=params, sources=sources)
    assert findings("mix_duration", judged) == []


def test_a_mix_that_is_longer_than_its_sources() -> None:
    """A mix may repeat a source."""
    judged = case("AudioMixing", {"a.wav": sound(99)}, params={"background": SONG}, sources={SONG: sound(10)})
    assert findings("mix_duration", judged) == []


@pytest.mark.parametrize(
    ("params", "longest"),
    [({"background": SONG}, SONG), ({"tracks": [{"media": OTHER}, [SONG]]}, OTHER), ({}, INPUT)],
)
def test_a_mix_that_is_shorter_than_a_source(params: JsonValue, longest: str) -> None:
    """The longest source is named, wherever it is in the parameters, and the input is a source too."""
    lengths = {INPUT: 10.501, SONG: 11.0, OTHER: 12.5}
    judged = case(
        "AudioMixing",
        {"a.wav": sound(10)},
        params=params,
        sources={uri: sound(length) for uri, length in lengths.items()},
    )
    assert findings("mix_duration", judged) == [
        f"oss://out/a.wav: the file is 10 s long, and its source {longest} {lengths[longest]:g} s"
    ]
