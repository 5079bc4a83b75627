"""Parked events, tried again: what is then recorded disappears, and what is not is kept with one try more.

envelope ──► its events ──► pipeline ──► recorded or ignored ──► removed
                                    └──► parked anew, under the same key or another, then the old one removed
                                    └──► neither: it stays as it is
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
from ice_result.maintenance.listing import Kept, next_kept
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext, for_both
from ice_result.sinks.parked_events import Parked, ParkedEvents
from ice_result.triggers import JobEvent, TriggerEvent, parse_again

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 10
_READ_AT_ONCE = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Envelope:
    """What a Kept holds; `parked` is None for what is no envelope of ours, or damaged."""

    kept: Kept
    text: bytes
    parked: Parked | None


class Retried(NamedTuple):
    """What became of an envelope: how each of its events ended, and whether it is gone from where it was."""

    envelope: Envelope
    outcomes: tuple[JobOutcome, ...]
    removed: bool


def read_each(found: Iterable[Kept], deadline: Deadline) -> Iterator[Envelope]:
    """The envelopes, in this order, read as they are needed; nothing more once the time is over.

    Those that are gone by now are left out, and with a warning those that cannot be read.
    """
    in_time = takewhile(lambda _: deadline.left(), found)
    yield from filter(None, in_order(lambda each: _read(each, deadline), in_time, _READ_AT_ONCE))


def _read(each: Kept, deadline: Deadline) -> Envelope | None:
    try:
        with time_limit(deadline):
            text = each.parking_store.read(each.key)
    except IceResultError as error:
        _log.warning("skipped %s: %s", shorten(each.key), error)
        return None
    if text is None:
        return None
    try:
        return Envelope(each, text, Parked.model_validate_json(text))
    except ValidationError:
        return Envelope(each, text, None)


def due(parking_stores: Sequence[ParkedEvents], now: datetime, deadline: Deadline) -> Iterator[Envelope]:
    """Those that may succeed by now and have waited long enough for their next try, oldest first.

    One run looks at a part of them, and the next run goes on there: see `next_kept`.

    The pause grows with the tries, from a minute to an hour: 24 tries last through an outage of most of a day.
    """
    with time_limit(deadline):
        listed = next_kept(parking_stores, transient_reasons())
    waited = takewhile(lambda each: each.written + _FIRST_PAUSE <= now, listed)
    for envelope in read_each(waited, deadline):
        if envelope.parked and envelope.kept.written + _pause(envelope.parked) <= now:
            yield envelope


def _pause(parked: Parked) -> timedelta:
    """What was out of time was not tried at all: nothing speaks against trying it soon."""
    if parked.reason == OutOfTimeError.reason:
        return _FIRST_PAUSE
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(parked.attempts - 1, 0), _MOST_DOUBLINGS)))


def discard(envelope: Envelope) -> bool:
    """Remove it, unless it is no longer what was read; whether it is gone. Raises what the store raises."""
    return envelope.kept.parking_store.discard(envelope.kept.key, envelope.text)


@dataclass
class _UnderWay:
    """An envelope whose events are being worked on."""

    envelope: Envelope
    events: list[TriggerEvent]
    outcomes: list[JobOutcome] = field(default_factory=list)


def retry(
    pipeline: Pipeline,
    envelopes: Iterable[Envelope],
    run: RunContext,
    *,
    most_at_once: int = 256,
    most_bytes_at_once: int = 1 << 22,
) -> Iterator[Retried]:
    """Try each again; whatever becomes of it is told as soon as it is known.

    At most `most_at_once` envelopes are worked on together, and none is added once they have `most_bytes_at_once`:
    their events are held in memory, at several times that.

    A job that several of the envelopes are about is worked on once for each, one after the other: they may name
    different stores. Those that time does not suffice to begin stay as they are, and nothing is told of them.
    """
    in_time = takewhile(lambda _: run.deadline().left(), envelopes)
    for batch in _batches(pipeline, in_time, most_at_once, most_bytes_at_once):
        yield from _retry(pipeline, batch, run)


def _batches(
    pipeline: Pipeline, envelopes: Iterable[Envelope], most: int, most_bytes: int
) -> Iterator[list[_UnderWay]]:
    """Envelopes that may be worked on together: no two are about one job, and there is room for all of them."""
    batch: list[_UnderWay] = []
    seen: set[str] = set()
    size = 0
    for envelope in envelopes:
        work = _UnderWay(envelope, _events(pipeline, envelope))
        job_ids = {event.job_id for event in work.events if isinstance(event, JobEvent)}
        if batch and (len(batch) == most or size >= most_bytes or seen & job_ids):
            yield batch
            batch, seen, size = [], set(), 0
        batch.append(work)
        seen |= job_ids
        size += len(envelope.text)
    if batch:
        yield batch


def _retry(pipeline: Pipeline, batch: list[_UnderWay], run: RunContext) -> Iterator[Retried]:
    by_index: list[_UnderWay] = []

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
            yield _settle(work, run)


def _events(pipeline: Pipeline, envelope: Envelope) -> list[TriggerEvent]:
    """The events of an envelope, a job once; of one about a job, only that: its message may name others too."""
    parked = envelope.parked
    if parked is None:
        return []
    jobs: dict[str, JobEvent] = {}
    others: list[TriggerEvent] = []
    for event in parse_again(parked.event, parked.past, pipeline.triggers):
        if not isinstance(event, JobEvent):
            others.append(event)
        else:
            jobs[event.job_id] = for_both(jobs[event.job_id], event) if event.job_id in jobs else event
    named = jobs.get(parked.job_id) if parked.job_id else None
    return [named] if named else [*jobs.values(), *others]


def _settle(work: _UnderWay, run: RunContext) -> Retried:
    """Remove the envelope when all of its events have ended elsewhere.

    One that was parked anew at the same address stays, though it may be what was read to the last byte.
    """
    envelope, outcomes = work.envelope, tuple(work.outcomes)
    removed = False
    address = envelope.kept.parking_store.address(envelope.kept.key)
    parked_anew = any(each.outcome == "parked" and each.record == address for each in outcomes)
    if not parked_anew and all(outcome.outcome != "failed" for outcome in outcomes):
        try:
            with time_limit(run.parking()):
                removed = discard(envelope)
        except IceResultError:  # it stays, and is found to be done with at the next try
            removed = False
    return Retried(envelope, outcomes, removed)
