"""The promise: who has not acknowledged what was written is told, and who has is not."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from ice_result.contents.model import Content
from ice_result.core import threads
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.errors import IceResultError, RejectedError, StorageError, UnavailableError
from ice_result.jobs import RecordedJobs
from ice_result.jobs.model import Job
from ice_result.maintenance import run_maintenance
from ice_result.maintenance.notify_again import AgainNotifier
from ice_result.notify.documents import recorded_id
from ice_result.notify.model import Notification
from ice_result.notify.telling import Notifier, Receiver
from ice_result.notify.urls import Filters
from ice_result.processing.batch import JobOutcome, Pipeline, RunContext
from ice_result.processing.parking import leave_notes
from ice_result.processing.same_job import merge_events
from ice_result.records.model import Manifest, Note, Record
from ice_result.sinks.base import Near, Store, StoredJob
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.parked_model import Expected
from ice_result.triggers import JobEvent, Past
from support.fake_clock import FakeTime
from support.parked_events import Saved, lay, parked_in, pipeline_of, recorded_in, retry_all, terms
from support.paths import SAMPLE_JOBS
from support.recording_target import RecordingTargets

A, B = "mns://a", "mns://b"


def unavailable() -> IceResultError:
    return UnavailableError("send", service="MNS", status=503)


def gone() -> IceResultError:
    return RejectedError("send", service="webhook", status=410)


class Place:
    """A folder of records and the targets that are told of them."""

    def __init__(self, saved: Saved, out: Path, notify: str) -> None:
        self.out = out
        self._environment = {
            "ICE_RESULT_JOBS": saved.url,
            "ICE_RESULT_SINKS": f"file:{out}",
            "ICE_RESULT_MNS_ENDPOINT": "1.mns.cn-shanghai.aliyuncs.com",
            **({"ICE_RESULT_NOTIFY": notify} if notify else {}),
        }

    @contextmanager
    def pipeline(self, **variables: str) -> Iterator[Pipeline]:
        """Make the pipeline of one process."""
        with pipeline_of({**self._environment, **variables}) as pipeline:
            yield pipeline

    def process(self, *job_ids: str, run: RunContext | None = None, **variables: str) -> list[JobOutcome]:
        """Process an event of each job in a new process."""
        with self.pipeline(**variables) as pipeline:
            events = pipeline.parse(json.dumps({"JobIds": [*job_ids]}).encode()).events
            return [*pipeline.report(events, run or terms()).jobs]

    def acknowledged(self, job_id: str) -> dict[str, str]:
        """Read what is written down of a job."""
        text = json.loads((self.out / "notified" / f"{job_id}.json").read_text())
        assert text["schema"] == "ice_result.notified/1"
        assert text["job_id"] == job_id
        targets: dict[str, str] = text["targets"]
        return targets


@pytest.fixture
def place(saved: Saved, tmp_path: Path) -> Place:
    """A place with two targets and one job, which was finished just now."""
    saved.done("job-1")
    path, now = tmp_path / "jobs" / "job-1.json", datetime.now(timezone.utc)
    times = {"CreateTime": now - timedelta(minutes=1), "FinishTime": now}
    known = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}
    path.write_text(json.dumps(json.loads(path.read_text()) | known))
    return Place(saved, tmp_path / "out", f"{A} {B}?outcome=ok&outcome=outputs_missing")


def test_each_target_is_told_once_and_after_the_manifest(place: Place, targets: RecordingTargets) -> None:
    """GIVEN a job that is delivered three times THEN each target hears of it once, when its manifest is there."""
    seen: list[bool] = []

    def look(_: Notification) -> None:
        seen.append(any((place.out / "manifests").rglob("job-1.json")))

    targets[A].asked = targets[B].asked = look
    for _ in range(3):
        assert [job.outcome for job in place.process("job-1")] == ["recorded"]
    assert seen == [True, True]
    assert targets[A].ids == targets[B].ids
    assert place.acknowledged("job-1") == {A: targets[A].ids[0], B: targets[A].ids[0]}


def test_nothing_is_told_or_written_down_without_the_setting(saved: Saved, tmp_path: Path) -> None:
    """A store without notifications is as it was before there were any."""
    saved.done("job-1")
    Place(saved, tmp_path / "out", "").process("job-1")
    assert not (tmp_path / "out" / "notified").exists()


def test_a_target_that_does_not_admit_the_job_is_not_told(
    saved: Saved, tmp_path: Path, targets: RecordingTargets
) -> None:
    """Filters decide before anything is read or sent."""
    saved.done("job-1")
    place = Place(saved, tmp_path / "out", f"{A}?outcome=job_failed {B}?function=VideoClip")
    assert [job.outcome for job in place.process("job-1")] == ["recorded"]
    assert targets[A].told == targets[B].told == []
    assert not (place.out / "notified").exists()


def test_what_is_written_anew_is_told_under_another_id(place: Place, targets: RecordingTargets, tmp_path: Path) -> None:
    """GIVEN a job that was run anew THEN the id is that of the new record and manifest."""
    place.process("job-1")
    path = tmp_path / "jobs" / "job-1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"FinishTime": "2036-03-05T08:00:00Z"}))
    place.process("job-1")
    first, second = targets[A].ids
    assert first != second
    assert place.acknowledged("job-1")[A] == second
    assert targets[A].bodies[1]["time"] == "2036-03-05T08:00:00Z"


def test_a_target_that_is_added_later_is_told_at_the_next_delivery(place: Place, targets: RecordingTargets) -> None:
    """An event that changes nothing tells those that have not acknowledged, and no one else."""
    place.process("job-1", ICE_RESULT_NOTIFY=A)
    place.process("job-1")
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)


def test_a_target_out_of_reach_is_told_by_the_retry_alone(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a target that refuses for now THEN its event is parked for it, and the retry asks neither ICE nor files."""
    targets[A].errors = [unavailable()]
    (outcome,) = place.process("job-1")
    assert outcome.outcome == "parked"
    assert outcome.reason == "not_notified: not notified: mns://a: MNS: send: 503"
    envelope = parked_in(place.out)["not_notified/job-1"]
    assert (envelope["targets"], envelope["sinks"], envelope["transient"]) == ([A], [], True)
    assert (len(targets[A].told), len(targets[B].told)) == (0, 1)

    def unasked(_self: RecordedJobs, job_id: JobId) -> Job:
        raise AssertionError(f"ICE is asked for {job_id}")

    monkeypatch.setattr(RecordedJobs, "get", unasked)
    with place.pipeline() as pipeline:
        (result,) = retry_all(pipeline)
    assert [job.outcome for job in result.outcomes] == ["recorded"]
    assert result.removed
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    assert targets[A].ids == targets[B].ids
    assert parked_in(place.out) == {}


