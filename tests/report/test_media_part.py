"""Facts of media as a report has them: in both languages, known facts alone, and whatever a stored document says."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonObject
from ice_result.records.model import Media
from ice_result.report.media_part import media_facts
from ice_result.report.texts import Texts

ABSURD = 10**400


@pytest.mark.parametrize(
    ("media", "english", "chinese"),
    [
        ({}, "", ""),
        ({"width": 640}, "", ""),
        ({"duration_seconds": 0.0}, "0:00", "0:00"),
        ({"width": 0, "height": 0, "has_alpha": False}, "0 × 0", "0 × 0"),
        ({"fps": 23.976}, "23.976 fps", "23.976 帧/秒"),
        ({"sample_rate_hz": 11025}, "11.025 kHz", "11.025 kHz"),
        ({"sample_rate_hz": 48000, "channels": 1}, "48 kHz · 1 channel", "48 kHz · 1 声道"),
        ({"channels": 6, "bits": 24}, "6 channels · 24 bit", "6 声道 · 24 位"),
    ],
)
def test_known_facts_are_told(media: JsonObject, english: str, chinese: str) -> None:
    """GIVEN some facts of a file THEN only these are told, after its format."""
    made = Media.model_validate({"container": "mp4", **media})

    shown = [" ".join(text for _, text in media_facts(made, Texts(language))) for language in ("en", "zh")]
    assert shown == [f"mp4 {english}".strip(), f"mp4 {chinese}".strip()]
    assert media_facts(None, Texts("en")) == ()


def test_no_number_is_too_large() -> None:
    """GIVEN a damaged document with integers beyond all floats THEN the page is written all the same."""
    names = ("width", "height", "sample_rate_hz", "channels", "bits")
    made = Media(container="wav", duration_seconds=1e308, fps=1e308, **dict.fromkeys(names, ABSURD))

    facts = dict(media_facts(made, Texts("en")))
    assert facts["file.picture"].startswith(f"{ABSURD} × {ABSURD} · 1e+308 fps")
    assert facts["file.duration"] == "1e+308 s"
    assert "kHz" in facts["file.audio"]
