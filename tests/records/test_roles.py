"""What a file is for its function, and its media type, by names alone."""

from __future__ import annotations

import pytest

from ice_result.records.manifest import media_type_of
from ice_result.results.model import function_named


@pytest.mark.parametrize(
    ("function_name", "role"),
    [
        ("Cover", "cover"),
        ("VideoClip", "video"),
        ("VideoDelogo", "video"),
        ("VideoDetext", "video"),
        ("CaptionExtraction", "caption"),
        ("VideoGreenScreenMatting", "video"),
        ("FaceBeauty", "video"),
        ("VideoH2V", "video"),
        ("MusicSegmentDetect", "segments"),
        ("AudioBeatDetection", "beats"),
        ("SpeechDenoise", "audio"),
        ("AudioMixing", "audio"),
        ("MusicDemix", "audio"),
    ],
)
def test_each_function_that_writes_files_gives_them_a_role(function_name: str, role: str) -> None:
    """The documented functions that write files, and the role of what each writes."""
    assert function_named(function_name).writes_files
    assert function_named(function_name).role_of("out/1") == role


@pytest.mark.parametrize("function_name", ["AudioQualityAssessment", "SomethingNew", "cover", ""])
def test_a_function_that_is_not_known_to_write_files_has_outputs(function_name: str) -> None:
    """AudioQualityAssessment reports numbers only; a name that is unknown may write anything."""
    assert not function_named(function_name).writes_files
    assert function_named(function_name).role_of("out/vocals.wav") == "output"


@pytest.mark.parametrize(
    ("file_name", "role"),
    [
        ("song_Vocals.wav", "vocals"),
        ("song_accompaniment.wav", "accompaniment"),
        ("song_BACKGROUND.wav", "accompaniment"),
        ("song.wav", "audio"),
    ],
)
def test_the_name_tells_the_part_that_music_demix_writes(file_name: str, role: str) -> None:
    """ICE puts the result type into the name; its pages call the third one by two words."""
    assert function_named("MusicDemix").role_of(file_name) == role


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [
        (".gif", "image/gif"),
        (".jpeg", "image/jpeg"),
        (".jpg", "image/jpeg"),
        (".json", "application/json"),
        (".m4a", "audio/mp4"),
        (".mov", "video/quicktime"),
        (".mp3", "audio/mpeg"),
        (".mp4", "video/mp4"),
        (".png", "image/png"),
        (".srt", "application/x-subrip"),
        (".wav", "audio/wav"),
        (".webm", "video/webm"),
    ],
)
def test_the_extension_tells_the_media_type(extension: str, media_type: str) -> None:
    """Upper and lower case are the same, and only the last extension counts."""
    assert media_type_of(f"out/a.b{extension}") == media_type
    assert media_type_of(f"out/a.b{extension.upper()}") == media_type


@pytest.mark.parametrize("path", ["out.mp4/a", "a.bin", ".mp4", ""])
def test_no_media_type_is_guessed(path: str) -> None:
    """A file without an extension that ICE is known to write has no media type."""
    assert media_type_of(path) is None
