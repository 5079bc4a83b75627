"""Whatever comes, in whatever order, and whatever breaks: no event is ever lost, and in the end each job is there once.

A machine delivers events, breaks calls, finishes jobs, lets time pass, and wakes the timer, as Hypothesis pleases.
The stores are those of the product, over bytes in memory or in files; what breaks is a call at their seams.
"""

from __future__ import annotations

import json
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from ice_result.core.deadline import Deadline, current_deadline
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    JobNotFinishedError,
    NotFoundError,
    StorageError,
    ThrottledError,
    UnavailableError,
)
from ice_result.jobs.model import Job
from ice_result.maintenance import run_maintenance
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import read_envelopes, retry
from ice_result.processing.batch import BatchReport, Pipeline, RunContext
from ice_result.processing.write_job import Stores
from ice_result.records import ObjectFacts
from ice_result.sinks import Parked
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import ObjectStore
from ice_result.sinks.parked_model import Listed
from ice_result.triggers import JobEvent, Malformed, TriggerOptions, parse_again
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(SAMPLE_JOBS.glob("*.json"))[:6]
RESPONSES: list[JsonObject] = [json.loads(path.read_text(encoding="utf-8")) for path in SAMPLES]
JOB_IDS = [f"job-{number}" for number in range(len(RESPONSES))]
NOBODY = "job-of-another-region"
ERRORS: list[Exception] = [
    ThrottledError("call", service="it"),
    UnavailableError("call", service="it"),
    ForbiddenError("call", service="it"),
    StorageError("disk full"),
    ZeroDivisionError("our own mistake"),
]
CALLS = [
    *[("jobs", "get"), ("files", "get")],
    *[(place, "put") for place in ("one", "two", "one", "two", "two")],
    *[(place, operation) for operation in ("get", "delete", "list", "children") for place in ("one", "two")],
]
"""Place and operation; those that write more often than the others."""

job_ids = st.sampled_from([*JOB_IDS, NOBODY])
messages: st.SearchStrategy[JsonValue] = st.one_of(
    job_ids.map(lambda job_id: {"JobId": job_id}),
    job_ids.map(lambda job_id: {"requestId": "R", "messageId": "M", "messageBody": json.dumps({"JobId": job_id})}),
    st.lists(job_ids, min_size=1, max_size=4).map(lambda some: {"JobIds": [*some]}),
    st.sampled_from([{"EventType": "TranscodeComplete"}, {"JobId": ""}, {"messageBody": "\x00?"}, 7, {"x": [None]}]),
)


class Breakage(NamedTuple):
    """What happens to a call of an operation at a place, before it is carried out or after; `passing` calls go well."""

    call: tuple[str, str]
    error: Exception
    after: bool
    passing: int = 0


class Breakages:
    """Those still to come."""

    def __init__(self) -> None:
        self.waiting: list[Breakage] = []
        self._lock = threading.Lock()

    def take(self, place: str, operation: str) -> Breakage | None:
        """The one that strikes this call."""
        with self._lock:
            for index, breakage in enumerate(self.waiting):
                if breakage.call != (place, operation):
                    continue
                if not breakage.passing:
                    return self.waiting.pop(index)
                self.waiting[index] = breakage._replace(passing=breakage.passing - 1)
        return None

    def strike(self, place: str, operation: str) -> None:
        """For a call that changes nothing: before or after is the same."""
        if breakage := self.take(place, operation):
            raise breakage.error


