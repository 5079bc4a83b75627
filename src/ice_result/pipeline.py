"""The five stages in a row, for one payload or many job ids: the only module that knows all of them.

    bytes ──► triggers ──► jobs ──► results ──► records ──► sinks

For one job the calls go out in three rounds; what stands in one column goes out together:

    ask ICE ──► look up each output file ──► commit to every sink (the manifest)
                stage in every sink (the record)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, TypeAlias, TypeVar

from typing_extensions import ParamSpec

from ice_result import journal
from ice_result.addresses import ObjectAddress
from ice_result.calls import Deadline, Retries, count_retries
from ice_result.errors import IceResultError, OutOfTimeError, ParkingError, shorten
from ice_result.jobs.model import JobSource
from ice_result.journal import Stopwatch
from ice_result.records import (
    Manifest,
    ObjectFacts,
    ObjectInspector,
    OutputFiles,
    Record,
    build_manifest,
    build_record,
    output_files,
)
from ice_result.results import decode
from ice_result.sinks.catalogue import Hint
from ice_result.sinks.model import Loads, Parked, ParkingLot, Sink
from ice_result.sinks.registry import catalogue_of
from ice_result.stopped import Stopped
from ice_result.triggers import Ignored, JobEvent, Malformed, Triggered, TriggerEvent, TriggerOptions, parse
from ice_result.values import Model

P = ParamSpec("P")
T = TypeVar("T")
JobOutcomeName: TypeAlias = Literal["recorded", "ignored", "parked", "failed"]
_SHARE_FOR_LOOKING_UP = 0.5  # of a job's time: a store that does not answer must not cost the manifest
CALLS_PER_JOB = 4
"""How many calls one job may have under way at once."""
MOST_TRIES = 24
"""How often an event is parked before it is dead: most of a day, as the timer spaces its retries (see upkeep)."""
_LOOKAHEAD = 2  # events begun for each that is worked on: a payload of a million is read as it is worked on


class JobOutcome(Model):
    """What became of one event. `record` and `manifest` are addresses in the first sink, or where it is parked."""

    job_id: str | None
    outcome: JobOutcomeName
    state: str | None = None
    function_name: str | None = None
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


@dataclass(frozen=True)
class Stores:
    """Everything the last two stages talk to."""

    sinks: Sequence[Sink]
    lots: Sequence[ParkingLot]
    inspector: ObjectInspector | None


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
        self._jobs = jobs
        self._region = region
        self._most_tries = most_tries
        self._most_begun = concurrency * _LOOKAHEAD
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="job")
        self._callers = ThreadPoolExecutor(concurrency * CALLS_PER_JOB, thread_name_prefix="call")

    def close(self) -> None:
        """End the threads; what they are doing is finished first."""
        self._workers.shutdown()
        self._callers.shutdown()

    def load(self) -> None:
        """Begin to make ready what the first job needs; it waits for its part only, while others still load.

        Nothing is called. What cannot be loaded is told when it is used.
        """
        parts: tuple[object, ...] = (self._jobs, self.stores.inspector, *self.stores.sinks, *self.stores.lots)
        for part in parts:
            if isinstance(part, Loads):
                self._callers.submit(part.load)

    def process(self, payload: bytes | str, deadline: Callable[[], Deadline]) -> Report:
        """Bring every event of a payload to its end: `parse`, then `report` on its events."""
        return self.report(self.parse(payload).events, Terms(deadline))

    def parse(self, payload: bytes | str) -> Triggered:
        """The first stage alone: what a payload holds, as this pipeline is configured."""
        return parse(payload, self.triggers)

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
        │                                     │ is parked; the rest, in one piece
        """
        seen: set[str] = set()
        under_way: dict[Future[JobOutcome], int] = {}
        late: dict[int, JobEvent | Malformed] = {}
        for index, event in enumerate(events):
            if isinstance(event, JobEvent):
                if event.job_id in seen:
                    continue
                seen.add(event.job_id)
            if isinstance(event, Ignored):
                yield index, self._finish(event, terms)
            elif not terms.deadline().left():
                late[index] = event
            else:
                under_way[self._workers.submit(self._finish, event, terms)] = index
                yield from _ended(under_way, None if len(under_way) >= self._most_begun else 0)
        yield from self._park_together(late, terms)
        while under_way:
            yield from _ended(under_way)

    def _park_together(
        self, late: Mapping[int, JobEvent | Malformed], terms: Terms
    ) -> Iterator[tuple[int, JobOutcome]]:
        """One envelope for all: to park thousands one by one would take the time that there is not."""
        if not late:
            return
        error = OutOfTimeError("the time of this run was over before work on it began")
        stopped, watch = Stopped.by(error), Stopwatch()
        parked = stopped.parked_together([*late.values()], self.now(), self._most_tries)
        kept = self._keep(parked, stopped, terms, watch)
        for index, event in late.items():
            job_id = event.job_id if isinstance(event, JobEvent) else None
            outcome = kept.model_copy(update={"job_id": job_id})
            _log(event, outcome, terms, watch, Retries())
            yield index, outcome

    def _finish(self, event: TriggerEvent, terms: Terms) -> JobOutcome:
        """Recorded, ignored, parked, or failed: an event never just ends, and the log says how."""
        watch = Stopwatch()
        with count_retries() as retries:
            outcome = self._outcome(event, terms, watch)
        _log(event, outcome, terms, watch, retries)
        return outcome

    def _outcome(self, event: TriggerEvent, terms: Terms, watch: Stopwatch) -> JobOutcome:
        if isinstance(event, Ignored):
            return JobOutcome(job_id=None, outcome="ignored", reason=event.reason)
        if isinstance(event, Malformed):
            return self._park(event, Stopped.malformed(event), terms, watch)
        try:
            return self._record(event, terms, watch)
        except IceResultError as error:
            return self._park(event, Stopped.by(error), terms, watch)
        except Exception as error:  # noqa: BLE001  our own mistake must not cost the user an event
            return self._park(event, Stopped.by_defect(error), terms, watch)

    def _record(self, event: JobEvent, terms: Terms, watch: Stopwatch) -> JobOutcome:
        deadline = terms.deadline()
        with watch.lap("ask"):
            job = self._jobs.get(event.job_id, deadline)
        decoded = decode(job.function_name, job.result, job.output_bucket)
        files = output_files(job, decoded)
        record = build_record(job, decoded, files, self._region)

        lacking = event.past.sinks if event.past else ()
        sinks = [sink for sink in self.stores.sinks if sink.url in lacking] or [*self.stores.sinks]
        with watch.lap("stage"):
            staging = {sink: self._submit(sink.stage, record, deadline) for sink in sinks}
            facts = self._facts(files, deadline.part(_SHARE_FOR_LOOKING_UP), watch)
            records, refused = _gather(staging)

        manifest = self._no_worse(build_manifest(record, files, facts), record, deadline)
        with watch.lap("commit"):
            committing = {sink: self._submit(sink.commit, record, manifest, deadline) for sink in records}
            manifests, refused_later = _gather(committing)

        if refused or refused_later:
            stopped = Stopped.by_sinks(refused | refused_later, taken=bool(manifests))
            return self._park(event, stopped, terms, watch, job.function_name)
        return JobOutcome(
            job_id=job.job_id,
            outcome="recorded",
            state=record.state,
            function_name=job.function_name,
            record=records[sinks[0]],
            manifest=manifests[sinks[0]],
            reason=None if record.outcome == "ok" else record.outcome,
        )

    def _facts(
        self, files: OutputFiles, deadline: Deadline, watch: Stopwatch
    ) -> dict[ObjectAddress, ObjectFacts] | None:
        inspector = self.stores.inspector
        if inspector is None:
            return None
        with watch.lap("look_up"):
            asked = {
                file.address: self._submit(inspector.facts, file.address, deadline)
                for file in files.files
                if file.address
            }
            return {address: answer.result() for address, answer in asked.items()}

    def _no_worse(self, manifest: Manifest, record: Record, deadline: Deadline) -> Manifest:
        """The manifest; or, when a file could not be reached this time, a complete one of the same files that is there.

        So an event that comes again while OSS does not answer takes nothing back that was verified before.
        """
        if not record.create_time or all(problem.code != "unreachable" for problem in manifest.problems):
            return manifest
        hint = Hint(record.function_name, record.create_time)
        try:
            before = catalogue_of(self.stores.sinks[0]).find(record.job_id, deadline.part(_SHARE_FOR_LOOKING_UP), hint)
        except IceResultError:
            return manifest
        stored = before.manifest if before and before.record == record else None
        same = stored and [file.uri for file in stored.files] == [file.uri for file in manifest.files]
        return stored if stored and same and stored.complete else manifest

    def _submit(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Make a call beside others; what it has to try again counts for the job it is made for."""
        context = copy_context()
        return self._callers.submit(lambda: context.run(call, *arguments, **named))

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


def _ended(under_way: dict[Future[JobOutcome], int], seconds: float | None = None) -> Iterator[tuple[int, JobOutcome]]:
    """Those that end next, within `seconds` if given; they are then no longer under way."""
    done, _ = wait(under_way, seconds, FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future.result()


def _log(event: TriggerEvent, outcome: JobOutcome, terms: Terms, watch: Stopwatch, retries: Retries) -> None:
    ids = {"request_id": terms.request_id, "event_id": event.event_id, "event_type": event.event_type}
    facts = outcome.model_dump(include={"job_id", "function_name", "state", "reason"})
    journal.write_job(outcome.outcome, {**ids, **facts}, watch, retries)


def _gather(calls: Mapping[Sink, Future[str]]) -> tuple[dict[Sink, str], dict[Sink, IceResultError]]:
    """What each sink answered, and the errors of those that refused; every call has ended by then."""
    wait(calls.values())
    answers: dict[Sink, str] = {}
    refused: dict[Sink, IceResultError] = {}
    for sink, call in calls.items():
        try:
            answers[sink] = call.result()
        except IceResultError as error:
            refused[sink] = error
    return answers, refused
