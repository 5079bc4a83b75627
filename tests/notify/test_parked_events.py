"""Telling of parked and dead events: after the envelope, and never at its cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import UnavailableError
from ice_result.notify.model import Notification
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.triggers import JobEvent
from support.parked_events import Saved, parked_in, pipeline_of, process, retry_all
from support.recording_target import RecordingTargets

PARKED, DEAD, RECORDED = "mns://parked", "mns://dead", "mns://recorded"


class Place:
    """A folder of records, and three targets: of parked events, of dead ones, and of recorded jobs."""

    def __init__(self, saved: Saved, out: Path) -> None:
        self.out = out
        self._environment = {
            "ICE_RESULT_JOBS": saved.url,
            "ICE_RESULT_SINKS": f"file:{out}",
            "ICE_RESULT_NOTIFY": f"{PARKED}?on=parked {DEAD}?on=dead {RECORDED}",
            "ICE_RESULT_MNS_ENDPOINT": "1.mns.cn-shanghai.aliyuncs.com",
            "ICE_RESULT_PARKED_TRIES": "3",
        }

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """Make the pipeline of one process."""
        with pipeline_of(self._environment) as pipeline:
            yield pipeline

    def process(self, payload: object, run: RunContext | None = None) -> None:
        """Process a payload in a new process."""
        with pipeline_of(self._environment) as pipeline:
            if run is None:
                process(pipeline, payload)
            else:
                pipeline.report(pipeline.parse(json.dumps(payload).encode()).events, run)

    def retry(self) -> None:
        """Retry all that is parked in a new process."""
        with pipeline_of(self._environment) as pipeline:
            retry_all(pipeline)


@pytest.fixture
def place(saved: Saved, tmp_path: Path) -> Place:
    """A place without any event."""
    return Place(saved, tmp_path / "out")


def data(body: JsonObject) -> JsonObject:
    found = body["data"]
    assert isinstance(found, dict)
    return found


def test_an_event_is_told_when_its_envelope_is_there_and_once_for_one_reason(
    place: Place, targets: RecordingTargets, saved: Saved
) -> None:
    """GIVEN a job that still runs THEN it is told as parked once, as dead at the last attempt, later as recorded."""
    saved.running("job-1")
    seen: list[list[str]] = []

    def look(_: Notification) -> None:
        seen.append([*parked_in(place.out)])

    targets[PARKED].asked = look
    place.process({"JobId": "job-1"})
    place.retry()
    assert seen == [["not_finished/job-1"]]
    assert targets[DEAD].told == []
    place.retry()
    (parked,), (dead,) = targets[PARKED].bodies, targets[DEAD].bodies
    assert (parked["type"], parked["subject"]) == ("ice-result.event.parked.v1", "job-1")
    assert (dead["type"], dead["subject"]) == ("ice-result.event.dead.v1", "job-1")
    assert (data(parked)["reason"], data(parked)["attempts"], data(parked)["dead"]) == ("not_finished", 1, False)
    assert (data(dead)["reason"], data(dead)["attempts"], data(dead)["dead"]) == ("not_finished", 3, True)
    assert data(dead)["parked_at"] == f"{place.out}/parked/dead/job-1.json"
    saved.done("job-1")
    place.process({"JobId": "job-1"})
    assert len(targets[RECORDED].told) == len(targets[PARKED].told) == len(targets[DEAD].told) == 1


def test_the_same_event_delivered_again_is_told_once(place: Place, targets: RecordingTargets, saved: Saved) -> None:
    """GIVEN an event that is delivered three times THEN its envelope is there from the first time on, and is told."""
    saved.running("job-1")
    for _ in range(3):
        place.process({"JobId": "job-1"})
    assert len(targets[PARKED].told) == 1
    assert parked_in(place.out)["not_finished/job-1"]["attempts"] == 3
    assert len(targets[DEAD].told) == 0


def test_no_one_is_told_before_all_events_without_time_are_parked(place: Place, targets: RecordingTargets) -> None:
    """GIVEN so many events that they take twelve envelopes THEN the first notification is sent after the last."""
    there: list[int] = []
    targets[PARKED].asked = lambda _: there.append(len(parked_in(place.out)))
    events = [JobEvent(job_id=JobId(f"j{i}"), payload={"JobId": f"j{i}", "x": "y" * 200_000}) for i in range(12)]
    with place.pipeline() as pipeline:
        over = RunContext(lambda: Deadline.after(0), lambda: Deadline.after(60))
        report = pipeline.report(events, over)
    assert report.count("parked") == 12
    assert there == [12] * 12
    assert len(targets[PARKED].told) == 12


def test_another_reason_is_another_notification(
    place: Place, targets: RecordingTargets, saved: Saved, tmp_path: Path
) -> None:
    """GIVEN a running job that ICE forgets THEN the new reason is told too."""
    saved.running("job-1")
    place.process({"JobId": "job-1"})
    (tmp_path / "jobs" / "job-1.json").unlink()
    place.retry()
    assert [data(body)["reason"] for body in targets[PARKED].bodies] == ["not_finished", "not_found"]
    assert len(set(targets[PARKED].ids)) == 2


def test_a_message_without_a_job_is_told_by_its_envelope(place: Place, targets: RecordingTargets) -> None:
    """The subject is the address of the envelope, and no content of the message is told."""
    place.process({"messageBody": "unreadable s3cr3t"})
    (body,) = targets[PARKED].bodies
    assert data(body)["job_id"] is None
    assert body["subject"] == data(body)["parked_at"]
    assert Path(str(body["subject"])).is_file()
    assert "s3cr3t" not in targets[PARKED].told[0].body.decode()


def test_events_that_were_not_begun_are_told_with_their_common_envelope(
    place: Place, targets: RecordingTargets, saved: Saved
) -> None:
    """GIVEN no time at all THEN one envelope is one notification."""
    saved.done("job-1", "job-2")
    place.process({"JobIds": ["job-1", "job-2"]}, RunContext(lambda: Deadline.after(0)))
    (body,) = targets[PARKED].bodies
    assert data(body)["reason"] == "out_of_time"
    place.retry()
    assert len(targets[RECORDED].told) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UnavailableError("send", service="MNS"), "notification that job-1 is parked was not delivered: MNS: send"),
        (ValueError("a defect, token=s3cr3t"), "notification that job-1 is parked was not delivered: a defect in"),
    ],
)
def test_a_target_that_fails_costs_the_envelope_nothing(
    error: Exception,
    said: str,
    *,
    place: Place,
    targets: RecordingTargets,
    saved: Saved,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The event is parked, and the log names the target; a defect shows no secret."""

    def fail(_: Notification) -> None:
        raise error

    targets[PARKED].asked = fail
    saved.running("job-1")
    place.process({"JobId": "job-1"})
    assert [*parked_in(place.out)] == ["not_finished/job-1"]
    assert any(said in record.getMessage() for record in caplog.records)
    assert "s3cr3t" not in caplog.text


def test_a_target_that_refuses_recorded_jobs_is_told_of_by_the_others(
    place: Place, targets: RecordingTargets, saved: Saved
) -> None:
    """A notification that cannot be delivered is an event that cannot be finished: those who watch these hear of it."""
    targets[RECORDED].errors = [UnavailableError("send", service="MNS")]
    saved.done("job-1")
    place.process({"JobId": "job-1"})
    (body,) = targets[PARKED].bodies
    assert (data(body)["reason"], data(body)["targets"]) == ("not_notified", [RECORDED])
