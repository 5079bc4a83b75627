"""The pipeline between its seams: what happens when a stage breaks, and in how many rounds the calls go out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import cast

import pytest
from typing_extensions import override

from alicloud_local import CallEvent, LocalCloud
from ice_result.contents.model import Content
from ice_result.core.deadline import Deadline, current_deadline
from ice_result.core.json_text import dump
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonValue
from ice_result.errors import ForbiddenError, StorageError, ThrottledError, TimedOutError
from ice_result.function import Function
from ice_result.jobs.model import Job
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.processing.write_job import Stores
from ice_result.records import Manifest, ObjectFacts, Record
from ice_result.sinks import Parked, ParkedEvents, Store
from ice_result.sinks.base import Addresses
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_events import ParkedAt
from ice_result.triggers import JobEvent, TriggerOptions, parse_again
from support.fake_clock import FakeTime
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials


@dataclass
class Jobs:
    """A JobSource that answers with one sample, or raises what it is told to."""

    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def load(self) -> None:
        """Nothing is loaded."""

    def get(self, job_id: JobId) -> Job:
        """The sample under any id."""
        assert current_deadline().left() > 0
        self.asked.append(job_id)
        if self.error:
            raise self.error
        return Job.from_response(job_id, json.loads((SAMPLE_JOBS / "cover-0001.json").read_text()) | {"JobId": job_id})


@dataclass(eq=False)
class FakeStore:
    """A sink, a parking store and an inspector that remember; or raise what they are told to."""

    url: str = "memory:"
    refuses: Exception | None = None
    written: list[str] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)

    def addresses(self, record: Record) -> Addresses:
        """Made of the job's id."""
        return Addresses(f"record {record.job_id}", f"manifest {record.job_id}")

    def load(self) -> None:
        """Nothing is loaded."""

    def verified(self, record: Record) -> None:
        """No manifest is stored."""
        assert record.job_id
        assert current_deadline().at

    def stage(self, record: Record) -> None:
        """Remember the record."""
        self._write(f"record {record.job_id}")

    def commit(self, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None) -> None:
        """Remember the manifest; no file here has a content."""
        assert contents is None
        self._write(f"manifest {record.job_id} {manifest.complete}")

    def park(self, parked: Parked) -> ParkedAt:
        """Remember the event."""
        self._write("parked")
        self.parked.append(parked)
        return ParkedAt("parked", parked)

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Every file is there."""
        assert address.bucket
        assert current_deadline().left() > 0
        return ObjectFacts(exists=True)

    def _write(self, what: str) -> str:
        assert current_deadline().left() > 0
        if self.refuses:
            raise self.refuses
        self.written.append(what)
        return what


@dataclass(eq=False)
class SilentStore(FakeStore):
    """A store that takes what is written, and answers no question before its time is over."""

    fake_time: FakeTime = field(default_factory=FakeTime)

    @override
    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Nothing is known of any file."""
        self.fake_time.move_to(current_deadline().at)
        return ObjectFacts(exists=None, problem="unreachable")

    @override
    def verified(self, record: Record) -> None:
        """Nothing is known of any job."""
        self.fake_time.move_to(current_deadline().at)
        raise TimedOutError(f"read the manifest of {record.job_id}", service="OSS")


def _in_ten_seconds() -> Deadline:
    return Deadline.after(10)


_OVER = RunContext(lambda: Deadline.after(0), _in_ten_seconds)
"""The time for work is over, that for parking is not."""


def _pipeline(jobs: Jobs, sinks: list[FakeStore], parking_stores: list[FakeStore]) -> Pipeline:
    stores = Stores(
        sinks=cast("list[Store]", sinks),
        parking_stores=cast("list[ParkedEvents]", parking_stores),  # it only parks there
        inspector=FakeStore(),
    )
    return Pipeline(jobs, stores, triggers=TriggerOptions(), region="cn-shanghai", concurrency=4)


def _run(
    payload: object, jobs: Jobs, sinks: list[FakeStore], parking_stores: list[FakeStore]
) -> tuple[JobOutcome, ...]:
    with closing(_pipeline(jobs, sinks, parking_stores)) as pipeline:
        return pipeline.process(json.dumps(payload).encode(), _in_ten_seconds).jobs


def test_the_manifest_is_written_after_the_record_and_only_once_a_job() -> None:
    """GIVEN a job named three times in one payload THEN it is asked for once and written in order."""
    jobs, sink = Jobs(), FakeStore()
    (outcome,) = _run([{"JobId": "a"}, {"JobId": "a"}, {"JobIds": ["a"]}], jobs, [sink], [sink])
    assert jobs.asked == ["a"]
    assert sink.written == ["record a", "manifest a True"]
    assert (outcome.outcome, outcome.record, outcome.manifest) == ("recorded", "record a", "manifest a")


