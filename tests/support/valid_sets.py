"""Correct sets of outputs: for every function, in every container that it writes or reads."""

from __future__ import annotations

from functools import cache

from ice_result.core.types import JsonObject
from support.output_sets import OutputSet, sample_job, valid_set

_VIDEOS = ("mp4", "m4v", "mov", "mkv", "webm")
_AUDIO = ("wav", "mp3", "m4a", "aac", "flac")
_PICTURES = ("jpg", "png", "gif", "webp")
_CUT_OUT_ON_A_PICTURE: JsonObject = {
    **sample_job("videogreenscreenmatting", output="mp4"),
    "JobParams": '{"bgimage":"oss://example-input/studio.jpg"}',
}
JOBS = (
    *(sample_job("cover", output=extension) for extension in _PICTURES),
    *(sample_job("cover", source=extension) for extension in _VIDEOS),
    *(
        sample_job(name, output=extension)
        for name in ("videoclip", "videodelogo", "videodetext", "facebeauty", "videoh2v")
        for extension in _VIDEOS
    ),
    *(sample_job("videodelogo", source=extension) for extension in _VIDEOS),
    sample_job("videogreenscreenmatting"),
    _CUT_OUT_ON_A_PICTURE,
    sample_job("captionextraction"),
    *(
        sample_job(name, source=extension)
        for name in (
            "musicsegmentdetect",
            "audiobeatdetection",
            "audioqualityassessment",
            "speechdenoise",
            "musicdemix",
        )
        for extension in _AUDIO
    ),
    *(
        sample_job(name, output=extension)
        for name in ("speechdenoise", "audiomixing", "musicdemix")
        for extension in _AUDIO
    ),
)


@cache
def valid_sets() -> tuple[OutputSet, ...]:
    """Return the sets of all jobs."""
    return tuple(map(valid_set, JOBS))


def described(job: OutputSet) -> str:
    """Return the function, and the names of the input and of the first output."""
    names = [uri.rpartition("/")[2] for uri in [*[*job.inputs][:1], *[*job.outputs][:1]]]
    return " ".join((str(job.response["FunctionName"]), *names))
