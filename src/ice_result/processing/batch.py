"""Every event of a payload to its end: jobs are worked on side by side, and what cannot be finished is parked.

bytes ──► triggers ──► each event ──► jobs ──► results ──► records ──► sinks     (process_job.py)
└──► parked
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias

from ice_result.core.calls import Deadline, Retries, count_retries
from ice_result.core.types import JobId, JsonObject, Model
from ice_result.errors import IceResultError, OutOfTimeError, ParkingError, shorten
from ice_result.jobs.model import JobSource
from ice_result.processing import event_log
from ice_result.processing.event_log import Stopwatch
from ice_result.processing.failure import Stopped
from ice_result.processing.process_job import MOST_TRIES, JobProcessor, RecordedBefore
from ice_result.processing.write_job import Stores
from ice_result.records import Record, shortfall
from ice_result.records.model import Outcome, RecordState
from ice_result.sinks.base import Expected, Parked
from ice_result.triggers import (
    Ignored,
    JobEvent,
    Malformed,
    ParkableEvent,
    Past,
    Triggered,
    TriggerEvent,
    TriggerOptions,
    Unread,
    parse,
)

JobOutcomeName: TypeAlias = Literal["recorded", "ignored", "parked", "failed"]
_UnderWay: TypeAlias = "dict[Future[JobOutcome], tuple[int, ParkableEvent]]"
_ASKED_AGAIN_AFTER = timedelta(minutes=10)
_LONGEST_PIECE = 1 << 18  # characters of an envelope of several events: a thousand events or more
_PARKED_AT_ONCE = 8
_logger = logging.getLogger(__name__)
_LOOKAHEAD = 2  # events begun for each that is worked on: a payload of a million is read as it is worked on


class JobOutcome(Model):
    """What became of one event. `record` and `manifest` are addresses in the first sink, or where it is parked.

    Of a recorded job, `job_outcome` is the outcome in its record, and `complete` says whether its manifest is.
    """

    job_id: str | None
    outcome: JobOutcomeName
    function_name: str | None = None
    state: RecordState | None = None
    job_outcome: Outcome | None = None
    complete: bool | None = None
    record: str | None = None
    manifest: str | None = None
    reason: str | None = None


class Report(Model):
    """What became of everything in one payload, in its order."""

    jobs: tuple[JobOutcome, ...]

    def count(self, outcome: JobOutcomeName) -> int:
        """How many events ended this way."""
        return sum(job.outcome == outcome for job in self.jobs)


@dataclass(frozen=True)
class Terms:
    """How long one run may take, and for whom it is: `deadline` is asked when work on a job begins.

    `parking` is asked when one cannot be finished: by then it must be parked. `request_id` is the platform's, for
    the log.
    """

    deadline: Callable[[], Deadline]
    parking: Callable[[], Deadline] = lambda: Deadline.after(30.0)
    request_id: str | None = None


class Pipeline:
    """Events in, records and manifests out. One instance serves many calls, from one thread at a time."""

    def __init__(
        self,
        jobs: JobSource,
        stores: Stores,
        *,
        triggers: TriggerOptions,
        region: str | None,
        concurrency: int = 8,
        most_tries: int = MOST_TRIES,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc).replace(microsecond=0),
    ) -> None:
        self.stores = stores
        self.triggers = triggers
        self.now = now
        self._processor = JobProcessor(jobs, stores, region=region, concurrency=concurrency, most_tries=most_tries)
        self._most_tries = most_tries
        self._most_begun = concurrency * _LOOKAHEAD
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="job")

    def close(self) -> None:
        """End the threads; what they are doing is finished first."""
        self._workers.shutdown()
        self._processor.close()

    def load(self) -> None:
        """Begin to make ready what the first job needs; it waits for its part only, while others still load."""
        self._processor.load()

    def process(self, payload: bytes | str, deadline: Callable[[], Deadline]) -> Report:
        """Bring every event of a payload to its end: `parse`, then `report` on its events."""
        return self.report(self.parse(payload).events, Terms(deadline))

    def parse(self, payload: bytes | str, deadline: Deadline | None = None) -> Triggered:
        """The first stage alone: what a payload holds, as this pipeline is configured.

        What is not read of it by the deadline is parked as it is.
        """
        return parse(payload, self.triggers, time_is_over=lambda: deadline is not None and not deadline.left())

    def report(self, events: Iterable[TriggerEvent], terms: Terms) -> Report:
        """Bring events to their end.

        Raises nothing for what they are: see Report. An outcome `failed` means that an event could
        be neither finished nor parked, so that whoever delivered it must deliver it again.
        """
        outcomes = dict(self.process_events(events, terms))
        return Report(jobs=tuple(outcomes[index] for index in sorted(outcomes)))

    def process_events(self, events: Iterable[TriggerEvent], terms: Terms) -> Iterator[tuple[int, JobOutcome]]:
        """Each event's index and outcome as soon as it is there; a job named twice is worked on once.

        Events are taken as there is room for them. Those that time does not suffice to begin are parked together.

        0 s                                    deadline             parking
        │ ask, decode, write … event by event │ what is under way  │
        │                                     │ is parked; the rest, in a few pieces

        An event whose past names other sinks than that of an earlier one of the job is worked on after all others.
        """
        yield from self._process(enumerate(events), terms)

    def _process(self, events: Iterable[tuple[int, TriggerEvent]], terms: Terms) -> Iterator[tuple[int, JobOutcome]]:
        seen = _Seen()
        under_way: _UnderWay = {}
        late: dict[int, ParkableEvent] = {}
        for index, event in events:
            if isinstance(event, JobEvent) and not seen.is_new(index, event):
                continue
            if isinstance(event, Ignored):
                yield index, self._finish(event, terms)
            elif not isinstance(event, Unread) and terms.deadline().left():
                under_way[self._workers.submit(self._finish, event, terms)] = index, event
                yield from _ended(under_way, None if len(under_way) >= self._most_begun else 0)
            else:
                late[index] = event
        if late:
            late = {**_not_begun(under_way), **late}
            yield from self._park_together(late, terms)
        while under_way:
            yield from _ended(under_way)
        if seen.again:
            yield from self._process(seen.again.values(), terms)

    def _park_together(self, late: Mapping[int, ParkableEvent], terms: Terms) -> Iterator[tuple[int, JobOutcome]]:
        """A few envelopes for all: to park thousands one by one would take the time that there is not."""
        pieces = [*_pieces(late)]
        with ThreadPoolExecutor(min(_PARKED_AT_ONCE, len(pieces)), thread_name_prefix="park") as workers:
            all_kept = workers.map(lambda each: self._park_piece(each, terms), pieces)
            for piece, kept in zip(pieces, all_kept, strict=True):
                for index, event in piece.items():
                    job_id = event.job_id if isinstance(event, JobEvent) else None
                    yield index, JobOutcome(job_id=job_id, outcome=kept.outcome, record=kept.record, reason=kept.reason)

    def _park_piece(self, piece: Mapping[int, ParkableEvent], terms: Terms) -> JobOutcome:
        """One envelope; the log has one line for it when it is of several."""
        events, stopped, watch = [*piece.values()], Stopped.by(_not_begun_in_time()), Stopwatch()
        kept = self._keep(stopped.parked_together(events, self.now(), self._most_tries), stopped, terms, watch)
        if len(events) == 1:
            _log(events[0], kept, terms, watch, Retries())
        else:
            facts: JsonObject = {"request_id": terms.request_id, "events": len(events), "reason": kept.reason}
            event_log.write_job(kept.outcome, facts, watch, Retries())
        return kept

    def _finish(self, event: JobEvent | Ignored | Malformed, terms: Terms) -> JobOutcome:
        """Recorded, ignored, parked, or failed: an event never just ends, and the log says how."""
        watch = Stopwatch()
        with count_retries() as retries:
            outcome = self._outcome(event, terms, watch)
        _log(event, outcome, terms, watch, retries)
        return outcome

    def _outcome(self, event: JobEvent | Ignored | Malformed, terms: Terms, watch: Stopwatch) -> JobOutcome:
        if isinstance(event, Ignored):
            return JobOutcome(job_id=None, outcome="ignored", reason=event.reason)
        if isinstance(event, Malformed):
            return self._park(event, Stopped.malformed(event), terms, watch)
        if not terms.deadline().left():
            return self._park(event, Stopped.by(_not_begun_in_time()), terms, watch)
        try:
            return self._record(event, terms, watch)
        except IceResultError as error:
            return self._park(event, Stopped.by(error), terms, watch)
        except Exception as error:  # noqa: BLE001  our own mistake must not cost the user an event
            return self._park(event, Stopped.by_defect(error), terms, watch)

    def _record(self, event: JobEvent, terms: Terms, watch: Stopwatch) -> JobOutcome:
        written = self._processor.process(event, terms.deadline(), watch)
        if isinstance(written, RecordedBefore):
            reason = f"ICE no longer knows the job, which is recorded: {shorten(written.place)}"
            return JobOutcome(job_id=event.job_id, outcome="ignored", reason=reason)
        record, manifest = written.record, written.manifest
        if written.files_missing:
            self._ask_again(record, terms)
        if written.refused:
            stopped = Stopped.by_sinks(written.refused, taken=bool(written.addresses))
            return self._park(event, stopped, terms, watch, record.function_name)
        first = next(iter(written.addresses.values()))
        return JobOutcome(
            job_id=record.job_id,
            outcome="recorded",
            function_name=record.function_name,
            state=record.state,
            job_outcome=record.outcome,
            complete=manifest.complete,
            record=first.record,
            manifest=first.manifest,
            reason=shortfall(record, manifest),
        )

    def _ask_again(self, record: Record, terms: Terms) -> None:
        """Leave a note for the timer: ICE may name the files of this job a little later [inferred]."""
        from ice_result.maintenance.expected import leave_notes  # noqa: PLC0415  few jobs need it

        now = self.now()
        note = Expected(
            job_id=record.job_id, function_name=record.function_name, expected_at=now, due_at=now + _ASKED_AGAIN_AFTER
        )
        try:
            list(leave_notes(self.stores.lots, [note], terms.parking))
        except IceResultError as error:  # the record says `outputs_missing`, and a person can ask again
            _logger.warning("job %s is not asked for again: %s", record.job_id, error)

    def _park(
        self,
        event: JobEvent | Malformed,
        stopped: Stopped,
        terms: Terms,
        watch: Stopwatch,
        function_name: str | None = None,
    ) -> JobOutcome:
        parked = stopped.parked(event, self.now(), self._most_tries)
        return self._keep(parked, stopped, terms, watch).model_copy(update={"function_name": function_name})

    def _keep(self, parked: Parked, stopped: Stopped, terms: Terms, watch: Stopwatch) -> JobOutcome:
        """Into the first store that takes it; each has its share of the time."""
        outcome = JobOutcome(job_id=parked.job_id, outcome="failed")
        why, lots, deadline = stopped.message, self.stores.lots, terms.parking()
        with watch.lap("park"):
            for tried, lot in enumerate(lots):
                try:
                    address = lot.park(parked, deadline.part(1 / (len(lots) - tried)))
                except Exception as error:  # noqa: BLE001  our own mistake in one store must not cost the others
                    why = f"{why}; not parked: {shorten(str(error))}"
                else:
                    reason = f"{stopped.reason}: {why}"
                    return outcome.model_copy(update={"outcome": "parked", "record": address, "reason": reason})
        return outcome.model_copy(update={"reason": f"{ParkingError.reason}: {why}"})


class _Seen:
    """The jobs that were come to; `again` has those that a later event names for more sinks than the first."""

    def __init__(self) -> None:
        self._events: dict[JobId, JobEvent] = {}
        self.again: dict[JobId, tuple[int, JobEvent]] = {}

    def is_new(self, index: int, event: JobEvent) -> bool:
        """Whether it is the first of its job, to be worked on now."""
        known = self._events.setdefault(event.job_id, event)
        if known is not event:
            both = for_both(known, event)
            if both is not known:
                first, _ = self.again.get(event.job_id, (index, event))
                self._events[event.job_id], self.again[event.job_id] = both, (first, both)
        return known is event


def for_both(one: JobEvent, other: JobEvent) -> JobEvent:
    """One event of a job in place of two: for the sinks that either is for. One that names none is for all."""
    named, more = (set(event.past.sinks if event.past else ()) for event in (one, other))
    sinks = named | more if named and more else set()
    if sinks == named:
        return one
    past = (one.past or Past()).model_copy(update={"sinks": tuple(sorted(sinks))})
    return replace(one, past=past)


def _pieces(events: Mapping[int, ParkableEvent]) -> Iterator[dict[int, ParkableEvent]]:
    """`events` in their order, as many together as make an envelope that is soon read again.

    A message that several came from is in an envelope once.
    """
    piece: dict[int, ParkableEvent] = {}
    messages: set[int] = set()
    size = 0
    for index, event in events.items():
        if id(event.payload) not in messages:
            length = len(json.dumps(event.payload))
            if piece and size + length > _LONGEST_PIECE:
                yield piece
                piece, messages, size = {}, set(), 0
            messages.add(id(event.payload))
            size += length
        piece[index] = event
    if piece:
        yield piece


def _ended(under_way: _UnderWay, seconds: float | None = None) -> Iterator[tuple[int, JobOutcome]]:
    """Those that end next, within `seconds` if given; they are then no longer under way."""
    done, _ = wait(under_way, seconds, FIRST_COMPLETED)
    for future in done:
        index, _ = under_way.pop(future)
        yield index, future.result()


def _not_begun(under_way: _UnderWay) -> dict[int, ParkableEvent]:
    """Those that no worker has begun yet; they are then no longer under way."""
    return dict(under_way.pop(future) for future in [*under_way] if future.cancel())


def _not_begun_in_time() -> OutOfTimeError:
    return OutOfTimeError("the time of this run was over before work on it began")


def _log(event: TriggerEvent, outcome: JobOutcome, terms: Terms, watch: Stopwatch, retries: Retries) -> None:
    ids = {"request_id": terms.request_id, "event_id": event.event_id, "event_type": event.event_type}
    facts = outcome.model_dump(include={"job_id", "function_name", "state", "job_outcome", "complete", "reason"})
    event_log.write_job(outcome.outcome, {**ids, **facts}, watch, retries)
