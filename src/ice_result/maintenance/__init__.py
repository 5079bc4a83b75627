"""Maintenance of unfinished work. The timer retries parked events and looks up expected jobs, both the oldest first.

Operators do the same, and more, with the commands of `ice-result`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ice_result.core.deadline import Deadline
from ice_result.maintenance.expected import check_expected
from ice_result.maintenance.retry import due, retry
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext

_SECONDS_PER_JOB = 10.0  # the timer does not wait longer for a running job: it comes again soon
_SHARE_FOR_RETRIES = 0.6  # of the time; the rest is for expected jobs, which retries must not starve
_SHARE_FOR_READING = 0.5  # of the time for retries


MOST_AT_ONCE = 100
"""Maximum number of parked events, and of notes, that one run takes."""


def run_maintenance(
    pipeline: Pipeline, run: RunContext, *, most_retries: int = MOST_AT_ONCE, most_notes: int = MOST_AT_ONCE
) -> Iterator[JobOutcome]:
    """Retry parked events with a transient reason, then look up expected jobs that are due.

    Yields each outcome as soon as it is known; the work is done while the outcomes are taken. Raises the error of a
    store that cannot be listed, after the retries in the other stores. The platform logs it, and the next timer tries
    again.
    """
    retries_end = run.deadline().part(_SHARE_FOR_RETRIES)
    envelopes = due(pipeline.stores.parking_stores, pipeline.now(), retries_end.part(_SHARE_FOR_READING))
    for result in retry(pipeline, islice(envelopes, most_retries), _limit_each_job(run, lambda: retries_end)):
        yield from result.outcomes
    yield from check_expected(pipeline, _limit_each_job(run, run.deadline), most_notes)


def _limit_each_job(run: RunContext, deadline: Callable[[], Deadline]) -> RunContext:
    return run._replace(deadline=lambda: deadline().within(_SECONDS_PER_JOB))
