"""The sample events, as the README, the demo and `s invoke -f` use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ice_result.triggers import parse
from support.paths import SAMPLE_EVENTS

FUNCTIONS = (
    *("cover", "videoclip", "videodelogo", "videodetext", "captionextraction", "videogreenscreenmatting"),
    *("facebeauty", "videoh2v", "musicsegmentdetect", "audiobeatdetection", "audioqualityassessment"),
    *("speechdenoise", "audiomixing", "musicdemix"),
)
TRAPS = ("cover-false-success", "videoclip-failed")
WAKES: dict[str, tuple[str, ...]] = {
    "mns-queue-eventbridge": (*FUNCTIONS[:5], "musicsegmentdetect"),
    "mns-queue-single": ("videogreenscreenmatting",),
    "mns-queue-rawdata": ("facebeauty", "videoh2v"),
    "mns-queue-base64": ("audiobeatdetection",),
    "mns-topic-json": ("audioqualityassessment",),
    "mns-topic-stream": ("speechdenoise",),
    "mns-topic-stream-attributes": ("audiomixing",),
    "topic-in-queue": ("musicdemix",),
    "cloudevent": ("cover",),
    "cloudevent-batch": ("videoclip", "musicsegmentdetect"),
    "failure-destination": ("captionextraction",),
    "http-callback": ("facebeauty",),
    "timer": (),
    "schedule": (),
    "mps-transcode": (),
    "topic-in-queue-xml": ("cover",),
    "rocketmq": ("cover",),
    "kafka": ("cover",),
    "manual": ("cover",),
    "manual-list": FUNCTIONS,
    "manual-string": ("musicdemix",),
    "manual-traps": TRAPS,
    "ims-event": ("videoh2v",),
    "other-event-type": (),
}


def job_ids(path: Path) -> tuple[str, ...]:
    return tuple(event.job_id for event in parse(path.read_bytes()).events if event.kind == "job")


@pytest.mark.parametrize("name", WAKES)
def test_sample_wakes_its_jobs(name: str) -> None:
    """Each sample wakes the jobs its README names, in order, and nothing in it is malformed."""
    events = parse((SAMPLE_EVENTS / f"{name}.json").read_bytes()).events

    assert tuple(event.job_id for event in events if event.kind == "job") == tuple(
        job if job in TRAPS else f"{job}-0001" for job in WAKES[name]
    )
    assert {event.kind for event in events} == ({"job"} if WAKES[name] else {"ignored"})


def test_every_sample_is_in_the_table() -> None:
    """A sample that is not in the table above would go untested, one not in the README unexplained."""
    names = {path.stem for path in SAMPLE_EVENTS.glob("*.json")}
    readme = (SAMPLE_EVENTS / "README.md").read_text(encoding="utf-8")

    assert names == set(WAKES)
    assert [name for name in names if f"`{name}.json`" not in readme] == []


def test_samples_wake_every_function_without_the_manual_ones() -> None:
    """The envelopes of real deliveries alone reach all fourteen jobs."""
    delivered = [path for path in SAMPLE_EVENTS.glob("*.json") if not path.stem.startswith("manual")]

    assert {job for path in delivered for job in job_ids(path)} == {f"{name}-0001" for name in FUNCTIONS}


def test_only_the_callback_asks_for_an_http_answer() -> None:
    """Only an HTTP request is answered in the HTTP trigger's form."""
    assert [path.stem for path in SAMPLE_EVENTS.glob("*.json") if parse(path.read_bytes()).via_http] == [
        "http-callback"
    ]
