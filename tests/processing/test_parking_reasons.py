"""Reasons of events that are not finished: the cause first, and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ice_result.core.deadline import Deadline
from ice_result.errors import ForbiddenError, IceResultError, StorageError
from ice_result.jobs import RecordedJobs
from ice_result.processing.batch import JobOutcome, Pipeline
from ice_result.processing.write_job import Stores
from ice_result.sinks import SinkContext, open_parking_store, open_sink
from ice_result.triggers import TriggerOptions
from support.paths import SAMPLE_JOBS


def outcome_of(job_id: str, sinks: Sequence[Path], parking: Sequence[Path]) -> JobOutcome:
    """The outcome of one job with these folders as sinks and as stores of parked events."""
    stores = Stores(
        sinks=[open_sink(f"file:{path}", SinkContext()) for path in sinks],
        parking_stores=[open_parking_store(f"file:{path}", SinkContext()) for path in parking],
        inspector=None,
    )
    with closing(Pipeline(RecordedJobs(SAMPLE_JOBS), stores, triggers=TriggerOptions(), region=None)) as pipeline:
        (outcome,) = pipeline.process(json.dumps({"JobId": job_id}).encode(), lambda: Deadline.after(10)).jobs
    return outcome


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """A file where a folder should be."""
    (tmp_path / "taken").write_text("a file")
    return tmp_path / "taken"


def test_without_a_store_of_parked_events_the_failure_is_the_reason(tmp_path: Path) -> None:
    """GIVEN no store of parked events, as by hand THEN the job has failed, for the reason that ICE gave."""
    outcome = outcome_of("nobody", [tmp_path], [])
    assert (outcome.outcome, outcome.record) == ("failed", None)
    assert outcome.reason == f"not_found: saved responses: read job nobody from {SAMPLE_JOBS}: no such file"


def test_a_store_that_fails_for_the_same_cause_adds_nothing(taken: Path) -> None:
    """GIVEN a folder that takes neither records nor parked events THEN the cause is told once."""
    outcome = outcome_of("cover-0001", [taken], [taken])
    assert outcome.outcome == "failed"
    assert outcome.reason == f"storage: cannot read {taken}/jobs-complete.json: Not a directory"


def test_a_store_that_fails_for_another_cause_is_told(taken: Path) -> None:
    """GIVEN a job that ICE does not know, and folders that take no parked events THEN each cause is told once."""
    outcome = outcome_of("nobody", [taken], [taken, taken / "below", Path("/proc/none")])
    assert outcome.outcome == "failed"
    failure, *others = str(outcome.reason).split("; not parked: ")
    assert failure == f"not_found: saved responses: read job nobody from {SAMPLE_JOBS}: no such file"
    assert [each.rpartition(": ")[2] for each in others] == ["Not a directory", "No such file or directory"]
    assert others[0].startswith(f"cannot write {taken}/parked/not_found/nobody.json")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (StorageError("cannot write a: Disk quota exceeded"), StorageError("cannot write b: Disk quota exceeded")),
        (
            ForbiddenError("write a", service="OSS", code="AccessDenied", status=403, request_id="1"),
            ForbiddenError("write b", service="OSS", code="AccessDenied", status=403, request_id="2"),
        ),
    ],
)
def test_two_calls_that_fail_in_the_same_way_have_one_cause(one: IceResultError, other: IceResultError) -> None:
    """GIVEN the same answer to two calls THEN the messages differ, and the causes do not."""
    assert str(one) != str(other)
    assert one.cause == other.cause