class MemoryStore(ObjectStore):
    """An ObjectStore in a dictionary."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._objects: dict[str, tuple[bytes, datetime]] = {}

    @override
    def address(self, key: str, /) -> str:
        """Where it is."""
        return f"memory:{key}"

    @override
    def put(self, key: str, data: bytes, /) -> str:
        """Write it."""
        self._objects[key] = (data, self.now)
        return self.address(key)

    @override
    def get(self, key: str, /) -> bytes | None:
        """Read it."""
        return self._objects.get(key, (None, None))[0]

    @override
    def delete(self, key: str, /) -> None:
        """Remove it."""
        self._objects.pop(key, None)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """What lies there, on one page."""
        there = sorted(key for key in self._objects if key.startswith(folder) and key > after)
        yield [Listed(key, self._objects[key][1]) for key in there]

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        """The folders in it."""
        inside = (key.removeprefix(folder) for key in self._objects if key.startswith(folder))
        return iter(sorted({rest.partition("/")[0] for rest in inside if "/" in rest}))


@dataclass(frozen=True, eq=False)
class BreakingStore(ObjectStore):
    """An ObjectStore whose calls fail when they are told to."""

    place: str
    inner: ObjectStore
    breakages: Breakages

    @override
    def address(self, key: str, /) -> str:
        """As the inner one."""
        return self.inner.address(key)

    @override
    def put(self, key: str, data: bytes, /) -> str:
        """As the inner one; or an error, though it may be done."""
        breakage = self.breakages.take(self.place, "put")
        if breakage and not breakage.after:
            raise breakage.error
        address = self.inner.put(key, data)
        if breakage:
            raise breakage.error
        return address

    @override
    def delete(self, key: str, /) -> None:
        """As `put`."""
        breakage = self.breakages.take(self.place, "delete")
        if breakage and not breakage.after:
            raise breakage.error
        self.inner.delete(key)
        if breakage:
            raise breakage.error

    @override
    def get(self, key: str, /) -> bytes | None:
        """As the inner one, or an error."""
        self.breakages.strike(self.place, "get")
        return self.inner.get(key)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """As `get`."""
        self.breakages.strike(self.place, "list")
        return self.inner.list(folder, after=after)

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        """As `get`."""
        self.breakages.strike(self.place, "children")
        return self.inner.children(folder)


@dataclass
class Jobs:
    """A JobSource: what is not in `states` is unknown."""

    breakages: Breakages
    states: dict[str, str] = field(default_factory=dict)

    def load(self) -> None:
        """Nothing is loaded."""

    def get(self, job_id: JobId) -> Job:
        """The job, if it is finished."""
        assert current_deadline().left()
        self.breakages.strike("jobs", "get")
        state = self.states.get(job_id)
        if state is None:
            raise NotFoundError(f"ask for {job_id}", service="ICE")
        if state == "running":
            raise JobNotFinishedError(f"{job_id} still runs")
        return Job.from_response(job_id, {**RESPONSES[JOB_IDS.index(job_id)], "JobId": job_id})


@dataclass(frozen=True)
class Files:
    """An ObjectInspector that finds every file."""

    breakages: Breakages

    def load(self) -> None:
        """Nothing is loaded."""

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """There, or nobody knows."""
        assert current_deadline().left()
        if self.breakages.take("files", "get"):
            return ObjectFacts(exists=None, problem="unreachable", message=f"look up {address.uri}")
        return ObjectFacts(exists=True, size_bytes=7)


def _in_time() -> Deadline:
    return Deadline.after(30)


class Events(RuleBasedStateMachine):
    """The function with two stores; and `platform`, which keeps what the function gave back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime.now(timezone.utc).replace(microsecond=0)
        self.breakages = Breakages()
        self.jobs = Jobs(self.breakages)
        self.inner = self.stores()
        self.pipeline = self.build(self.jobs, self.inner)
        self.platform: list[list[JsonValue]] = []
        self.delivered: list[list[JsonValue]] = []
        self.owed_jobs: set[str] = set()
        self.owed_messages: list[JsonValue] = []

    def stores(self) -> dict[str, ObjectStore]:
        """Where everything is kept."""
        return {"one": MemoryStore(self.now), "two": MemoryStore(self.now)}

    def build(self, jobs: Jobs, inner: dict[str, ObjectStore]) -> Pipeline:
        """One job at a time, so that a failure can be repeated."""
        sinks = [
            ObjectStoreSink(f"memory:{place}", BreakingStore(place, store, jobs.breakages), Layout())
            for place, store in inner.items()
        ]
        stores = Stores(sinks=sinks, parking_stores=[sink.parking for sink in sinks], inspector=Files(jobs.breakages))
        options, region = TriggerOptions(), "cn-shanghai"
        return Pipeline(jobs, stores, triggers=options, region=region, concurrency=1, now=lambda: self.now)

    @initialize(known=st.sets(st.sampled_from(JOB_IDS), min_size=3))
    def begin(self, known: set[str]) -> None:
        """Some jobs are finished before anything comes."""
        self.jobs.states = dict.fromkeys(sorted(known), "finished")

    @rule(payload=st.lists(messages, min_size=1, max_size=5), in_time=st.booleans())
    def deliver(self, payload: list[JsonValue], in_time: bool) -> None:
        """A batch, perhaps when there is no time left to begin with it."""
        self.delivered.append(payload)
        terms = RunContext(_in_time if in_time else lambda: Deadline.after(0), _in_time)
        events = self.pipeline.parse(json.dumps(payload)).events
        report = self.pipeline.report(events, terms)
        if report.count("failed"):
            self.platform.append(payload)
            return
        self.owed_jobs |= {event.job_id for event in events if isinstance(event, JobEvent)}
        self.owed_messages += [event.payload for event in events if isinstance(event, Malformed)]
        self.check_outcomes(report)

    def check_outcomes(self, report: BatchReport) -> None:
        """Each is one of three, and says what a user must know."""
        for job in report.jobs:
            assert job.outcome in ("recorded", "ignored", "parked"), job
            assert (job.record and job.manifest) if job.outcome == "recorded" else job.reason, job

    @precondition(lambda self: self.platform)
    @rule()
    def deliver_again(self) -> None:
        """What was given back."""
        self.deliver(self.platform.pop(0), in_time=True)

    @precondition(lambda self: self.delivered)
    @rule(number=st.integers(0, 1000))
    def deliver_twice(self, number: int) -> None:
        """What came before."""
        self.deliver(self.delivered[number % len(self.delivered)], in_time=True)

    @rule(job_id=st.sampled_from(JOB_IDS), state=st.sampled_from(["running", "finished"]))
    def change(self, job_id: str, state: str) -> None:
        """ICE learns of a job, or finishes it."""
        if self.jobs.states.get(job_id) != "finished":
            self.jobs.states[job_id] = state

    @rule(
        some=st.lists(
            st.builds(Breakage, st.sampled_from(CALLS), st.sampled_from(ERRORS), st.booleans(), st.integers(0, 2)),
            min_size=1,
            max_size=6,
        )
    )
    def break_calls(self, some: list[Breakage]) -> None:
        """Some of the next calls fail."""
        self.breakages.waiting += some

    @rule()
    def break_all(self) -> None:
        """Neither store takes anything for a while."""
        refused = [Breakage((place, "put"), ERRORS[1], after=False) for place in ("one", "two")]
        self.breakages.waiting += refused * 4

    @rule(minutes=st.integers(1, 90))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.now += timedelta(minutes=minutes)
        for store in self.inner.values():
            if isinstance(store, MemoryStore):
                store.now = self.now

    @rule()
    def wake(self) -> None:
        """The timer; where what is parked cannot be listed, it fails."""
        with suppress(IceResultError, ZeroDivisionError):
            list(run_maintenance(self.pipeline, RunContext(_in_time, _in_time)))

    @rule()
    def retry_by_hand(self) -> None:
        """Everything that is parked, by a person."""
        with suppress(IceResultError, ZeroDivisionError):
            self.retry_all()

    def retry_all(self) -> int:
        """How many there were."""
        found = read_envelopes(list_parked(self.pipeline.stores.parking_stores, None), _in_time())
        return len(list(retry(self.pipeline, found, RunContext(_in_time, _in_time))))

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each event that was not given back is in both stores, or in an envelope."""
        recorded = [self.ids(store, "records") & self.ids(store, "manifests") for store in self.inner.values()]
        kept_jobs, kept_messages = self.parked()
        lost = self.owed_jobs - (recorded[0] & recorded[1]) - kept_jobs
        assert not lost, f"neither recorded nor parked: {sorted(lost)}"
        assert not [message for message in self.owed_messages if message not in kept_messages]

    def ids(self, store: ObjectStore, kind: str) -> set[str]:
        """The jobs that have an object of this kind."""
        return {key.rpartition("/")[2].removesuffix(".json") for key in self.objects(store) if key.startswith(kind)}

    def objects(self, store: ObjectStore) -> dict[str, bytes]:
        """All that lies in a store, whatever is broken, but for how far a listing got."""
        found = {key: store.get(key) for page in store.list("") for key, _ in page}
        return {key: data for key, data in found.items() if data is not None and key != Layout().position()}

    def parked(self) -> tuple[set[str], list[JsonValue]]:
        """The jobs and the unreadable messages in all envelopes."""
        jobs: set[str] = set()
        unreadable: list[JsonValue] = []
        for store in self.inner.values():
            for key, data in self.objects(store).items():
                if not key.startswith("parked/"):
                    continue
                parked = Parked.model_validate_json(data)
                events = parse_again(parked.event, parked.past, TriggerOptions())
                named = {event.job_id for event in events if isinstance(event, JobEvent)}
                jobs |= {parked.job_id} & named if parked.job_id else named
                unreadable += [event.payload for event in events if isinstance(event, Malformed)]
        return jobs, unreadable

    @override
    def teardown(self) -> None:
        """All is well again: everything is delivered and retried, and all that can be finished is, once."""
        try:
            self.breakages.waiting.clear()
            self.jobs.states = dict.fromkeys(self.jobs.states, "finished")
            for payload in [*self.platform, *self.delivered]:
                self.deliver(payload, in_time=True)
            self.retry_all()
            self.retry_all()
            self.nothing_is_lost()
            self.check_end()
        finally:
            self.pipeline.close()

    def check_end(self) -> None:
        """The same bytes as without any trouble; and left is only what is unreadable or unknown."""
        finished = sorted(self.owed_jobs & self.jobs.states.keys())
        quiet: dict[str, ObjectStore] = {"one": MemoryStore(self.now)}
        with closing(self.build(Jobs(Breakages(), dict(self.jobs.states)), quiet)) as pipeline:
            pipeline.process(json.dumps({"JobIds": [*finished]} if finished else 7), _in_time)
        expected = {key: data for key, data in self.objects(quiet["one"]).items() if not key.startswith("parked/")}
        assert len(expected) == (3 * len(finished) + 1 if finished else 0)
        left: defaultdict[str, set[str]] = defaultdict(set)
        for store in self.inner.values():
            there = self.objects(store)
            assert {key: data for key, data in there.items() if not key.startswith("parked/")} == expected
            for key in there.keys() - expected.keys():
                _, reason, name = key.split("/")
                left[reason].add(name.removesuffix(".json"))
        assert left.keys() <= {"malformed", "not_found", "dead"}, left
        assert left["not_found"] <= {NOBODY, *JOB_IDS} - set(finished)


class EventsInFiles(Events):
    """The same with one of the stores in a folder."""

    @override
    def stores(self) -> dict[str, ObjectStore]:
        """A folder of its own for each run."""
        self.folder = tempfile.TemporaryDirectory(prefix="events-")
        return {"one": FileStore(Path(self.folder.name)), "two": MemoryStore(self.now)}

    @override
    def teardown(self) -> None:
        """And the folder goes."""
        with self.folder:
            super().teardown()


QUICK = settings(
    deadline=None, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestEvents = Events.TestCase
TestEvents.settings = settings(QUICK, max_examples=60)
TestEventsInFiles = EventsInFiles.TestCase
TestEventsInFiles.settings = settings(QUICK, max_examples=15)
