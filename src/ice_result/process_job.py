"""One job through the last four stages: asked for, decoded, normalised, written to every sink.

The calls go out in three rounds; what stands in one column goes out together:

    ask ICE ──► look up each output file ──► commit to every sink (the manifest)
                stage in every sink (the record)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from typing_extensions import ParamSpec

from ice_result.addresses import ObjectAddress
from ice_result.calls import Deadline
from ice_result.errors import IceResultError
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
from ice_result.sinks.model import Loads, ParkingLot, Sink
from ice_result.sinks.registry import catalogue_of
from ice_result.triggers import JobEvent

P = ParamSpec("P")
T = TypeVar("T")
CALLS_PER_JOB = 4
"""How many calls one job may have under way at once."""
_SHARE_FOR_LOOKING_UP = 0.5  # of a job's time: a store that does not answer must not cost the manifest


@dataclass(frozen=True)
class Stores:
    """Everything the last two stages talk to."""

    sinks: Sequence[Sink]
    lots: Sequence[ParkingLot]
    inspector: ObjectInspector | None


@dataclass(frozen=True)
class Processed:
    """A job that was asked for, and what each sink made of it.

    `records` and `manifests` are the addresses in the sinks that have them, in the sinks' order; `refused` holds the
    error of each sink that lacks the job.
    """

    record: Record
    manifest: Manifest
    records: Sequence[str]
    manifests: Sequence[str]
    refused: Mapping[Sink, IceResultError]


class JobProcessor:
    """Takes one job after the other through the stages; any number of threads may use it at once."""

    def __init__(self, jobs: JobSource, stores: Stores, *, region: str | None, concurrency: int) -> None:
        self._jobs = jobs
        self._stores = stores
        self._region = region
        self._callers = ThreadPoolExecutor(concurrency * CALLS_PER_JOB, thread_name_prefix="call")

    def close(self) -> None:
        """End the threads; what they are doing is finished first."""
        self._callers.shutdown()

    def load(self) -> None:
        """Begin to make ready what the first job needs. What cannot be loaded is reported when it is used."""
        stores = self._stores
        parts: tuple[object, ...] = (self._jobs, stores.inspector, *stores.sinks, *stores.lots)
        for part in parts:
            if isinstance(part, Loads):
                self._callers.submit(part.load)

    def process(self, event: JobEvent, deadline: Deadline, watch: Stopwatch) -> Processed:
        """Ask for the job of `event`, and write it to the sinks that lack it. Raises what ICE's answer raises."""
        with watch.lap("ask"):
            job = self._jobs.get(event.job_id, deadline)
        decoded = decode(job.function_name, job.result, job.output_bucket)
        files = output_files(job, decoded)
        record = build_record(job, decoded, files, self._region)

        lacking = event.past.sinks if event.past else ()
        sinks = [sink for sink in self._stores.sinks if sink.url in lacking] or [*self._stores.sinks]
        with watch.lap("stage"):
            staging = {sink: self._submit(sink.stage, record, deadline) for sink in sinks}
            facts = self._facts(files, deadline.part(_SHARE_FOR_LOOKING_UP), watch)
            records, refused = _gather(staging)

        manifest = self._no_worse(build_manifest(record, files, facts), record, deadline)
        with watch.lap("commit"):
            committing = {sink: self._submit(sink.commit, record, manifest, deadline) for sink in records}
            manifests, refused_later = _gather(committing)
        return Processed(record, manifest, [*records.values()], [*manifests.values()], refused | refused_later)

    def _facts(
        self, files: OutputFiles, deadline: Deadline, watch: Stopwatch
    ) -> dict[ObjectAddress, ObjectFacts] | None:
        inspector = self._stores.inspector
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
            before = catalogue_of(self._stores.sinks[0]).find(record.job_id, deadline.part(_SHARE_FOR_LOOKING_UP), hint)
        except IceResultError:
            return manifest
        stored = before.manifest if before and before.record == record else None
        same = stored and [file.uri for file in stored.files] == [file.uri for file in manifest.files]
        return stored if stored and same and stored.complete else manifest

    def _submit(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Make a call beside others; what it has to try again counts for the job it is made for."""
        context = copy_context()
        return self._callers.submit(lambda: context.run(call, *arguments, **named))


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