def test_a_retry_in_vain_is_counted_and_names_the_same_target(place: Place, targets: RecordingTargets) -> None:
    """The envelope stays for the target, with its history."""
    targets[A].errors = [unavailable(), unavailable()]
    place.process("job-1")
    with place.pipeline() as pipeline:
        (result,) = retry_all(pipeline)
    assert not result.removed
    envelope = parked_in(place.out)["not_notified/job-1"]
    assert (envelope["targets"], envelope["attempts"]) == ([A], 2)
    assert [past["reason"] for past in envelope["history"]] == ["not_notified"]  # type: ignore[union-attr,index,call-overload]


def test_a_target_that_refuses_for_good_waits_for_a_person(place: Place, targets: RecordingTargets) -> None:
    """GIVEN 410 THEN the reason is permanent, and `parked retry` tells that target alone."""
    targets[B].errors = [gone()]
    (outcome,) = place.process("job-1")
    assert outcome.reason == "notification_refused: not notified: mns://b: webhook: send: 410"
    assert parked_in(place.out)["notification_refused/job-1"]["transient"] is False
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    assert parked_in(place.out) == {}


def test_of_two_refusals_the_temporary_one_decides(place: Place, targets: RecordingTargets) -> None:
    """The timer goes on until only what is permanent is left."""
    targets[A].errors, targets[B].errors = [unavailable()], [gone(), gone()]
    place.process("job-1")
    assert [*parked_in(place.out)] == ["not_notified/job-1"]
    assert parked_in(place.out)["not_notified/job-1"]["targets"] == [A, B]
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert [*parked_in(place.out)] == ["notification_refused/job-1"]
    assert parked_in(place.out)["notification_refused/job-1"]["targets"] == [B]


