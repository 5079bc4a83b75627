"""Sound outputs of every function, in every container: no rule and no reader finds anything."""

from __future__ import annotations

import pytest

from ice_result.core.types import JsonObject
from ice_result.results.registry import FUNCTIONS
from support.output_sets import OutputSet, findings, manifest_of, sample_job, sound_set

VIDEOS = ("mp4", "m4v", "mov", "mkv", "webm")
SOUNDS = ("wav", "mp3", "m4a", "aac", "flac")
PICTURES = ("jpg", "png", "gif", "webp")
CUT_OUT_ON_A_PICTURE: JsonObject = {
    **sample_job("videogreenscreenmatting", output="mp4"),
    "JobParams": '{"bgimage":"oss://example-input/studio.jpg"}',
}
JOBS = [
    *(sample_job("cover", output=extension) for extension in PICTURES),
    *(sample_job("cover", source=extension) for extension in VIDEOS),
    *(
        sample_job(name, output=extension)
        for name in ("videoclip", "videodelogo", "videodetext", "facebeauty", "videoh2v")
        for extension in VIDEOS
    ),
    *(sample_job("videodelogo", source=extension) for extension in VIDEOS),
    sample_job("videogreenscreenmatting"),
    CUT_OUT_ON_A_PICTURE,
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
        for extension in SOUNDS
    ),
    *(
        sample_job(name, output=extension)
        for name in ("speechdenoise", "audiomixing", "musicdemix")
        for extension in SOUNDS
    ),
]
SETS = [sound_set(job) for job in JOBS]


def described(job: OutputSet) -> str:
    """The function, and the names of the input and of the first output."""
    names = [uri.rpartition("/")[2] for uri in [*[*job.inputs][:1], *[*job.outputs][:1]]]
    return " ".join((str(job.response["FunctionName"]), *names))


def test_every_function_has_a_sound_set() -> None:
    """GIVEN the functions of ICE WHEN the sets are made THEN none is left out, and each has its input."""
    assert {str(job["FunctionName"]) for job in JOBS} == FUNCTIONS.keys()
    assert [described(job) for job in SETS if not job.inputs] == []


@pytest.mark.parametrize("job", SETS, ids=described)
def test_a_sound_set_has_no_problem_and_no_note(job: OutputSet) -> None:
    """GIVEN outputs that agree with their job and their input, all rules on WHEN they are read THEN all is well."""
    manifest = manifest_of(job)

    assert findings(manifest) == []
    assert manifest.complete
    assert all(file.media for file in manifest.files)