def test_outcomes_come_in_the_order_of_the_payload() -> None:
    """Whatever ends first."""
    payload = [{"JobId": "a"}, {"EventType": "TranscodeComplete"}, 7, {"JobId": "b"}]
    outcomes = _run(payload, Jobs(), [FakeStore()], [FakeStore()])
    assert [outcome.outcome for outcome in outcomes] == ["recorded", "ignored", "parked", "recorded"]
    assert [outcome.job_id for outcome in outcomes] == ["a", None, None, "b"]


def test_a_defect_of_our_own_parks_the_event_and_names_the_place() -> None:
    """The user loses nothing; the message tells where, and holds no secret that an error text may carry."""
    parking_store = FakeStore()
    error = ZeroDivisionError("http://b.oss-cn-shanghai.aliyuncs.com/x?Signature=secret")
    (outcome,) = _run({"JobId": "a"}, Jobs(error), [FakeStore()], [parking_store])
    assert outcome.outcome == "parked"
    (parked,) = parking_store.parked
    assert parked.reason == "internal"
    assert "test_batch.py" in parked.error.message
    assert "secret" not in parked.error.message


def test_a_store_that_answers_no_question_does_not_cost_the_other_its_manifest() -> None:
    """GIVEN files, and an earlier manifest, that take all the time they may THEN the other store has its manifest.

    In the silent one nobody can tell whether a complete manifest is stored: the event is parked for it.
    """
    silent, other = SilentStore(url="silent:"), FakeStore()
    parking_store = FakeStore()
    stores = Stores(
        sinks=cast("list[Store]", [silent, other]),
        parking_stores=cast("list[ParkedEvents]", [parking_store]),
        inspector=silent,
    )
    end = Deadline.after(10, silent.fake_time.clock)
    with closing(Pipeline(Jobs(), stores, triggers=TriggerOptions(), region="cn-shanghai")) as pipeline:
        (outcome,) = pipeline.process(b'{"JobId":"a"}', lambda: end).jobs
    assert outcome.outcome == "parked"
    assert (silent.written, other.written) == (["record a"], ["record a", "manifest a False"])
    assert parking_store.parked[0].sinks == ("silent:",)
    assert end.left() == pytest.approx(2.5)  # a half, and a half of the rest


def test_the_next_parking_store_is_tried_when_one_refuses() -> None:
    """Anywhere durable will do."""
    broken, parking_store = FakeStore(refuses=StorageError("disk full")), FakeStore()
    (outcome,) = _run(
        {"JobId": "a"}, Jobs(ForbiddenError("ask", service="ICE")), [FakeStore()], [broken, parking_store]
    )
    assert outcome.outcome == "parked"
    assert len(parking_store.parked) == 1


def test_the_next_parking_store_is_tried_when_one_breaks() -> None:
    """A defect in one store must not cost an event that another would keep."""
    broken, parking_store = FakeStore(refuses=ValueError("http://b/x?Signature=secret")), FakeStore()
    (outcome,) = _run(
        {"JobId": "a"}, Jobs(ForbiddenError("ask", service="ICE")), [FakeStore()], [broken, parking_store]
    )
    assert outcome.outcome == "parked"
    (alone,) = _run({"JobId": "a"}, Jobs(ForbiddenError("ask", service="ICE")), [FakeStore()], [broken])
    assert alone.outcome == "failed"
    assert "secret" not in str(alone.reason)


def test_what_time_does_not_suffice_to_begin_is_parked_in_one_piece() -> None:
    """GIVEN a payload of many events and no time left THEN one envelope holds each of their messages once."""
    parking_store = FakeStore()
    messages: list[JsonValue] = [{"JobId": f"job-{number}"} for number in range(500)]
    with closing(_pipeline(Jobs(), [parking_store], [parking_store])) as pipeline:
        report = pipeline.report(pipeline.parse(json.dumps([*messages, 7])).events, _OVER)
        assert [job.outcome for job in report.jobs] == ["parked"] * 501
        assert {job.record for job in report.jobs} == {"parked"}
        assert [job.job_id for job in report.jobs] == [*(f"job-{number}" for number in range(500)), None]
        (parked,) = parking_store.parked
        assert (parked.reason, parked.transient, parked.job_id) == ("out_of_time", True, None)
        assert parked.event == [*messages, 7]
        again = pipeline.report(parse_again(parked.event, parked.past, TriggerOptions()), RunContext(_in_ten_seconds))
    assert again.count("recorded") == 500
    assert [kept.event for kept in parking_store.parked[1:]] == [7]


