"""Rules about MusicDemix and AudioMixing."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.records.model import ObjectFacts
from support.rule_cases import INPUT, case, facts, findings, media

SONG = "oss://music/song.mp3"
OTHER = "oss://music/other.wav"


def audio(seconds: float | None = None, rate: int | None = None, *, silent: bool | None = None) -> ObjectFacts:
    """Facts of a WAV file."""
    return facts(media("wav", duration_seconds=seconds, sample_rate_hz=rate), silent=silent)


@pytest.mark.parametrize("durations", [(10, 10.5), (10, 9.5), (None, 3), (3, None), (100, 102)])
def test_stems_of_the_same_duration(durations: tuple[float | None, float | None]) -> None:
    """The usual tolerance; an unknown duration is not compared."""
    files = {f"{number}.wav": audio(duration) for number, duration in enumerate(durations)}
    assert findings("stems_duration", case("MusicDemix", files)) == []


def test_stems_of_two_durations() -> None:
    """Each stem is compared with the first one whose duration is known."""
    files = {"a.wav": audio(None), "b.wav": audio(10), "c.wav": audio(10.501), "d.wav": audio(9.499)}
    assert findings("stems_duration", case("MusicDemix", files)) == [
        "oss://out/c.wav: duration 10.501 s; first file: 10 s",
        "oss://out/d.wav: duration 9.499 s; first file: 10 s",
    ]


def test_stems_of_two_rates() -> None:
    """Rates have no tolerance; an unknown one is not compared."""
    files = {"a.wav": audio(), "b.wav": audio(rate=44_100), "c.wav": audio(rate=44_100), "d.wav": audio(rate=48_000)}
    assert findings("stems_sample_rate", case("MusicDemix", files)) == [
        "oss://out/d.wav: sample rate 48000 Hz; first file: 44100 Hz"
    ]


def test_stems_of_rates_that_the_codec_decides() -> None:
    """GIVEN a rate that the codec cannot have, or does not state THEN the rates may be equal."""
    for codec, rate, other in (("opus", 48_000, 44_100), ("aac", 22_050, 44_100), ("mp3", 48_000, 96_000)):
        files = {
            "a": facts(media("mp4", audio_codec=codec, sample_rate_hz=rate)),
            "b": facts(media("wav", audio_codec="pcm_s16le", sample_rate_hz=other)),
        }
        assert findings("stems_sample_rate", case("MusicDemix", files)) == []


def test_silent_stems() -> None:
    """Only a stem whose samples were read is reported as silent."""
    files = {"a.wav": audio(silent=True), "b.wav": audio(silent=False), "c.mp3": audio(silent=None)}
    assert findings("stems_silent", case("MusicDemix", files)) == [
        "oss://out/a.wav: no sound in the parts of the file that were read"
    ]


@pytest.mark.parametrize("loud", [INPUT, SONG])
def test_silence_that_was_made_of_audio(loud: str) -> None:
    """One source that is not silent is enough; the finding names it."""
    sources = {INPUT: audio(silent=True), SONG: audio(silent=None), loud: audio(silent=False)}
    files = {"a.wav": audio(silent=True), "b.wav": audio(silent=False), "c.wav": audio(silent=None)}
    assert findings("audio_silent", case("AudioMixing", files, params={"background": SONG}, sources=sources)) == [
        f"oss://out/a.wav: no sound in the parts of the file that were read; {loud} is not silent"
    ]


@pytest.mark.parametrize("source", [audio(silent=True), audio(silent=None), None])
def test_silence_may_come_from_silence(source: ObjectFacts | None) -> None:
    """GIVEN an input that is silent, is not read, or has samples that cannot be read THEN there is no finding."""
    assert findings("audio_silent", case("SpeechDenoise", {"a.wav": audio(silent=True)}, source=source)) == []


@pytest.mark.parametrize(
    ("params", "sources"),
    [
        ({"background": SONG}, {SONG: audio(10)}),
        ({"background": SONG}, {SONG: audio(10.5)}),
        ({"background": "song.mp3"}, {SONG: audio(99)}),
        ({"background": SONG}, {SONG: audio(None)}),
        ({"background": SONG}, {SONG: audio(99)._replace(exists=None)}),
        ({}, {}),
    ],
)
def test_a_mix_as_long_as_its_sources(params: JsonValue, sources: dict[str, ObjectFacts]) -> None:
    """Only sources count that the parameters name by an address, and whose duration is known."""
    judged = case("AudioMixing", {"a.wav": audio(10)}, params=params, sources=sources)
    assert findings("mix_duration", judged) == []


def test_a_mix_that_is_longer_than_its_sources() -> None:
    """A mix may repeat a source."""
    judged = case("AudioMixing", {"a.wav": audio(99)}, params={"background": SONG}, sources={SONG: audio(10)})
    assert findings("mix_duration", judged) == []


@pytest.mark.parametrize(
    ("params", "longest"),
    [({"background": SONG}, SONG), ({"tracks": [{"media": OTHER}, [SONG]]}, OTHER), ({}, INPUT)],
)
def test_a_mix_that_is_shorter_than_a_source(params: JsonValue, longest: str) -> None:
    """The longest source is named, wherever it is in the parameters, and the input is a source too."""
    durations = {INPUT: 10.501, SONG: 11.0, OTHER: 12.5}
    judged = case(
        "AudioMixing",
        {"a.wav": audio(10)},
        params=params,
        sources={uri: audio(duration) for uri, duration in durations.items()},
    )
    assert findings("mix_duration", judged) == [
        f"oss://out/a.wav: duration 10 s; source {longest}: {durations[longest]:g} s"
    ]
