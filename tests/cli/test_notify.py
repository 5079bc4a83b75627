"""`notify`: who is told again, and what the command says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ice_result.errors import RejectedError, StorageError
from ice_result.sinks.object.sink import ObjectStoreSink
from support.command_line import Finished, ice_result
from support.parked_events import Saved, pipeline_of, process
from support.paths import SAMPLE_JOBS
from support.recording_target import RecordingTargets, use_recording_targets

Run = Callable[..., Finished]
A, B = "mns://a", "mns://b"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of the commands."""
    return {
        "ICE_RESULT_JOBS": f"file:{tmp_path / 'jobs'}",
        "ICE_RESULT_SINKS": f"file:{tmp_path / 'out'}",
        "ICE_RESULT_NOTIFY": f"{A} {B}?outcome=job_failed",
        "ICE_RESULT_MNS_ENDPOINT": "1.mns.cn-shanghai.aliyuncs.com",
        "ICE_RESULT_REGION": "cn-shanghai",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., Finished]:
    """Run `notify` with these settings."""
    return lambda *arguments: ice_result("notify", *arguments, **environment)


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str]) -> RecordingTargets:
    """Two targets, and a store with two recorded jobs, which both have acknowledged as far as they admit them."""
    recording = use_recording_targets(monkeypatch)
    saved = Saved(tmp_path / "jobs")
    saved.done("job-1")
    failed = json.loads((SAMPLE_JOBS / "videoclip-failed.json").read_text()) | {"JobId": "job-2"}
    (tmp_path / "jobs" / "job-2.json").write_text(json.dumps(failed))
    with pipeline_of(environment) as pipeline:
        process(pipeline, {"JobIds": ["job-1", "job-2"]})
    assert (len(recording[A].told), len(recording[B].told)) == (2, 1)
    return recording


def test_a_notification_is_sent_again_with_the_same_id(run: Run, targets: RecordingTargets) -> None:
    """Whether or not it was acknowledged, and only to those that admit it."""
    done = run("job-1")
    assert (done.stdout, done.returncode) == ("notified      job-1  Cover  mns://a\n", 0)
    assert targets[A].ids.count(targets[A].told[-1].id) == 2
    assert len(targets[B].told) == 1


def test_all_jobs_since_a_time_are_notified_of(run: Run, targets: RecordingTargets) -> None:
    """With one JSON line for each."""
    done = run("--since", "2022-01-01", "--json")
    assert done.returncode == 0
    lines = {str(line["job_id"]): line for line in done.documents}
    assert lines["job-1"]["notified"] == [A]
    assert lines["job-2"] == {
        "job_id": "job-2",
        "outcome": "notified",
        "function_name": "VideoClip",
        "targets": [A, B],
        "notified": [A, B],
        "refused": {},
        "reason": None,
    }
    assert (len(targets[A].told), len(targets[B].told)) == (4, 2)


def test_one_target_and_one_function(run: Run, targets: RecordingTargets) -> None:
    """--target and --function narrow both sides; --limit ends it."""
    done = run("--since", "2022-01-01", "--target", f"{B}/")
    assert "skipped       job-1  Cover  (no target admits it)" in done.stdout
    assert (len(targets[A].told), len(targets[B].told)) == (2, 2)
    assert run("--since", "2022-01-01", "--function", "Cover", "-q").stdout == ""
    assert (len(targets[A].told), len(targets[B].told)) == (3, 2)
    assert len(run("--since", "2022-01-01", "--limit", "1", "--json").documents) == 1
    assert (len(targets[A].told), len(targets[B].told)) in {(4, 2), (4, 3)}  # one job, whichever is the newest


def test_a_dry_run_notifies_nobody(run: Run, targets: RecordingTargets, tmp_path: Path) -> None:
    """It shows which targets would be notified, and writes nothing."""
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json")}
    done = run("job-1", "job-2", "--dry-run")
    assert done.stdout == "would notify  job-1  Cover  mns://a\nwould notify  job-2  VideoClip  mns://a, mns://b\n"
    assert done.stderr.startswith("2 would be notified in ")
    (line,) = run("job-1", "--dry-run", "--json").documents
    assert (line["outcome"], line["targets"], line["notified"]) == ("would_notify", [A], [])
    assert (len(targets[A].told), len(targets[B].told)) == (2, 1)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json")} == before


def test_a_target_that_refuses_is_named_and_the_others_are_notified(run: Run, targets: RecordingTargets) -> None:
    """The exit status says that a target was not notified; nothing is parked, since a person sees it."""
    targets[A].errors = [RejectedError("notify mns://a", service="MNS", status=410)]
    done = run("job-2")
    assert done.returncode == 1
    assert done.stdout == "failed        job-2  VideoClip  mns://b  (mns://a: MNS: notify mns://a: 410)\n"
    assert len(targets[B].told) == 2
    targets[A].errors = [RejectedError("notify mns://a", service="MNS", status=410)]
    done = run("job-2", "-q")
    assert done.stderr == "ice-result: failed job-2: mns://a: MNS: notify mns://a: 410\n"


@pytest.mark.usefixtures("targets")
def test_a_job_that_is_not_recorded_or_has_no_manifest_fails(run: Run, tmp_path: Path) -> None:
    """Never before the manifest, also not by hand."""
    (manifest,) = (tmp_path / "out" / "manifests").rglob("job-1.json")
    manifest.unlink()
    done = run("job-1", "nobody")
    assert done.returncode == 1
    assert done.stdout == (
        "failed        job-1  Cover  (it has no manifest yet; `ice-result verify job-1` makes one)\n"
        f"failed        nobody  (not recorded in file:{tmp_path / 'out'})\n"
    )


@pytest.mark.usefixtures("targets")
def test_what_was_told_again_is_written_down(run: Run, tmp_path: Path) -> None:
    """GIVEN a store that has lost what was acknowledged THEN telling again brings it back."""
    path = tmp_path / "out" / "notified" / "job-1.json"
    before = path.read_bytes()
    path.unlink()
    assert run("job-1").returncode == 0
    assert path.read_bytes() == before


def test_an_acknowledgement_that_cannot_be_stored_is_a_failure(
    run: Run, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a folder that can only be read THEN the line says who was notified and that it is not stored."""

    def refuse(*_: object) -> None:
        raise StorageError("cannot write notified/job-1.json: Read-only file system")

    monkeypatch.setattr(ObjectStoreSink, "acknowledge", refuse)
    reason = "could not store that mns://a was notified: cannot write notified/job-1.json: Read-only file system"
    done = run("job-1")
    assert (done.returncode, len(targets[A].told)) == (1, 3)
    assert done.stdout == f"failed        job-1  Cover  mns://a  ({reason})\n"
    assert "1 failed in " in done.stderr
    (line,) = run("job-1", "--json").documents
    assert (line["outcome"], line["notified"], line["refused"], line["reason"]) == ("failed", [A], {}, reason)
    assert run("job-1", "-q").stderr == f"ice-result: failed job-1: {reason}\n"
