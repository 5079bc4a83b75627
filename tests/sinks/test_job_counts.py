"""Numbers of jobs by function, outcome and day."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ice_result.core.types import JobId
from ice_result.records.model import Outcome
from ice_result.sinks.base import JobLine
from ice_result.sinks.job_counts import Counted, JobCounts

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


def job(
    function: str = "Cover",
    outcome: Outcome = "ok",
    *,
    complete: bool | None = True,
    created: datetime | None = None,
    finished: datetime | None = NOON,
) -> JobLine:
    """A job with these facts."""
    return JobLine(
        job_id=JobId("j"),
        function_name=function,
        state="succeeded",
        outcome=outcome,
        create_time=created,
        finish_time=finished,
        duration_seconds=None,
        file_count=0,
        complete=complete,
    )


def counted(*jobs: JobLine) -> JobCounts:
    """The counts of these jobs."""
    counts = JobCounts()
    for each in jobs:
        counts.add(each)
    return counts


def test_nothing_counted_is_all_zero() -> None:
    """No job, no group."""
    counts = JobCounts()

    assert counts.total == Counted(jobs=0, complete=0, incomplete=0, failed=0)
    assert [counts.by(name) for name in ("function", "outcome", "day")] == [[], [], []]


def test_a_job_without_a_manifest_is_incomplete() -> None:
    """Only `complete` true counts as complete; null means that the manifest is not written yet."""
    counts = counted(job(), job(complete=False), job(complete=None))

    assert counts.total == Counted(jobs=3, complete=1, incomplete=2, failed=0)


def test_failures_are_those_of_ice_and_false_successes() -> None:
    """Missing outputs and an unreadable Result are incomplete, not failed."""
    outcomes: tuple[Outcome, ...] = ("undecodable", "false_success", "outputs_missing", "job_failed", "ok", "ok")
    counts = counted(*(job(outcome=outcome, complete=outcome == "ok") for outcome in outcomes))

    assert counts.total == Counted(jobs=6, complete=2, incomplete=4, failed=2)
    assert counts.by("outcome") == [
        ("ok", Counted(jobs=2, complete=2, incomplete=0, failed=0)),
        ("job_failed", Counted(jobs=1, complete=0, incomplete=1, failed=1)),
        ("outputs_missing", Counted(jobs=1, complete=0, incomplete=1, failed=0)),
        ("false_success", Counted(jobs=1, complete=0, incomplete=1, failed=1)),
        ("undecodable", Counted(jobs=1, complete=0, incomplete=1, failed=0)),
    ]


def test_functions_are_sorted_by_name() -> None:
    """Also those that this version does not know, and none at all."""
    counts = counted(job("VideoClip"), job("Cover"), job(""), job("VideoClip"))

    assert [(name, group.jobs) for name, group in counts.by("function")] == [("", 1), ("Cover", 1), ("VideoClip", 2)]


@pytest.mark.parametrize(
    ("created", "finished", "day"),
    [
        (NOON, NOON + timedelta(days=1), "2026-03-03"),
        (NOON, None, "2026-03-02"),
        (None, datetime(2026, 3, 3, 1, tzinfo=timezone(timedelta(hours=8))), "2026-03-02"),
        (None, None, "unknown"),
    ],
    ids=["finish time", "create time", "another zone", "no time"],
)
def test_the_day_is_utc_and_of_the_end(created: datetime | None, finished: datetime | None, day: str) -> None:
    """FinishTime counts before CreateTime, and both in UTC."""
    assert counted(job(created=created, finished=finished)).by("day") == [(day, Counted(1, 1, 0, 0))]


def test_days_are_sorted() -> None:
    """The unknown day comes last: digits sort before letters."""
    counts = counted(job(finished=None), job(finished=NOON + timedelta(days=1)), job())

    assert [name for name, _ in counts.by("day")] == ["2026-03-02", "2026-03-03", "unknown"]