def test_an_envelope_that_was_parked_meanwhile_keeps_its_targets(place: Place, targets: RecordingTargets) -> None:
    """GIVEN a retry for one target WHEN an event parks the job for another THEN the envelope names both."""
    targets[A].errors = [unavailable()]
    place.process("job-1")

    def meanwhile(_: Notification) -> None:
        targets[A].asked = lambda _: None
        stored = json.loads((place.out / "parked" / "not_notified" / "job-1.json").read_text())
        lay(place.out, "parked/not_notified/job-1.json", json.dumps(stored | {"targets": [B]}).encode())
        targets[A].errors = [unavailable()]

    targets[A].asked = meanwhile
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert parked_in(place.out)["not_notified/job-1"]["targets"] == [A, B]


def test_a_target_that_is_no_longer_configured_is_not_waited_for(place: Place, targets: RecordingTargets) -> None:
    """The envelope of a target that was removed from the settings is done with."""
    targets[A].errors = [unavailable()]
    place.process("job-1")
    with place.pipeline(ICE_RESULT_NOTIFY=B) as pipeline:
        (result,) = retry_all(pipeline)
    assert result.removed
    assert (len(targets[A].told), len(targets[B].told)) == (0, 1)


def test_a_job_that_ice_no_longer_knows_is_told_from_the_store(
    place: Place, targets: RecordingTargets, tmp_path: Path
) -> None:
    """GIVEN a job recorded without notifications, which ICE has forgotten THEN its next event tells it."""
    place.process("job-1", ICE_RESULT_NOTIFY="")
    (tmp_path / "jobs" / "job-1.json").unlink()
    outcomes = place.process("job-1")
    assert [job.outcome for job in outcomes] == ["ignored"]
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    place.process("job-1")
    assert len(targets[A].told) == 1


def test_nobody_is_told_before_all_sinks_have_the_job(place: Place, targets: RecordingTargets, tmp_path: Path) -> None:
    """GIVEN a second sink that refuses THEN the job is parked for it, and told when the retry has written it."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    sinks = f"file:{place.out},file:{blocked}"
    (outcome,) = place.process("job-1", ICE_RESULT_SINKS=sinks)
    assert outcome.outcome == "parked"
    assert targets[A].told == []
    blocked.unlink()
    with place.pipeline(ICE_RESULT_SINKS=sinks) as pipeline:
        retry_all(pipeline)
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    assert [*place.acknowledged("job-1")] == [A, B]
    assert not (blocked / "notified").exists()


def test_without_time_the_job_is_recorded_and_its_event_is_parked_for_all_targets(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch, fake_time: FakeTime
) -> None:
    """GIVEN a manifest that takes all the time THEN nobody is told, and the envelope names the targets."""
    commit = ObjectStoreSink.commit

    def slow(
        sink: ObjectStoreSink, record: Record, manifest: Manifest, contents: Sequence[Content] | None = None
    ) -> None:
        commit(sink, record, manifest, contents)
        fake_time.move(60)

    monkeypatch.setattr(ObjectStoreSink, "commit", slow)
    end = Deadline.after(30, fake_time.clock)
    (outcome,) = place.process("job-1", run=RunContext(lambda: end))
    assert outcome.outcome == "parked"
    assert parked_in(place.out)["not_notified/job-1"]["targets"] == [A, B]
    assert any((place.out / "manifests").rglob("job-1.json"))
    assert targets[A].told == targets[B].told == []


def test_a_store_that_cannot_say_who_is_told_costs_nobody_the_notification(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice is better than never, and both times under one id; the job is recorded all the same."""
    place.process("job-1")

    def broken(*_: object) -> dict[str, str]:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(ObjectStoreSink, "acknowledged", broken)
    monkeypatch.setattr(ObjectStoreSink, "acknowledge", broken)
    assert [job.outcome for job in place.process("job-1")] == ["recorded"]
    assert len(targets[A].ids) == 2
    assert len(set(targets[A].ids)) == 1


