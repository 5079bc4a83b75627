"""Retries of parked events: a job that is then recorded leaves the store, any other is parked with one attempt more.

envelope ──► its events ──► pipeline ──► recorded or ignored ──► the envelope is removed
                                    └──► parked again, under the same key or another ──► the old one is removed
                                    └──► neither ──► the envelope stays as it is
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError, OutOfTimeError, shorten, transient_reasons
from ice_result.maintenance.listing import ParkedEntry, next_parked
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.processing.same_job import merge_events
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Parked
from ice_result.triggers import JobEvent, TriggerEvent, parse_again

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 10
_READ_AT_ONCE = 16
_SECONDS_FOR_ONE = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ParkedEnvelope:
    """The document behind an entry. `parked` is None for a damaged document, and for one that is not an envelope."""

    entry: ParkedEntry
    text: bytes
    parked: Parked | None


class RetryResult(NamedTuple):
    """Result of one retry: the outcome of each event of the envelope. `removed` is true when the envelope is gone."""

    envelope: ParkedEnvelope
    outcomes: tuple[JobOutcome, ...]
    removed: bool


def read_envelopes(entries: Iterable[ParkedEntry], deadline: Deadline) -> Iterator[ParkedEnvelope]:
    """Read the envelopes in the order of their entries, as they are needed, until the deadline; each in a minute.

    An envelope that is gone by now is left out. One that cannot be read is left out with a warning.
    """
    in_time = takewhile(lambda _: deadline.left(), entries)
    envelopes = in_order(lambda entry: _read(entry, deadline), in_time, _READ_AT_ONCE, timed_out=_skipped)
    yield from filter(None, envelopes)


def _read(entry: ParkedEntry, deadline: Deadline) -> ParkedEnvelope | None:
    try:
        with time_limit(deadline.within(_SECONDS_FOR_ONE)):
            text = entry.store.read(entry.key)
    except IceResultError as error:
        _skipped(entry, error)
        return None
    if text is None:
        return None
    try:
        return ParkedEnvelope(entry, text, Parked.model_validate_json(text))
    except ValidationError:
        return ParkedEnvelope(entry, text, None)


def _skipped(entry: ParkedEntry, error: IceResultError) -> None:
    _log.warning("skipped %s: %s", shorten(entry.key), error)


def due(stores: Sequence[ParkedEvents], now: datetime, deadline: Deadline) -> Iterator[ParkedEnvelope]:
    """Read the envelopes that may be retried by now, the oldest first.

    They have a transient reason, and have waited long enough. The pause grows with the attempts, from a minute to an
    hour: 24 attempts last through an outage of most of a day.

    One run reads a part of them, and the next run goes on after it: see `next_parked`.
    """
    with time_limit(deadline):
        entries = next_parked(stores, transient_reasons())
    waited = takewhile(lambda entry: entry.written + _FIRST_PAUSE <= now, entries)
    for envelope in read_envelopes(waited, deadline):
        if envelope.parked and envelope.entry.written + _pause(envelope.parked) <= now:
            yield envelope


def _pause(parked: Parked) -> timedelta:
    """Return the pause before the next attempt. An event that was out of time has not been attempted yet."""
    if parked.reason == OutOfTimeError.reason:
        return _FIRST_PAUSE
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(parked.attempts - 1, 0), _MOST_DOUBLINGS)))


def discard(envelope: ParkedEnvelope) -> bool:
    """Remove the envelope, unless it was written again after it was read. Returns True when it is gone."""
    return envelope.entry.store.discard(envelope.entry.key, envelope.text)


@dataclass
class _Retry:
    """An envelope in work, with its events and their outcomes so far."""

    envelope: ParkedEnvelope
    events: list[TriggerEvent]
    outcomes: list[JobOutcome] = field(default_factory=list)


def retry(
    pipeline: Pipeline,
    envelopes: Iterable[ParkedEnvelope],
    run: RunContext,
    *,
    most_at_once: int = 256,
    most_bytes_at_once: int = 1 << 22,
) -> Iterator[RetryResult]:
    """Process the events of each envelope again. Yields each result as soon as it is known.

    A batch has at most `most_at_once` envelopes, and no more are added after `most_bytes_at_once`: their events take
    several times as much memory.

    Several envelopes of one job are processed one after the other, since they may name different sinks. An envelope
    that is not begun in time stays as it is, and has no result.
    """
    in_time = takewhile(lambda _: run.deadline().left(), envelopes)
    for batch in _batches(pipeline, in_time, most_at_once, most_bytes_at_once):
        yield from _retry_batch(pipeline, batch, run)


def _batches(
    pipeline: Pipeline, envelopes: Iterable[ParkedEnvelope], most: int, most_bytes: int
) -> Iterator[list[_Retry]]:
    """Group the envelopes into batches of limited size, without two envelopes of one job in a batch."""
    batch: list[_Retry] = []
    seen: set[str] = set()
    size = 0
    for envelope in envelopes:
        work = _Retry(envelope, _events_of(pipeline, envelope))
        job_ids = {event.job_id for event in work.events if isinstance(event, JobEvent)}
        if batch and (len(batch) == most or size >= most_bytes or seen & job_ids):
            yield batch
            batch, seen, size = [], set(), 0
        batch.append(work)
        seen |= job_ids
        size += len(envelope.text)
    if batch:
        yield batch


def _retry_batch(pipeline: Pipeline, batch: list[_Retry], run: RunContext) -> Iterator[RetryResult]:
    by_index: list[_Retry] = []

    def events() -> Iterator[TriggerEvent]:
        for work in batch:
            if not run.deadline().left():
                return
            for event in work.events:
                by_index.append(work)
                yield event

    for index, outcome in pipeline.process_events(events(), run):
        work = by_index[index]
        work.outcomes.append(outcome)
        if len(work.outcomes) == len(work.events):
            yield _finish(work, run)


def _events_of(pipeline: Pipeline, envelope: ParkedEnvelope) -> list[TriggerEvent]:
    """Read the events of an envelope, one for each job. The envelope of one job gives only the event of that job."""
    parked = envelope.parked
    if parked is None:
        return []
    jobs: dict[str, JobEvent] = {}
    others: list[TriggerEvent] = []
    for event in parse_again(parked.event, parked.past, pipeline.triggers):
        if not isinstance(event, JobEvent):
            others.append(event)
        else:
            jobs[event.job_id] = merge_events(jobs[event.job_id], event) if event.job_id in jobs else event
    named = jobs.get(parked.job_id) if parked.job_id else None  # its message may contain other jobs as well
    return [named] if named else [*jobs.values(), *others]


def _finish(work: _Retry, run: RunContext) -> RetryResult:
    """Remove the envelope when all of its events are recorded, ignored, or parked at another address.

    An envelope that was parked again at the same address stays, even with the same bytes.
    """
    envelope, outcomes = work.envelope, tuple(work.outcomes)
    removed = False
    address = envelope.entry.store.address(envelope.entry.key)
    is_parked_again = any(outcome.outcome == "parked" and outcome.record == address for outcome in outcomes)
    if not is_parked_again and all(outcome.outcome != "failed" for outcome in outcomes):
        try:
            with time_limit(run.parking()):
                removed = discard(envelope)
        except IceResultError:  # the envelope stays, and the next retry finds its jobs recorded
            removed = False
    return RetryResult(envelope, outcomes, removed)