def test_what_is_parked_in_one_piece_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN very many events THEN they lie in envelopes that are soon read again, each worked on by itself."""
    monkeypatch.setattr("ice_result.processing.parking._LONGEST_PIECE", 500)
    parking_store = FakeStore()
    messages: list[JsonValue] = [{"JobId": f"job-{number}", "note": "x" * 100} for number in range(20)]
    longest: JsonValue = {"JobId": "longest", "note": "x" * 2000}
    with closing(_pipeline(Jobs(), [parking_store], [parking_store])) as pipeline:
        report = pipeline.report(pipeline.parse(json.dumps([*messages, longest])).events, _OVER)
    assert [job.outcome for job in report.jobs] == ["parked"] * 21
    assert all(len(line(parked)) <= 1000 for parked in parking_store.parked if parked.job_id is None)
    kept = [parked.event if isinstance(parked.event, list) else [parked.event] for parked in parking_store.parked]
    assert sorted(chain.from_iterable(kept), key=dump) == sorted([*messages, longest], key=dump)
    assert len(kept) == 8


def test_a_job_named_for_other_sinks_is_worked_on_once_more() -> None:
    """GIVEN envelopes of one job for one sink each, in one payload WHEN one fails THEN what is parked names its sinks.

    The second time is after the first, for the sinks of both.
    """
    one, two, three = FakeStore(url="file:1"), FakeStore(url="file:2"), FakeStore(url="file:3")
    envelopes: list[JsonValue] = [
        {"schema": "ice_result.parked/1", "sinks": [url], "event": {"JobId": "job-1"}}
        for url in ("file:1", "file:2", "file:1")
    ]
    with closing(_pipeline(Jobs(), [one, two, three], [one])) as pipeline:
        report = pipeline.report(pipeline.parse(json.dumps(envelopes)).events, RunContext(_in_ten_seconds))
    assert [job.outcome for job in report.jobs] == ["recorded"] * 2
    assert [len(store.written) for store in (one, two, three)] == [4, 2, 0]

    with closing(_pipeline(Jobs(), [one, two, three], [one])) as pipeline:
        events = pipeline.parse(json.dumps([*envelopes, {"JobId": "job-1"}])).events
        report = pipeline.report(events, RunContext(_in_ten_seconds))
    assert [job.outcome for job in report.jobs] == ["recorded"] * 2
    assert [len(store.written) for store in (one, two, three)] == [8, 4, 2]


def test_what_waits_for_a_worker_when_the_time_is_over_has_not_begun() -> None:
    """GIVEN four workers that ask for a job each until the time is over THEN ICE is never asked for the others.

    They lie in one envelope, without a try.
    """
    fake_time, parked_together = FakeTime(), threading.Event()
    end, all_busy = Deadline.after(10, fake_time.clock), threading.Barrier(5)

    @dataclass(eq=False)
    class SlowParkingStore(FakeStore):
        @override
        def park(self, parked: Parked) -> ParkedAt:
            if parked.job_id is None:
                parked_together.set()
            return super().park(parked)

    @dataclass
    class SlowJobs(Jobs):
        @override
        def get(self, job_id: JobId) -> Job:
            self.asked.append(job_id)
            all_busy.wait(60)
            parked_together.wait(60)
            raise TimedOutError("ask", service="ICE")

    def events() -> Iterator[JobEvent]:
        for number in range(8):
            if number == 4:  # taken while all workers are busy
                all_busy.wait(60)
                fake_time.move_to(end.at)
            yield JobEvent(job_id=JobId(f"job-{number}"), payload={"JobId": f"job-{number}"})

    jobs, parking_store = SlowJobs(), SlowParkingStore()
    with closing(_pipeline(jobs, [parking_store], [parking_store])) as pipeline:
        outcomes = dict(pipeline.process_events(events(), RunContext(lambda: end, _in_ten_seconds)))
    assert sorted(jobs.asked) == ["job-0", "job-1", "job-2", "job-3"]
    assert sorted(outcomes) == [*range(8)]
    (together,) = [parked for parked in parking_store.parked if parked.job_id is None]
    assert (together.reason, together.attempts) == ("out_of_time", 0)
    assert together.event == [{"JobId": f"job-{number}"} for number in range(4, 8)]
    assert {(parked.reason, parked.attempts) for parked in parking_store.parked if parked.job_id} == {("timed_out", 1)}


def test_one_event_without_time_is_parked_as_itself() -> None:
    """Where its job id is a name to look for."""
    parking_store = FakeStore()
    with closing(_pipeline(Jobs(), [parking_store], [parking_store])) as pipeline:
        pipeline.report(pipeline.parse('{"JobId":"a"}').events, _OVER)
    assert [(parked.job_id, parked.event) for parked in parking_store.parked] == [("a", {"JobId": "a"})]


def test_events_are_taken_as_there_is_room_for_them() -> None:
    """A backfill of millions is read as it is worked on: never more than a few events ahead."""
    taken: list[int] = []

    def events() -> Iterator[JobEvent]:
        for number in range(100):
            taken.append(number)
            yield JobEvent(job_id=JobId(f"job-{number}"), payload={"JobId": f"job-{number}"})

    with closing(_pipeline(Jobs(), [FakeStore()], [FakeStore()])) as pipeline:
        outcomes = pipeline.process_events(events(), RunContext(_in_ten_seconds))
        next(outcomes)
        assert len(taken) <= 12
        assert len([*outcomes]) == 99


def test_an_event_nobody_keeps_has_failed() -> None:
    """The reason tells both what stopped it and why it could not be parked."""
    broken = FakeStore(refuses=StorageError("disk full"))
    (outcome,) = _run({"JobId": "a"}, Jobs(ForbiddenError("ask", service="ICE")), [FakeStore()], [broken])
    assert outcome.outcome == "failed"
    assert "ICE: ask" in str(outcome.reason)
    assert "disk full" in str(outcome.reason)


def test_of_several_refusals_the_lasting_one_is_told() -> None:
    """A retry cannot help while one of them stays; all stores that lack the job are named."""
    good = FakeStore("memory:good")
    slow = FakeStore("memory:slow", refuses=ThrottledError("write", service="OSS"))
    shut = FakeStore("memory:shut", refuses=ForbiddenError("write", service="OSS"))
    _run({"JobId": "a"}, Jobs(), [good, slow, shut], [good])
    (parked,) = good.parked
    assert (parked.reason, parked.transient) == ("forbidden", False)
    assert set(parked.sinks) == {"memory:slow", "memory:shut"}
    assert good.written == ["record a", "manifest a True", "parked"]


def test_a_parked_event_for_a_store_that_is_gone_goes_everywhere() -> None:
    """Its sinks are no longer configured: none of those that are has been told to be left out."""
    envelope = {"schema": "ice_result.parked/1", "sinks": ["memory:gone"], "event": {"JobId": "a"}}
    sinks = [FakeStore("memory:one"), FakeStore("memory:two")]
    assert _run(envelope, Jobs(), sinks, [sinks[0]])[0].outcome == "recorded"
    assert [len(sink.written) for sink in sinks] == [2, 2]


def test_a_job_takes_three_rounds_of_calls() -> None:
    """Query; look-up together with the record and its pointer; and when all are answered, the manifest."""
    passings: list[tuple[str, str]] = []
    second_round = threading.Barrier(3)

    def watch(passing: CallEvent) -> None:
        is_look_up = passing.target.startswith("example-output/")
        call = "query" if passing.service == "ICE" else "look-up" if is_look_up else passing.target.split("/")[1]
        if call != "jobs-complete.json" and (is_look_up or passing.operation != "GET"):
            passings.append((passing.moment, call))
        if watching and passing.moment == "arrived" and call in {"records", "jobs", "look-up"}:
            second_round.wait(60)

    watching = False
    with LocalCloud(jobs=SAMPLE_JOBS, watch=watch) as cloud:
        cloud.seed_outputs()
        cloud.oss.create_bucket("records")
        keys = (cloud.environment[f"ALIBABA_CLOUD_ACCESS_KEY_{part}"] for part in ("ID", "SECRET"))
        context = PlatformContextWithCredentials(credentials=PlatformCredentials(*keys))
        with closing(Function({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})) as function:
            watching = True
            assert function.handle(b'{"JobId":"videoclip-0001"}', context)["recorded"] == 1
    round_2 = [[(moment, call) for call in ("jobs", "look-up", "records")] for moment in ("arrived", "answered")]
    assert passings[:2] == [("arrived", "query"), ("answered", "query")]
    assert [sorted(passings[2:5]), sorted(passings[5:8])] == round_2
    assert passings[8:] == [("arrived", "manifests"), ("answered", "manifests")]