def test_a_damaged_document_of_acknowledgements_is_written_anew(place: Place, targets: RecordingTargets) -> None:
    """It is not ours any more: everyone is told, and it is whole again."""
    place.process("job-1")
    lay(place.out, "notified/job-1.json", b"{}")
    place.process("job-1")
    assert len(targets[A].told) == 2
    assert set(place.acknowledged("job-1")) == {A, B}


def test_what_another_process_wrote_meanwhile_is_told_last(
    place: Place, targets: RecordingTargets, tmp_path: Path
) -> None:
    """GIVEN a job without its outputs WHEN another process records it with them before this one has told it THEN this
    one tells the better one too, so that the last notification is that of what is stored.
    """
    path = tmp_path / "jobs" / "job-1.json"
    whole = json.loads(path.read_text())
    bare = {name: value for name, value in whole.items() if name not in {"OutputFiles", "OutputUrls", "Result"}}
    path.write_text(json.dumps(bare))

    def other_process(_: Notification) -> None:
        targets[A].asked = lambda _: None
        path.write_text(json.dumps(whole))
        assert [job.job_outcome for job in place.process("job-1", ICE_RESULT_NOTIFY=B)] == ["ok"]

    targets[A].asked = other_process
    place.process("job-1", ICE_RESULT_NOTIFY=f"{A} {B}")
    outcomes = [body["data"]["outcome"] for body in targets[A].bodies]  # type: ignore[index,call-overload]
    assert outcomes == ["outputs_missing", "ok"]
    assert place.acknowledged("job-1") == {A: targets[A].ids[-1], B: targets[A].ids[-1]}
    assert targets[B].ids[-1] == targets[A].ids[-1]


@pytest.mark.parametrize("notes", [(), (Note(code="unreachable", message="x", uri=None),)])
def test_what_is_stored_is_told_last_of_a_settled_and_complete_job_too(
    place: Place, targets: RecordingTargets, notes: tuple[Note, ...]
) -> None:
    """GIVEN a complete manifest, and another one that a process commits while this one tells THEN the last id of each
    target is that of the other one; and without another one, each is told once.
    """
    place.process("job-1", ICE_RESULT_NOTIFY="")
    with place.pipeline() as pipeline:
        sink = pipeline.stores.sinks[0]
        notifier = Notifier([Receiver(targets[name], Filters()) for name in (A, B)], "cn-shanghai")
        found = sink.find(JobId("job-1"))
        assert found
        assert found.manifest
        record, first = found.record, found.manifest.model_copy(update={"complete": True})
        second = first.model_copy(update={"notes": notes})
        sink.commit(record, first)

        def other_process(_: Notification) -> None:
            targets[A].asked = lambda _: None
            sink.commit(record, second)
            notifier.tell(record, second, sink)

        targets[A].asked = other_process
        notifier.tell(record, first, sink)
    last = recorded_id(record, second)
    assert (targets[A].ids[-1], targets[B].ids[-1]) == (last, last)
    assert place.acknowledged("job-1") == {A: last, B: last}


class TwoVersions(NamedTuple):
    """A job of which two processes write a manifest each; `ids` are those of the two notifications."""

    notifier: Notifier
    sink: Store
    record: Record
    first: Manifest
    second: Manifest

    @property
    def ids(self) -> tuple[str, str]:
        return recorded_id(self.record, self.first), recorded_id(self.record, self.second)


@pytest.fixture
def versions(place: Place, targets: RecordingTargets) -> Iterator[TwoVersions]:
    """A recorded job with the first manifest, of which nobody was notified."""
    place.process("job-1", ICE_RESULT_NOTIFY="")
    with place.pipeline() as pipeline:
        sink = pipeline.stores.sinks[0]
        found = sink.find(JobId("job-1"))
        assert found
        assert found.manifest
        second = found.manifest.model_copy(update={"notes": (Note(code="unreachable", message="x", uri=None),)})
        notifier = Notifier([Receiver(targets[name], Filters()) for name in (A, B)], "cn-shanghai")
        yield TwoVersions(notifier, sink, found.record, found.manifest, second)


