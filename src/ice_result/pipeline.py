"""The five stages in a row, for one payload or many job ids: the only module that knows all of them.

    bytes ──► triggers ──► jobs ──► results ──► records ──► sinks

For one job the calls go out in three rounds; what stands in one column goes out together:

    ask ICE ──► look up each output file ──► commit to every sink (the manifest)
                stage in every sink (the record)
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ice_result.addresses import ObjectAddress
from ice_result.calls import Deadline
from ice_result.errors import IceResultError, ParkingError, shorten
from ice_result.jobs.model import JobSource
from ice_result.records import ObjectFacts, ObjectInspector, OutputFiles, build_manifest, build_record, output_files
from ice_result.results import decode
from ice_result.sinks.model import Parked, ParkedError, ParkingLot, Sink
from ice_result.triggers import Ignored, JobEvent, Malformed, TriggerEvent, TriggerOptions, parse
from ice_result.values import Model

JobOutcomeName: TypeAlias = Literal["recorded", "ignored", "parked", "failed"]
_PARKING_SECONDS = 15.0
_SHARE_FOR_LOOKING_UP = 0.5  # of a job's time: a store that does not answer must not cost the manifest
CALLS_PER_JOB = 4
"""How many calls one job may have under way at once."""


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
    via_http: bool = False

    def count(self, outcome: JobOutcomeName) -> int:
        """How many events ended this way."""
        return sum(job.outcome == outcome for job in self.jobs)


@dataclass(frozen=True)
class Stores:
    """Everything the last two stages talk to."""

    sinks: Sequence[Sink]
    lots: Sequence[ParkingLot]
    inspector: ObjectInspector | None


class Pipeline:
    """Events in, records and manifests out. One instance serves many calls, from one thread at a time."""

    def __init__(
        self, jobs: JobSource, stores: Stores, *, triggers: TriggerOptions, region: str | None, concurrency: int = 8
    ) -> None:
        self._jobs = jobs
        self._stores = stores
        self._triggers = triggers
        self._region = region
        self._workers = ThreadPoolExecutor(concurrency, thread_name_prefix="job")
        self._callers = ThreadPoolExecutor(concurrency * CALLS_PER_JOB, thread_name_prefix="call")

    def close(self) -> None:
        """End the threads; what they are doing is finished first."""
        self._workers.shutdown()
        self._callers.shutdown()

    def process(self, payload: bytes | str, deadline: Callable[[], Deadline]) -> Report:
        """Bring every event of a payload to its end. `deadline` is asked when work on a job begins.

        Raises nothing for what the payload holds: see Report. An outcome `failed` means that an event could
        be neither finished nor parked, so that whoever delivered it must deliver it again.
        """
        triggered = parse(payload, self._triggers)
        outcomes = dict(self.process_events(triggered.events, deadline))
        return Report(jobs=tuple(outcomes[index] for index in sorted(outcomes)), via_http=triggered.via_http)

    def process_events(
        self, events: Iterable[TriggerEvent], deadline: Callable[[], Deadline]
    ) -> Iterator[tuple[int, JobOutcome]]:
        """Each event's index and outcome as soon as it is there; a job named twice is worked on once."""
        seen: set[str] = set()
        waiting: dict[Future[JobOutcome], int] = {}
        for index, event in enumerate(events):
            if isinstance(event, Ignored):
                yield index, JobOutcome(job_id=None, outcome="ignored", reason=event.reason)
                continue
            if isinstance(event, JobEvent):
                if event.job_id in seen:
                    continue
                seen.add(event.job_id)
            waiting[self._workers.submit(self._finish, event, deadline)] = index
        for done in as_completed(waiting):
            yield waiting[done], done.result()

    def _finish(self, event: JobEvent | Malformed, deadline: Callable[[], Deadline]) -> JobOutcome:
        """Recorded, or parked, or failed: an event never just ends."""
        if isinstance(event, Malformed):
            return self._park(event, _Stopped("malformed", False, "Malformed", event.reason))
        try:
            return self._record(event, deadline())
        except IceResultError as error:
            return self._park(event, _Stopped(error.reason, error.transient, type(error).__name__, str(error)))
        except Exception as error:  # noqa: BLE001  our own mistake must not cost the user an event
            return self._park(event, _Stopped("internal", False, type(error).__name__, _defect(error)))

    def _record(self, event: JobEvent, deadline: Deadline) -> JobOutcome:
        job = self._jobs.get(event.job_id, deadline)
        decoded = decode(job.function_name, job.result, job.output_bucket)
        files = output_files(job, decoded)
        record = build_record(job, decoded, files, self._region)

        staged = [self._callers.submit(sink.stage, record, deadline) for sink in self._stores.sinks]
        facts = self._facts(files, deadline.part(_SHARE_FOR_LOOKING_UP))
        addresses = [stage.result() for stage in staged]

        manifest = build_manifest(record, files, facts)
        commits = [self._callers.submit(sink.commit, record, manifest, deadline) for sink in self._stores.sinks]
        manifests = [commit.result() for commit in commits]
        return JobOutcome(
            job_id=job.job_id,
            outcome="recorded",
            state=record.state,
            function_name=job.function_name,
            record=addresses[0],
            manifest=manifests[0],
            reason=None if record.outcome == "ok" else record.outcome,
        )

    def _facts(self, files: OutputFiles, deadline: Deadline) -> dict[ObjectAddress, ObjectFacts] | None:
        inspector = self._stores.inspector
        if inspector is None:
            return None
        asked = {
            file.address: self._callers.submit(inspector.facts, file.address, deadline)
            for file in files.files
            if file.address
        }
        return {address: answer.result() for address, answer in asked.items()}

    def _park(self, event: JobEvent | Malformed, stopped: _Stopped) -> JobOutcome:
        job_id = event.job_id if isinstance(event, JobEvent) else None
        parked = Parked(
            reason=stopped.reason,
            transient=stopped.transient,
            job_id=job_id,
            event_type=event.event_type,
            event_id=event.event_id,
            error=ParkedError(type=stopped.error, message=stopped.message),
            event=event.payload,
        )
        why = stopped.message
        for lot in self._stores.lots:
            try:
                address = lot.park(parked, Deadline.after(_PARKING_SECONDS))
            except IceResultError as error:
                why = f"{why}; not parked: {error}"
            else:
                return JobOutcome(job_id=job_id, outcome="parked", record=address, reason=f"{stopped.reason}: {why}")
        return JobOutcome(job_id=job_id, outcome="failed", reason=f"{ParkingError.reason}: {why}")


def _defect(error: Exception) -> str:
    """Where our own code broke; the whole traceback could hold what a message must not."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"a defect in ice-result, at {Path(frame.filename).name}:{frame.lineno} {frame.name}: {shorten(str(error))}"


@dataclass(frozen=True)
class _Stopped:
    reason: str
    transient: bool
    error: str
    message: str
