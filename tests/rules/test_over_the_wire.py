"""The sample jobs through the whole program, with their outputs and inputs in the local cloud, and all rules on."""

from __future__ import annotations

import json
from pathlib import Path

from alicloud_local import LocalCloud
from ice_result.function import Function
from ice_result.records.model import Manifest
from support.output_sets import ALL_ON, findings
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

JOBS = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
BAD_SAMPLES = ("cover-false-success", "videoclip-failed")
WRONG = {
    "videodelogo-0001": ("delogo/news-clean.mp4", "example-input/news.mp4", "implausible input_copy"),
    "musicdemix-0001": (
        "demix/demix_vocals.wav.wav",
        "example-output/demix/demix_accompaniment.wav.wav",
        "implausible stems_copy",
    ),
    "captionextraction-0001": (
        "caption/lecture-zh.srt",
        "example-output/caption/lecture-en.srt",
        "implausible captions_copy",
    ),
    "facebeauty-0001": (
        "beauty/interview.mp4",
        "example-output/h2v/match-vertical.mp4",
        "implausible same_aspect_ratio",
    ),
    "speechdenoise-0001": ("denoise/voice over.wav", "example-output/beauty/interview.mp4", "wrong_type"),
    "videoclip-0001": ("clip/keynote-summary.mp4", "example-input/trailer.mp4", "implausible clip_duration"),
}
"""An object of another one's content, by its job, and how what is found begins."""


def processed(cloud: LocalCloud, folder: Path) -> dict[str, Manifest]:
    """Process all sample jobs, and return their manifests."""
    settings = {"ICE_RESULT_SINKS": f"file:{folder}", "ICE_RESULT_RULES_ON": ",".join(sorted(ALL_ON.on))}
    function = Function({**cloud.environment, **settings, "ICE_RESULT_CONTENTS": "on"})
    event = json.dumps({"JobIds": JOBS}).encode()
    reply = function.handle(event, PlatformContext())
    assert reply["recorded"] == len(JOBS), reply
    paths = folder.glob("manifests/*/*/*.json")
    return {path.stem: Manifest.model_validate_json(path.read_bytes()) for path in paths}


def test_the_samples_are_sound(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN the seeded outputs and inputs WHEN all samples are processed THEN nothing is found in the correct ones."""
    cloud.seed_outputs()
    cloud.seed_inputs()

    manifests = processed(cloud, tmp_path)

    assert {job: findings(found) for job, found in manifests.items() if findings(found)}.keys() == {BAD_SAMPLES[0]}
    assert {job for job, manifest in manifests.items() if not manifest.complete} == {*BAD_SAMPLES}
    assert [file.uri for manifest in manifests.values() for file in manifest.files if not file.media] == []


def test_wrong_outputs_are_named(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN outputs with the content of other objects WHEN they are processed THEN their jobs are not complete."""
    cloud.seed_outputs()
    cloud.seed_inputs()
    for key, other, _ in WRONG.values():
        bucket, _, name = other.partition("/")
        content, modified = cloud.oss.get(bucket, name), cloud.oss.modified("example-output", key)
        cloud.oss.put("example-output", key, content, modified=modified)

    manifests = processed(cloud, tmp_path)

    assert {job for job, manifest in manifests.items() if not manifest.complete} == {*BAD_SAMPLES, *WRONG}
    for job, (_, _, expected) in WRONG.items():
        assert [line for line in findings(manifests[job]) if line.startswith(expected)], findings(manifests[job])
