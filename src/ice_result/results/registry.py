"""The functions of ICE, one line for each: the family of its results, and the role of the files that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Function(NamedTuple):
    """A function of ICE.

    `family` is the class of its results, as `module.Class` in this package. The module is named as the `kind` of the
    results, and is imported when a result of this kind is first needed.
    `role` is the part that the files of the function play; None for a function that writes no file.
    `roles_by_name` are the parts of those files whose names contain a certain word.
    """

    family: str
    role: str | None = None
    roles_by_name: Mapping[str, str] = MappingProxyType({})

    @property
    def writes_files(self) -> bool:
        """True where a successful job of this function is known to leave at least one file."""
        return self.role is not None

    def role_of(self, file_name: str) -> str:
        """Return the part that this file plays: cover, video, caption, vocals, …; `output` where it is not known."""
        for word, role in self.roles_by_name.items():
            if word in file_name.lower():
                return role
        return self.role or "output"


# MusicDemix writes {resultType} into the names it makes; ICE's pages name the third both ways.
_PARTS_OF_MUSIC = {"vocals": "vocals", "accompaniment": "accompaniment", "background": "accompaniment"}
FUNCTIONS = {
    "Cover": Function("covers.Covers", "cover"),
    "VideoClip": Function("summary.Summary", "video"),
    "MusicSegmentDetect": Function("music_segments.MusicSegments", "segments"),
    "AudioQualityAssessment": Function("audio_quality.AudioQuality"),
    "VideoDelogo": Function("files.Files", "video"),
    "VideoDetext": Function("files.Files", "video"),
    "CaptionExtraction": Function("files.Files", "caption"),
    "VideoGreenScreenMatting": Function("files.Files", "video"),
    "FaceBeauty": Function("files.Files", "video"),
    "VideoH2V": Function("files.Files", "video"),
    "AudioBeatDetection": Function("files.Files", "beats"),
    "SpeechDenoise": Function("files.Files", "audio"),
    "AudioMixing": Function("files.Files", "audio"),
    "MusicDemix": Function("files.Files", "audio", _PARTS_OF_MUSIC),
}
UNKNOWN = Function("unknown.Unknown")
"""Any function that is not in FUNCTIONS."""
