"""What the function does when a timer wakes it: a bounded part of what was left undone, what is oldest first."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from ice_result.core.deadline import Deadline
from ice_result.maintenance.expected import sweep
from ice_result.maintenance.retry import due, retry
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext

_SECONDS_A_JOB = 10.0  # one that still runs is not waited for: the next timer comes soon
_SHARE_FOR_RETRIES = 0.6  # of the time: the rest is for expected jobs, which retries must not starve
_SHARE_FOR_READING = 0.5  # of that


def run_maintenance(
    pipeline: Pipeline, run: RunContext, *, most_retries: int = 100, most_notes: int = 100
) -> list[JobOutcome]:
    """Try parked events again whose reason may pass, and ask for jobs that were expected by now: so many of each.

    Raises what a store raises that cannot be listed, after the retries of what lies in the others: the platform's log
    shows it, and the next timer tries again.
    """
    retried_by = run.deadline().part(_SHARE_FOR_RETRIES)
    found = due(pipeline.stores.lots, pipeline.now(), retried_by.part(_SHARE_FOR_READING))
    retries = retry(pipeline, islice(found, most_retries), _brief(run, lambda: retried_by))
    tried = [outcome for retried in retries for outcome in retried.outcomes]
    return [*tried, *sweep(pipeline, _brief(run, run.deadline), most_notes)]


def _brief(run: RunContext, deadline: Callable[[], Deadline]) -> RunContext:
    return run._replace(deadline=lambda: deadline().within(_SECONDS_A_JOB))
