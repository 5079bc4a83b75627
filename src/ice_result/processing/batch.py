"""Processing of the events of one payload: jobs in parallel, and a parked envelope for every event that fails.

bytes ──► triggers ──► each event ──► jobs ──► results ──► records ──► sinks     (process_job.py)
                           │                                             └──► targets are notified (notifying.py)
                           └──► parked                                           (parking.py)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ice_result.core import threads
from ice_result.core.calls import Retries, begin, count_retries
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.threads import AsCompleted
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError, OutOfTimeError, shorten
from ice_result.jobs.model import JobSource
from ice_result.processing import event_log
from ice_result.processing.event_log import StageTimer
from ice_result.processing.parking import Failure, ParkedAs, ParkedNow, Parking, leave_notes
from ice_result.processing.process_job import MOST_TRIES, JobProcessor, RecordedBefore
from ice_result.processing.same_job import SeenJobs
from ice_result.processing.write_job import Stores, Written
from ice_result.records import Record, shortfall
from ice_result.records.model import Outcome, RecordState
from ice_result.sinks.base import StoredJob
from ice_result.sinks.parked_model import Expected
from ice_result.triggers import (
    Ignored,
    JobEvent,
    Malformed,
    ParkableEvent,
    Triggered,
    TriggerEvent,
    TriggerOptions,
    Unread,
    parse,
)

if TYPE_CHECKING:
    from ice_result.notify.telling import Notifier
    from ice_result.processing.notifying import Notifying

JobOutcomeName: TypeAlias = Literal["recorded", "ignored", "parked", "failed"]
_ASKED_AGAIN_AFTER = timedelta(minutes=10)
_LOGGED = ("job_id", "function_name", "state", "job_outcome", "complete", "suspicious", "reason")
_log = logging.getLogger(__name__)
_NOT_BEGUN = Failure.from_error(OutOfTimeError("the time of this run was over before work on it began"))


class JobOutcome(NamedTuple):
    """Outcome of one event.

    `record` and `manifest` are addresses in the first sink; for a parked event, `record` is the address of its
    envelope. For a recorded job, `job_outcome` is the outcome in its record, and `complete` is that of its manifest.
    `suspicious` is the number of notes that rules made of its files, which `complete` does not depend on.
    A failed or parked event has these too if its job is recorded, and only targets were not notified.
    """

    job_id: str | None
    outcome: JobOutcomeName
    function_name: str | None = None
    state: RecordState | None = None
    job_outcome: Outcome | None = None
    complete: bool | None = None
    suspicious: int | None = None
    record: str | None = None
    manifest: str | None = None
    reason: str | None = None


class BatchReport:
    """Outcomes of all events of one payload, in the order of the payload."""

    def __init__(self, jobs: tuple[JobOutcome, ...]) -> None:
        self.jobs = jobs

    def count(self, outcome: JobOutcomeName) -> int:
        """Count the events with this outcome."""
        return sum(job.outcome == outcome for job in self.jobs)


class RunContext(NamedTuple):
    """Time limits of one run, and its id in the log.

    `deadline` is called when work on a job begins, and gives the deadline of that job. `parking` is called when an
    event cannot be finished, and gives the deadline for parking it. `request_id` is the platform's.
    """

    deadline: Callable[[], Deadline]
    parking: Callable[[], Deadline] = lambda: Deadline.after(30.0)
    request_id: str | None = None

    def is_over(self) -> bool:
        """Return True when no time is left to begin work on a job."""
        return not self.deadline().left()


class Pipeline:
    """The five stages as one object: events in, records and manifests out.

    One instance serves many calls, from one thread at a time.
    """

    def __init__(
        self,
        jobs: JobSource,
        stores: Stores,
        *,
        triggers: TriggerOptions,
        region: str | None,
        concurrency: int = 8,
        most_tries: int = MOST_TRIES,
        notifier: Notifier | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc).replace(microsecond=0),
    ) -> None:
        self.stores = stores
        self.triggers = triggers
        self._jobs = jobs
        self.now = now
        self._processor = JobProcessor(jobs, stores, region=region, concurrency=concurrency, most_tries=most_tries)
        self._notifying = _notifying(notifier, stores) if notifier else None
        self._parking = Parking(stores.parking_stores, most_tries, now)
        self._concurrency = concurrency
        self._idle = threading.Condition()
        self._worked_on = 0

    def close(self) -> None:
        """Wait until the work on all events has ended, and end the idle threads."""
        with self._idle:
            self._idle.wait_for(lambda: not self._worked_on)
        threads.pool.end_idle()

    def load(self) -> None:
        """Begin to load the SDKs and connections that the first job needs, in parallel. Returns at once.

        An error of loading is raised again at the first use.
        """
        begin(self._jobs.load)
        if self.stores.inspector:
            begin(self.stores.inspector.load)
        for sink in self.stores.sinks:
            begin(sink.load)
        if self._notifying:
            self._notifying.load()

    def has_told(self, stored: StoredJob) -> bool:
        """Return whether every target has acknowledged this job of the first sink; True without notifications."""
        return self._notifying is None or self._notifying.has_told(stored)

    def process(self, payload: bytes | str, deadline: Callable[[], Deadline]) -> BatchReport:
        """Parse a payload, process its events, and report their outcomes."""
        return self.report(self.parse(payload).events, RunContext(deadline))

    def parse(self, payload: bytes | str, deadline: Deadline | None = None) -> Triggered:
        """Read the events of a payload, with the settings of this pipeline.

        The part that is not read by the deadline becomes an event that is parked unread.
        """
        return parse(payload, self.triggers, time_is_over=lambda: deadline is not None and not deadline.left())

    def report(self, events: Iterable[TriggerEvent], run: RunContext) -> BatchReport:
        """Process events, and report their outcomes.

        No content of an event raises an error. The outcome `failed` means that an event could be neither finished nor
        parked, and must be delivered again.
        """
        outcomes = dict(self.process_events(events, run))
        return BatchReport(jobs=tuple(outcomes[index] for index in sorted(outcomes)))

    def process_events(self, events: Iterable[TriggerEvent], run: RunContext) -> Iterator[tuple[int, JobOutcome]]:
        """Yield the index and the outcome of each event as soon as it has ended. A job named twice is processed once.

        The next event is taken when a thread is free. The events that are not begun by the deadline are parked
        together.

            0 s                                    deadline                               parking
            │ ask, decode, write … event by event  │ events in work are parked one by one, │
            │                                      │ the rest in a few envelopes           │

        An event that names more sinks than an earlier event of the same job is processed after all others. Targets are
        told of the events that were parked together when all of them are parked: telling must not cost an event.
        """
        together: list[ParkedNow] = []
        yield from self._process(enumerate(events), run, together)
        if self._notifying:
            self._notifying.tell_parked(together)

    def _process(
        self, events: Iterable[tuple[int, TriggerEvent]], run: RunContext, together: list[ParkedNow]
    ) -> Iterator[tuple[int, JobOutcome]]:
        seen = SeenJobs()
        work: AsCompleted[int, JobOutcome] = AsCompleted()
        late: dict[int, ParkableEvent] = {}
        for index, event in events:
            if isinstance(event, JobEvent) and not seen.is_new(index, event):
                continue
            if isinstance(event, Ignored):
                yield index, self._finish(event, run)
            elif isinstance(event, Unread) or run.is_over():
                late[index] = event
            else:
                yield from work.ended(self._concurrency - 1, is_time_over=run.is_over)
                if work.under_way < self._concurrency:
                    work.start(index, partial(self._finish, event, run))
                else:
                    late[index] = event
        if late:
            yield from self._park_late(late, run, together)
        yield from work.ended()
        if seen.again:
            yield from self._process(seen.again.values(), run, together)

    def _park_late(
        self, late: dict[int, ParkableEvent], run: RunContext, together: list[ParkedNow]
    ) -> Iterator[tuple[int, JobOutcome]]:
        """Park the events that were not begun in time, with one log line for each envelope, and add these."""
        end = run.parking()
        for piece, parked, timer in self._parking.park_together(late, _NOT_BEGUN, run.parking):
            if self._notifying:
                together.append(ParkedNow([*piece.values()], parked, end))
            outcomes = {index: _parked_outcome(event, parked) for index, event in piece.items()}
            if len(piece) == 1:
                ((index, event),) = piece.items()
                _log_event(event, outcomes[index], run, timer, Retries())
            else:
                name = "failed" if parked.address is None else "parked"
                facts: JsonObject = {
                    event_log.INVOCATION_ID: run.request_id,
                    "events": len(piece),
                    "reason": parked.reason,
                }
                event_log.write_job(name, facts, timer, Retries())
            yield from outcomes.items()

    def _finish(self, event: JobEvent | Ignored | Malformed, run: RunContext) -> JobOutcome:
        """Record, ignore or park one event, and write its log line."""
        timer = StageTimer()
        with self._idle:
            self._worked_on += 1
        try:
            with count_retries() as retries:
                outcome = self._outcome(event, run, timer)
            _log_event(event, outcome, run, timer, retries)
            return outcome
        finally:
            with self._idle:
                self._worked_on -= 1
                self._idle.notify_all()

    def _outcome(self, event: JobEvent | Ignored | Malformed, run: RunContext, timer: StageTimer) -> JobOutcome:
        if isinstance(event, Ignored):
            return JobOutcome(job_id=None, outcome="ignored", reason=event.reason)
        if isinstance(event, Malformed):
            return self._park(event, Failure.malformed(event), run, timer)
        deadline = run.deadline()
        if not deadline.left():
            return self._park(event, _NOT_BEGUN, run, timer)
        try:
            with time_limit(deadline):
                return self._record(event, run, timer)
        except IceResultError as error:
            failure = Failure.from_error(error)
        except Exception as error:  # noqa: BLE001  a bug of ours must not cost the user an event
            failure = Failure.from_bug(error)
        return self._park(event, failure, run, timer)

    def _record(self, event: JobEvent, run: RunContext, timer: StageTimer) -> JobOutcome:
        before = self._notifying.written_before(event) if self._notifying else None
        written = before.written if before else self._processor.process(event, timer)
        if isinstance(written, Written):
            if written.files_missing:
                self._ask_again(written.record, run)
            if written.refused:
                failure = Failure.from_sinks(written.refused, recorded_elsewhere=bool(written.addresses))
                return self._park(event, failure, run, timer, written.record.function_name)
        not_told = self._notifying.tell(written, event, timer, before) if self._notifying else None
        if not_told:
            name = written.record.function_name if isinstance(written, Written) else event.function_name
            return _not_notified(self._park(event, not_told, run, timer, name), written)
        if isinstance(written, RecordedBefore):
            reason = f"ICE no longer knows the job, which is recorded: {shorten(written.key)}"
            return JobOutcome(job_id=event.job_id, outcome="ignored", reason=reason)
        return _recorded_outcome(written)

    def _ask_again(self, record: Record, run: RunContext) -> None:
        """Leave a note for the timer to ask for the job again: ICE may name its files a little later [inferred]."""
        if not self.stores.parking_stores:
            return
        now = self.now()
        note = Expected(
            job_id=record.job_id, function_name=record.function_name, expected_at=now, due_at=now + _ASKED_AGAIN_AFTER
        )
        try:
            list(leave_notes(self.stores.parking_stores, [note], run.parking))
        except IceResultError as error:  # the record says `outputs_missing`, and a person can ask again
            _log.warning("job %s is not asked for again: %s", record.job_id, error)

    def _park(
        self,
        event: JobEvent | Malformed,
        failure: Failure,
        run: RunContext,
        timer: StageTimer,
        function_name: str | None = None,
    ) -> JobOutcome:
        end = run.parking()
        parked = self._parking.park(event, failure, end, timer)
        if self._notifying:
            self._notifying.tell_parked([ParkedNow([event], parked, end)])
        return _parked_outcome(event, parked, function_name)


def _notifying(notifier: Notifier, stores: Stores) -> Notifying:
    from ice_result.processing.notifying import Notifying  # noqa: PLC0415  only with ICE_RESULT_NOTIFY

    return Notifying(notifier, stores.sinks)


def _recorded_outcome(written: Written) -> JobOutcome:
    record, manifest = written.record, written.manifest
    first = next(iter(written.addresses.values()))
    return JobOutcome(
        job_id=record.job_id,
        outcome="recorded",
        function_name=record.function_name,
        state=record.state,
        job_outcome=record.outcome,
        complete=manifest.complete,
        suspicious=manifest.suspicious,
        record=first.record,
        manifest=first.manifest,
        reason=shortfall(record, manifest),
    )


def _not_notified(parked: JobOutcome, job: Written | RecordedBefore) -> JobOutcome:
    """Add what is recorded of a job to the outcome of its event, which failed or was parked for targets."""
    if isinstance(job, RecordedBefore):
        if job.stored.manifest is None:
            return parked
        job = Written(job.stored.record, job.stored.manifest, {job.sink: job.sink.addresses(job.stored.record)}, {})
    recorded = _recorded_outcome(job)
    return recorded._replace(outcome=parked.outcome, record=parked.record or recorded.record, reason=parked.reason)


def _parked_outcome(event: ParkableEvent, parked: ParkedAs, function_name: str | None = None) -> JobOutcome:
    return JobOutcome(
        job_id=event.job_id if isinstance(event, JobEvent) else None,
        outcome="failed" if parked.address is None else "parked",
        function_name=function_name,
        record=parked.address,
        reason=parked.reason,
    )


def _log_event(event: TriggerEvent, outcome: JobOutcome, run: RunContext, timer: StageTimer, retries: Retries) -> None:
    ids = {event_log.INVOCATION_ID: run.request_id, "event_id": event.event_id, "event_type": event.event_type}
    facts: JsonObject = {name: getattr(outcome, name) for name in _LOGGED}
    event_log.write_job(outcome.outcome, {**ids, **facts}, timer, retries)