def test_an_acknowledgement_of_another_process_does_not_hide_what_was_told_last(
    versions: TwoVersions, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another process that writes and tells a newer version, and stores its acknowledgements after those of this
    one THEN this one tells the newer version too: it has told an older one after it.
    """
    notifier, sink, record, first, second = versions
    older, newer = versions.ids
    acknowledge = sink.acknowledge

    def followed(job_id: JobId, told: Mapping[str, str]) -> None:
        acknowledge(job_id, told)
        if told == {A: older, B: older}:
            acknowledge(job_id, {A: newer, B: newer})

    monkeypatch.setattr(sink, "acknowledge", followed)
    targets[A].asked = lambda _: sink.commit(record, second)
    notifier.tell(record, first, sink)
    assert targets[A].ids == targets[B].ids == [older, newer]


def test_a_target_is_told_again_after_a_process_died_that_told_it_of_an_older_version(
    versions: TwoVersions, targets: RecordingTargets
) -> None:
    """GIVEN an acknowledged version WHEN a process dies that tells an older one THEN the next event tells it again."""
    notifier, sink, record, first, second = versions
    older, newer = versions.ids
    sink.commit(record, second)
    notifier.tell(record, second, sink)

    def die(_: Notification) -> None:
        targets[A].asked = lambda _: None
        raise SystemExit

    targets[A].asked = die
    with pytest.raises(SystemExit):
        notifier.tell(record, first, sink)
    notifier.tell(record, second, sink)
    assert targets[B].ids == [newer, older, newer]
    assert targets[A].ids[-1] == newer
    assert sink.acknowledged(record.job_id) == {A: newer, B: newer}


def test_what_may_be_outdated_is_told_again_by_a_retry(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a manifest that cannot be read again after the targets were told THEN the event is parked for them.

    The retry tells them only if the stored job is another one.
    """
    with monkeypatch.context() as patched:

        def unreadable(*_: object) -> None:
            raise unavailable()

        def fail_from_now_on(_: Notification) -> None:
            patched.setattr(ObjectStoreSink, "verified", unreadable)
            patched.setattr(ObjectStoreSink, "job_at", unreadable)

        targets[A].asked = fail_from_now_on
        (job,) = place.process("job-1")
    assert job.outcome == "parked"
    ((name, envelope),) = parked_in(place.out).items()
    assert (name, envelope["targets"], envelope["transient"]) == ("not_notified/job-1", [A, B], True)
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert parked_in(place.out) == {}
    assert (len(targets[A].ids), len(targets[B].ids)) == (1, 1)


def test_a_job_that_hangs_is_the_only_one_that_is_not_notified_again(
    place: Place, targets: RecordingTargets, saved: Saved
) -> None:
    """GIVEN a store that hangs at one job WHEN jobs are notified again THEN that one fails, and the other is told."""
    saved.done("job-2")
    place.process("job-1", "job-2", ICE_RESULT_NOTIFY="")
    released = threading.Event()
    with place.pipeline() as pipeline:
        sink = pipeline.stores.sinks[0]
        find = sink.find

        def hang(job_id: JobId, near: Near | None = None) -> StoredJob | None:
            if job_id == "job-1":
                with threads.attempt(Deadline.after(0.05), ("OSS", "read job-1")):
                    released.wait(60)
            return find(job_id, near)

        sink.find = hang  # type: ignore[method-assign]
        notifier = Notifier([Receiver(targets[A], Filters())], "cn-shanghai")
        again = AgainNotifier(notifier, sink, lambda: Deadline.after(30))
        told = [*again.tell_jobs([JobId("job-1"), JobId("job-2")], concurrency=2)]
        released.set()
    assert [(each.job_id, each.outcome) for each in told] == [("job-1", "failed"), ("job-2", "notified")]


def test_a_retry_that_writes_anew_tells_all_targets(place: Place, targets: RecordingTargets, tmp_path: Path) -> None:
    """GIVEN an event parked for one target, whose job is gone from the store and run anew THEN the retry asks ICE, and
    tells both of what it has written.
    """
    targets[A].errors = [unavailable()]
    place.process("job-1")
    remove_job(place.out)
    path = tmp_path / "jobs" / "job-1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"FinishTime": "2036-03-05T08:00:00Z"}))
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert targets[A].ids == targets[B].ids[-1:]
    assert len(targets[B].ids) == 2
    assert place.acknowledged("job-1") == {A: targets[A].ids[0], B: targets[A].ids[0]}


@pytest.mark.parametrize("error", [unavailable(), StorageError("not a record of this version")])
def test_a_retry_that_cannot_read_the_store_waits_for_it(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch, error: IceResultError
) -> None:
    """GIVEN a store that cannot be read THEN ICE is not asked, and the event stays parked for the same target."""
    targets[A].errors = [unavailable()]
    place.process("job-1")

    def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched, place.pipeline() as pipeline:
        patched.setattr(RecordedJobs, "get", lambda _, job_id: pytest.fail(f"ICE is asked for {job_id}"))
        patched.setattr(ObjectStoreSink, "find", broken)
        retry_all(pipeline)
    ((name, envelope),) = parked_in(place.out).items()
    assert name == f"{error.reason}/job-1"
    assert (envelope["targets"], envelope["sinks"], envelope["transient"]) == ([A], [], error.transient)
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)


