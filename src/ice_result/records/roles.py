"""What a file is for its function, and of what media type, told from names alone."""

from __future__ import annotations

from pathlib import PurePosixPath

_ROLES = {
    "Cover": "cover",
    "VideoClip": "video",
    "VideoDelogo": "video",
    "VideoDetext": "video",
    "CaptionExtraction": "caption",
    "VideoGreenScreenMatting": "video",
    "FaceBeauty": "video",
    "VideoH2V": "video",
    "MusicSegmentDetect": "segments",
    "AudioBeatDetection": "beats",
    "SpeechDenoise": "audio",
    "AudioMixing": "audio",
    "MusicDemix": "audio",
}
# MusicDemix writes {resultType} into the names it makes; ICE's pages name the third both ways.
_DEMIX_ROLES = {"vocals": "vocals", "accompaniment": "accompaniment", "background": "accompaniment"}
_MEDIA_TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".srt": "application/x-subrip",
    ".wav": "audio/wav",
    ".webm": "video/webm",
}


def writes_files(function_name: str) -> bool:
    """Whether a successful job of this function is known to leave at least one file."""
    return function_name in _ROLES


def role_of(function_name: str, file_name: str) -> str:
    """The part this file plays: cover, video, caption, vocals, …; `output` for functions we do not know."""
    if function_name == "MusicDemix":
        for word, role in _DEMIX_ROLES.items():
            if word in file_name.lower():
                return role
    return _ROLES.get(function_name, "output")


def media_type_of(path: str) -> str | None:
    """The media type by the file's extension; None when it has none that ICE is known to write."""
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower())
