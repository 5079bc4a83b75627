"""AudioQualityAssessment: channels that could be judged, and channels that could not."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonValue
from ice_result.results import Decoded, decode
from ice_result.results.audio_quality import AudioQuality, Channel, Rating

ALWAYS: dict[str, JsonValue] = {"Channel": "2", "Time": "2026-03-02 16:14:06", "Total Duration": "1.2"}


def channel_of(decoded: Decoded) -> Channel:
    assert isinstance(decoded.result, AudioQuality)
    return decoded.result.channels[0]


@pytest.mark.parametrize("tag", ["File too Short", "Mute", "Voice too Short"])
def test_a_channel_that_could_not_be_judged_needs_no_scores(tag: str) -> None:
    """Scores mean nothing there, so that missing ones are no loss."""
    decoded = decode("AudioQualityAssessment", [{**ALWAYS, "Tag": tag}])

    channel = channel_of(decoded)
    assert (channel.channel, channel.tag, channel.valid, channel.duration_seconds) == (2, tag, False, 1.2)
    assert channel.mos == Rating(score=None, grade=None, worst=None)
    assert (decoded.status, decoded.warnings) == ("decoded", ())


def test_scores_of_a_channel_that_could_not_be_judged_are_kept() -> None:
    """What ICE sends is recorded, with `valid` to say what it is worth."""
    decoded = decode("AudioQualityAssessment", [{**ALWAYS, "Tag": "Mute", "MOS(0-5)": "0.0", "MOS": "Bad"}])

    assert channel_of(decoded).mos == Rating(score=0.0, grade="Bad", worst=None)
    assert not channel_of(decoded).valid


def test_scores_missing_from_a_sound_channel_are_named() -> None:
    """A valid channel without a score has lost something."""
    decoded = decode("AudioQualityAssessment", [{**ALWAYS, "Tag": "Valid", "MOS": 5}])

    found = {(warning.path, warning.code) for warning in decoded.warnings}
    assert decoded.status == "partial"
    assert ('$[0]["MOS(0-5)"]', "missing") in found
    assert ('$[0]["Loudness(-90dB-0dB)"]', "missing") in found
    assert ("$[0].MOS", "unreadable") in found


def test_a_channel_without_a_tag_is_not_valid() -> None:
    """Nothing is taken for valid that does not say so."""
    decoded = decode("AudioQualityAssessment", [ALWAYS])

    assert (channel_of(decoded).tag, channel_of(decoded).valid) == (None, False)
    assert [(warning.path, warning.code) for warning in decoded.warnings] == [("$[0].Tag", "missing")]


@pytest.mark.parametrize(
    ("sent", "channel"), [("1", 1), (1, 1), ("1.0", 1), (0, 0), ("1.5", None), ("left", None), (1e300, None)]
)
def test_a_channel_is_a_whole_number(sent: JsonValue, channel: int | None) -> None:
    """However it is written; anything else is null."""
    decoded = decode("AudioQualityAssessment", [{**ALWAYS, "Tag": "Mute", "Channel": sent}])

    assert channel_of(decoded).channel == channel
    assert decoded.status == ("decoded" if channel is not None else "partial")