def test_a_retry_tells_of_what_the_only_store_could_keep(
    place: Place, targets: RecordingTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a store that could not keep all of a record THEN its target is told of the rest, and ICE is not asked."""
    targets[A].errors = [unavailable()]
    place.process("job-1")
    find = ObjectStoreSink.find

    def without_raw(sink: ObjectStoreSink, job_id: JobId, near: Near | None = None) -> StoredJob | None:
        found = find(sink, job_id, near)
        return found and found._replace(left_out=("raw",))

    monkeypatch.setattr(ObjectStoreSink, "find", without_raw)
    monkeypatch.setattr(RecordedJobs, "get", lambda _, job_id: pytest.fail(f"ICE is asked for {job_id}"))
    with place.pipeline() as pipeline:
        retry_all(pipeline)
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    assert parked_in(place.out) == {}


def test_a_job_that_only_another_sink_has_is_told_with_its_address_there(
    place: Place, targets: RecordingTargets, tmp_path: Path
) -> None:
    """GIVEN a job that is gone from the first sink THEN the retry names the addresses of the sink it was read from."""
    sinks = f"file:{place.out},file:{tmp_path}/second"
    targets[A].errors = [unavailable()]
    place.process("job-1", ICE_RESULT_SINKS=sinks)
    remove_job(place.out)
    with place.pipeline(ICE_RESULT_SINKS=sinks) as pipeline:
        (result,) = retry_all(pipeline)
    stored_at = targets[A].bodies[0]["data"]["stored_at"]  # type: ignore[index,call-overload]
    addresses = [stored_at["record"], stored_at["manifest"], result.outcomes[0].record]  # type: ignore[index,call-overload]
    assert all(Path(str(address)).is_file() for address in addresses)
    assert all(str(address).startswith(f"{tmp_path}/second") for address in addresses)


def test_a_defect_in_one_target_does_not_undo_what_the_others_acknowledged(
    place: Place, targets: RecordingTargets
) -> None:
    """GIVEN an error that is not ours THEN it is the refusal of that target alone, and shows no secret."""

    def fail(_: Notification) -> None:
        raise RuntimeError("token=s3cr3t")

    targets[B].asked = fail
    place.process("job-1")
    assert place.acknowledged("job-1") == {A: targets[A].ids[0]}
    envelope = parked_in(place.out)["notification_refused/job-1"]
    assert (envelope["targets"], envelope["transient"]) == ([B], False)
    assert "not notified: mns://b: a defect in ice-result, at test_notifying.py" in json.dumps(envelope["error"])
    assert "s3cr3t" not in json.dumps(envelope)


def remove_job(out: Path) -> None:
    """Remove a job as a lifecycle rule does; what was acknowledged stays."""
    for folder in ("records", "manifests", "jobs"):
        shutil.rmtree(out / folder)


def expect(place: Place, job_id: str, sinks: str) -> None:
    """Leave a note of a job that is due."""
    now = datetime.now(timezone.utc)
    with place.pipeline(ICE_RESULT_SINKS=sinks) as pipeline:
        note = Expected(job_id=JobId(job_id), expected_at=now - timedelta(hours=1), due_at=now - timedelta(minutes=1))
        list(leave_notes(pipeline.stores.parking_stores, [note], lambda: Deadline.after(30)))


def run_timer(place: Place, sinks: str) -> list[str]:
    """Run the timer; return the outcomes."""
    with place.pipeline(ICE_RESULT_SINKS=sinks) as pipeline:
        return [outcome.outcome for outcome in run_maintenance(pipeline, terms())]


def test_a_process_that_died_before_it_told_is_made_up_for_by_the_note(place: Place, targets: RecordingTargets) -> None:
    """GIVEN a recorded job that nobody was told of WHEN its note is due THEN it is told, and the note is removed."""
    sinks = f"file:{place.out}"
    place.process("job-1", ICE_RESULT_NOTIFY="")
    expect(place, "job-1", sinks)
    assert run_timer(place, sinks) == ["recorded"]
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)
    expect(place, "job-1", sinks)
    assert run_timer(place, sinks) == []
    assert not [*(place.out / "expected").glob("*.json")]
    assert (len(targets[A].told), len(targets[B].told)) == (1, 1)


@pytest.mark.usefixtures("targets")
def test_a_process_that_died_between_two_sinks_is_made_up_for_by_the_note(place: Place, tmp_path: Path) -> None:
    """GIVEN a job that only the first sink has WHEN its note is due THEN the other gets it too."""
    sinks = f"file:{place.out},sqlite:{tmp_path}/jobs.db"
    place.process("job-1")
    expect(place, "job-1", sinks)
    assert run_timer(place, sinks) == ["recorded"]
    assert recorded_in(tmp_path / "jobs.db") == ["job-1"]
    assert not [*(place.out / "expected").glob("*.json")]


def _event(*, sinks: tuple[str, ...] = (), targets: tuple[str, ...] = ()) -> JobEvent:
    return JobEvent(job_id=JobId("job-1"), past=Past(attempts=1, sinks=sinks, targets=targets))


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (_event(targets=(A,)), _event(targets=(B,)), _event(targets=(A, B))),
        (_event(targets=(A,)), _event(targets=(A,)), _event(targets=(A,))),
        (_event(targets=(A,)), _event(sinks=("s",)), _event(sinks=("s",))),
        (_event(sinks=("s",)), _event(targets=(A,)), _event(sinks=("s",))),
        (_event(targets=(A,)), _event(), _event()),
        (_event(), _event(targets=(A,)), _event()),
        (_event(sinks=("s",)), _event(sinks=("t",)), _event(sinks=("s", "t"))),
    ],
)
def test_two_events_of_a_job_become_one_for_both(one: JobEvent, other: JobEvent, merged: JobEvent) -> None:
    """One that is to be written is told to all; one for everything stays so."""
    assert merge_events(one, other) == merged


def test_the_contents_of_captions_are_named(saved: Saved, tmp_path: Path, targets: RecordingTargets) -> None:
    """GIVEN a job with captions, and one with covers THEN only the first leads to contents."""
    saved.done("job-1")
    captions = json.loads((SAMPLE_JOBS / "captionextraction-0001.json").read_text()) | {"JobId": "job-2"}
    (tmp_path / "jobs" / "job-2.json").write_text(json.dumps(captions))
    Place(saved, tmp_path / "out", A).process("job-1", "job-2")
    found = {body["subject"]: body["data"]["stored_at"]["contents"] for body in targets[A].bodies}  # type: ignore[index,call-overload]
    assert found["job-1"] is None
    assert str(found["job-2"]).rstrip("/").endswith("/job-2")
    assert "/contents/function_name=CaptionExtraction/" in str(found["job-2"])
