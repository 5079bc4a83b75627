"""What is stored of a job against what comes later: through the handler, in every kind of store.

An event may come at any time, and what ICE and OSS answer then may be less than they answered before: a status nobody
documented, no files, a file that is gone or cannot be looked up. None of it takes back what was recorded.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.media.files import media_file
from ice_result.app import sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.types import JobId, JsonObject
from ice_result.function import Function
from ice_result.settings import Settings
from ice_result.sinks import open_sink
from ice_result.sinks.base import JobFilter, Store, StoredJob
from support.command_line import ice_result
from support.fake_clock import FakeTime
from support.platform_context import PlatformContext

JOB = JobId("delogo-1")
FILE = "delogo/clean.mp4"
CLIP, ANOTHER_CLIP = (media_file(name)[0] for name in ("a.mp4", "another.mp4"))
FINISHED = datetime(2026, 3, 2, 9, 7, 55, tzinfo=timezone.utc).timestamp()
SUCCESS: JsonObject = {
    "JobId": JOB,
    "FunctionName": "VideoDelogo",
    "Status": "Success",
    "Result": "{}",
    "Output": {"Type": "OSS", "Media": f"oss://example-output/{FILE}"},
    "OutputFiles": [FILE],
    "CreateTime": "2026-03-02T09:00:12Z",
    "FinishTime": "2026-03-02T09:07:55Z",
}
CANCELED: JsonObject = {**SUCCESS, "Status": "Canceled", "OutputFiles": []}
CANCELED_WITHOUT_TIME: JsonObject = {name: value for name, value in CANCELED.items() if name != "FinishTime"}
WITHOUT_FILES: JsonObject = {**SUCCESS, "OutputFiles": []}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud in which the job's file is, of the time at which the job finished."""
    with LocalCloud(tablestore=True) as local:
        for bucket in ("example-output", "records", "second"):
            local.oss.create_bucket(bucket)
        local.ice.put(JOB, SUCCESS)
        put_file(local)
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


def put_file(cloud: LocalCloud, content: bytes = CLIP, modified: float = FINISHED) -> None:
    cloud.oss.put("example-output", FILE, content, "video/mp4", modified=modified)


class World:
    """A function with one or more sinks, and what is in them."""

    def __init__(self, cloud: LocalCloud, sinks: str, folder: Path) -> None:
        self.cloud = cloud
        self.environment = {
            **cloud.environment,
            "ICE_RESULT_SINKS": sinks,
            "ICE_RESULT_PARK_URL": f"file:{folder}/parking",
        }
        self.parking = folder / "parking"
        self.context = sink_context(Settings.from_environment(self.environment), Credentials())
        self.urls = sinks.split(",")
        for url in self.urls:
            sink = open_sink(url, self.context)
            if sink.capabilities.keeps == "tables":
                sink.prepare(dry_run=False)
        self.function = self.made()

    def made(self, **more: str) -> Function:
        """Another function with the same stores; its pauses let its own time pass."""
        return Function({**self.environment, **more}, FakeTime().clock)

    def wake(self, event: JsonObject | None = None, function: Function | None = None) -> JsonObject:
        """What the reply says of the event's job."""
        handled = (function or self.function).handle(json.dumps(event or {"JobId": JOB}).encode(), PlatformContext())
        assert isinstance(handled["jobs"], list)
        (job,) = handled["jobs"]
        assert isinstance(job, dict)
        return job

    def found(self, number: int = 0) -> StoredJob:
        """What the sink of this number has of the job."""
        found = self.sink(number).find(JOB)
        assert found is not None
        return found

    def sink(self, number: int = 0) -> Store:
        return open_sink(self.urls[number], self.context)

    def parked(self) -> dict[str, JsonObject]:
        """The envelopes by reason and name."""
        found = sorted(self.parking.glob("parked/*/*.json"))
        return {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in found}

    def notes(self) -> list[JsonObject]:
        return [json.loads(path.read_text()) for path in sorted(self.parking.glob("expected/*.json"))]


@pytest.fixture(params=["file", "oss", "sqlite", "ots"])
def world(request: pytest.FixtureRequest, cloud: LocalCloud, tmp_path: Path) -> World:
    """A function with one sink, of each kind in turn."""
    urls = {"file": f"file:{tmp_path}/out", "oss": "oss://records/ice", "ots": "ots://records"}
    return World(cloud, urls.get(request.param, f"sqlite:{tmp_path}/jobs.db"), tmp_path)


@pytest.fixture
def two(cloud: LocalCloud, tmp_path: Path) -> World:
    """A function with two sinks in OSS."""
    return World(cloud, "oss://records/ice,oss://second/ice", tmp_path)


def read(cloud: LocalCloud) -> list[str]:
    """The objects and listings that were read in OSS, without output files."""
    outputs = "example-output/"
    return [call.target for call in cloud.oss.calls if call.operation == "GET" and not call.target.startswith(outputs)]


# --- a job is finished when ICE says so


@pytest.mark.parametrize("status", ["Init", "Processing", "Analysing", "Canceled", "排队中"])
def test_a_status_without_an_end_is_asked_for_again(world: World, status: str) -> None:
    """GIVEN a status of a running job, or one nobody documented and no FinishTime THEN the event is parked.

    The job is recorded when its end is known.
    """
    world.cloud.ice.put(
        JOB, {name: value for name, value in CANCELED.items() if name != "FinishTime"} | {"Status": status}
    )
    assert world.wake()["outcome"] == "parked"
    assert [*world.parked()] == [f"not_finished/{JOB}"]
    world.cloud.ice.put(JOB, SUCCESS)
    job = world.wake(world.parked()[f"not_finished/{JOB}"])
    assert (job["outcome"], job["state"], job["complete"]) == ("recorded", "succeeded", True)


def test_a_status_nobody_documented_is_recorded_when_its_tries_are_used_up(world: World) -> None:
    """GIVEN two tries THEN the first parks the event, and the second records the job with state unknown."""
    world.cloud.ice.put(JOB, CANCELED_WITHOUT_TIME)
    function = world.made(ICE_RESULT_PARKED_TRIES="2")
    assert world.wake(function=function)["outcome"] == "parked"
    job = world.wake(world.parked()[f"not_finished/{JOB}"], function)
    assert (job["outcome"], job["state"], job["job_outcome"]) == ("recorded", "unknown", "undecodable")


def test_a_running_job_whose_tries_are_used_up_is_not_recorded(world: World) -> None:
    """ICE said that it runs: there is nothing to record, and the envelope is dead."""
    world.cloud.ice.put(JOB, {**CANCELED, "Status": "Queuing"})
    function = world.made(ICE_RESULT_PARKED_TRIES="2")
    world.wake(function=function)
    assert world.wake(world.parked()[f"not_finished/{JOB}"], function)["outcome"] == "parked"
    assert f"dead/{JOB}" in world.parked()
    assert world.sink().find(JOB) is None


def test_a_status_nobody_documented_with_a_finish_time_is_recorded_at_once(world: World) -> None:
    """It is an end, of which nobody knows what it means."""
    world.cloud.ice.put(JOB, CANCELED)
    job = world.wake()
    assert (job["outcome"], job["state"], job["complete"]) == ("recorded", "unknown", False)


@pytest.mark.parametrize("missing", ["JobId", "FunctionName"])
def test_a_response_without_id_or_function_is_no_record(world: World, missing: str) -> None:
    """It is parked as an invalid response, and asked for again."""
    world.cloud.ice.put(JOB, {**SUCCESS, missing: ""})
    assert world.wake()["outcome"] == "parked"
    assert [*world.parked()] == [f"invalid_response/{JOB}"]


# --- less never replaces more


@pytest.mark.parametrize("later", [CANCELED, WITHOUT_FILES], ids=["canceled", "without_files"])
def test_an_answer_that_says_less_replaces_no_record(world: World, later: JsonObject) -> None:
    """GIVEN a recorded job WHEN ICE later says something else of it THEN record and manifest stay as they are.

    The event ends as recorded, and the reply tells what is there.
    """
    before = world.wake()
    stored = world.found()
    world.cloud.ice.put(JOB, later)
    assert world.wake() == before
    assert world.found() == stored
    assert world.notes() == []


@pytest.mark.parametrize("earlier", [CANCELED, WITHOUT_FILES], ids=["canceled", "without_files"])
def test_an_answer_that_says_more_replaces_the_record(world: World, earlier: JsonObject) -> None:
    """A success with its files takes the place of what was known before."""
    world.cloud.ice.put(JOB, earlier)
    assert world.wake()["complete"] is False
    world.cloud.ice.put(JOB, SUCCESS)
    assert world.wake()["complete"] is True
    assert world.found().record.outcome == "ok"


def test_an_answer_that_says_as_little_replaces_the_record(world: World) -> None:
    """GIVEN a status nobody documented WHEN another one comes THEN that is recorded: nothing is lost with the first."""
    world.cloud.ice.put(JOB, CANCELED)
    world.wake()
    world.cloud.ice.put(JOB, {**CANCELED, "Status": "Expired"})
    assert world.wake()["complete"] is False
    assert world.found().record.status == "Expired"


def test_a_failure_is_an_end_too(world: World) -> None:
    """GIVEN a job that is recorded as failed THEN a status nobody documented does not replace it."""
    world.cloud.ice.put(JOB, {**SUCCESS, "Status": "Fail", "OutputFiles": []})
    world.wake()
    world.cloud.ice.put(JOB, CANCELED)
    assert world.wake()["job_outcome"] == "job_failed"
    assert world.found().record.state == "failed"


def test_a_better_record_of_one_sink_is_copied_to_the_other(cloud: LocalCloud, two: World) -> None:
    """GIVEN a job that only the second sink has WHEN ICE says less of it THEN the first gets what the second has."""
    World(cloud, two.urls[1], two.parking.parent).wake()
    cloud.ice.put(JOB, CANCELED)
    assert two.wake()["complete"] is True
    assert two.found(0) == two.found(1)
    assert two.found(0).record.state == "succeeded"


def test_the_best_of_several_records_is_copied(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a sink with the job, one with the job without its files, and one without it WHEN ICE says even less of it.

    THEN all have the best.
    """
    three = World(cloud, "oss://records/ice,oss://second/one,oss://second/two", tmp_path)
    cloud.ice.put(JOB, WITHOUT_FILES)
    World(cloud, three.urls[0], tmp_path).wake()
    cloud.ice.put(JOB, SUCCESS)
    World(cloud, three.urls[1], tmp_path).wake()
    cloud.ice.put(JOB, CANCELED)
    assert three.wake()["complete"] is True
    assert [three.found(number).record.outcome for number in range(3)] == ["ok", "ok", "ok"]


def test_where_the_record_cannot_be_read_nothing_is_written(cloud: LocalCloud, two: World) -> None:
    """GIVEN a sink that may not be read THEN the event is parked for it, and the other sink has the job."""
    cloud.ice.put(JOB, CANCELED)
    cloud.oss.fail(Fault("forbidden", operation="GET", target="second/ice/records", times=None))
    assert two.wake()["outcome"] == "parked"
    assert two.parked()[f"forbidden/{JOB}"]["sinks"] == ["oss://second/ice"]
    assert cloud.oss.keys("second") == []
    assert two.found(0).record.state == "unknown"


def test_a_record_without_a_manifest_is_told_as_what_it_is(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a function that was killed between record and manifest WHEN ICE says less THEN the store is to blame."""
    world = World(cloud, "oss://records/ice", tmp_path)
    world.wake()
    (manifest,) = [key for key in cloud.oss.keys("records") if "/manifests/" in key]
    cloud.oss.delete("records", manifest)
    cloud.ice.put(JOB, CANCELED)
    assert world.wake()["reason"] == (
        f"storage: job {JOB}: its stored record has no manifest beside it; `ice-result verify {JOB}` makes one"
    )


def test_a_result_that_cannot_be_read_replaces_no_good_one(world: World) -> None:
    """GIVEN a job that is recorded with its files WHEN its Result comes cut short THEN record and manifest stay."""
    before = world.wake()
    world.cloud.ice.put(JOB, {**SUCCESS, "Result": '{"a'})
    assert world.wake() == before
    assert world.found().record.outcome == "ok"


def test_before_less_is_written_each_sink_is_read_once(cloud: LocalCloud, two: World) -> None:
    """Nothing is read for a job whose end is known and whose files are there, but for the mark before the first record.

    Of a job that is not recorded, the record and the pointer are read in each store, and no more.
    """
    two.wake()
    assert {target.split("/")[-1] for target in read(cloud)} == {"jobs-complete.json", ""}
    before = len(read(cloud))
    cloud.ice.put("other", {**CANCELED, "JobId": "other"})
    two.wake({"JobId": "other"})
    places = ("jobs", "records/function_name=VideoDelogo/dt=2026-03-02")
    assert sorted(read(cloud)[before:]) == [
        f"{bucket}/ice/{place}/other.json" for bucket in ("records", "second") for place in places
    ]


@pytest.mark.parametrize("time", ["2026-03-01T09:00:12Z", None])
def test_less_with_another_create_time_is_not_written_beside_what_is_there(world: World, time: str | None) -> None:
    """GIVEN a complete job WHEN ICE says less, and another CreateTime or none THEN its pointer leads where it led."""
    before = world.wake()
    stored = world.found()
    world.cloud.ice.put(JOB, {**CANCELED, "CreateTime": time})
    assert world.wake() == before
    assert world.found() == stored
    assert len([*world.sink().jobs(JobFilter())]) == 1


# --- a success without files is asked for once more


def test_a_success_without_files_is_asked_for_once_more(world: World) -> None:
    """A note for the timer is left, due ten minutes later; when the job comes again as it is, no second one."""
    world.cloud.ice.put(JOB, WITHOUT_FILES)
    job = world.wake()
    assert (job["outcome"], job["job_outcome"], job["reason"]) == ("recorded", "outputs_missing", "outputs_missing")
    (note,) = world.notes()
    due, noted = (datetime.fromisoformat(str(note[name]).replace("Z", "+00:00")) for name in ("due_at", "expected_at"))
    assert (note["job_id"], note["function_name"]) == (JOB, "VideoDelogo")
    assert (due - noted).total_seconds() == 600
    world.wake()
    assert len(world.notes()) == 1


def test_a_success_without_files_is_asked_for_once_more_also_after_an_unknown_state(world: World) -> None:
    """GIVEN a job that was recorded with state unknown THEN its success without files is news, and leaves a note."""
    world.cloud.ice.put(JOB, CANCELED)
    world.wake()
    world.cloud.ice.put(JOB, WITHOUT_FILES)
    assert world.wake()["job_outcome"] == "outputs_missing"
    assert len(world.notes()) == 1


def test_a_success_without_files_that_no_sink_takes_leaves_no_note(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a store that may not be read THEN the event is parked and nothing else: a note would come on top each time.

    The lesser job of two stores leaves its note when one of them has it.
    """
    world = World(cloud, "oss://records/ice", tmp_path)
    cloud.ice.put(JOB, WITHOUT_FILES)
    cloud.oss.fail(Fault("forbidden", operation="GET", target="records/ice/records", times=None))
    assert world.wake()["outcome"] == "parked"
    assert world.notes() == []
    both = World(cloud, "oss://records/ice,oss://second/ice", tmp_path)
    assert both.wake()["outcome"] == "parked"
    assert len(both.notes()) == 1


def test_a_function_that_writes_no_files_is_not_asked_for_again(world: World) -> None:
    """An assessment of audio is complete without any."""
    world.cloud.ice.put(JOB, {**WITHOUT_FILES, "FunctionName": "AudioQualityAssessment", "Result": "[]"})
    assert world.wake()["complete"] is True
    assert world.notes() == []


# --- what was verified is not taken back


def gone(world: World) -> Function:
    """A lifecycle rule removed the file."""
    world.cloud.oss.delete("example-output", FILE)
    return world.function


def forbidden(world: World) -> Function:
    """The role lost its permission."""
    world.cloud.oss.fail(Fault("forbidden", target="example-output", times=None))
    return world.function


def unreachable(world: World) -> Function:
    """OSS does not answer."""
    world.cloud.oss.fail(Fault("error_500", target="example-output", times=None))
    return world.function


def not_checked(world: World) -> Function:
    """Verification was switched off."""
    return world.made(ICE_RESULT_VERIFY_OUTPUTS="off")


def emptied(world: World) -> Function:
    """Somebody wrote an empty object over it."""
    put_file(world.cloud, b"")
    return world.function


def of_another_job(world: World) -> Function:
    """An older object was restored."""
    put_file(world.cloud, modified=FINISHED - 86400)
    return world.function


def overwritten(world: World) -> Function:
    """The next job wrote to the same key."""
    put_file(world.cloud, ANOTHER_CLIP, modified=FINISHED + 86400)
    return world.function


LATER_LOOKS = [gone, forbidden, unreachable, not_checked, emptied, of_another_job, overwritten]


@pytest.mark.parametrize("look", LATER_LOOKS)
def test_a_later_look_that_finds_less_takes_no_complete_manifest_back(
    world: World, look: Callable[[World], Function]
) -> None:
    """GIVEN a complete job WHEN its event comes again, and its file is not what it was THEN the manifest stays."""
    before = world.wake()
    assert before["complete"] is True
    stored = world.found()
    assert world.wake(function=look(world)) == before
    assert world.found() == stored


@pytest.mark.parametrize("look", LATER_LOOKS)
def test_a_first_look_that_finds_less_is_written_as_it_is(world: World, look: Callable[[World], Function]) -> None:
    """Nothing better is there; the reply says what is wrong, and a better look later replaces it."""
    job = world.wake(function=look(world))
    assert (job["outcome"], job["complete"]) == ("recorded", False)
    assert str(job["reason"]).startswith("not complete: 1 of 1 file")
    put_file(world.cloud)
    world.cloud.oss.clear()
    assert world.wake()["complete"] is True
    assert world.found().manifest is not None
    assert world.found().manifest.complete  # type: ignore[union-attr]


def test_a_record_that_says_other_things_is_written_beside_the_manifest_that_stays(world: World) -> None:
    """GIVEN a complete job WHEN ICE says more of it, and its file cannot be looked up THEN the record is new."""
    world.wake()
    manifest = world.found().manifest
    world.cloud.ice.put(JOB, {**SUCCESS, "UserData": "order-7"})
    forbidden(world)
    assert world.wake()["complete"] is True
    assert world.found().record.user_data == "order-7"
    assert world.found().manifest == manifest


def test_a_complete_manifest_of_other_files_is_replaced(world: World) -> None:
    """GIVEN a job that was run anew, into another file THEN the manifest tells of that one."""
    world.wake()
    world.cloud.ice.put(JOB, {**SUCCESS, "OutputFiles": ["delogo/second.mp4"]})
    assert world.wake()["complete"] is False
    manifest = world.found().manifest
    assert manifest is not None
    assert [file.uri for file in manifest.files] == ["oss://example-output/delogo/second.mp4"]


def test_the_same_files_in_another_order_are_the_same_files(world: World) -> None:
    """GIVEN a complete job WHEN ICE names its files in another order, and one of them is gone THEN it stays complete.

    That ICE keeps an order is assumed nowhere.
    """
    other = "delogo/second.mp4"
    world.cloud.oss.put("example-output", other, CLIP, "video/mp4", modified=FINISHED)
    world.cloud.ice.put(JOB, {**SUCCESS, "OutputFiles": [FILE, other]})
    assert world.wake()["complete"] is True
    gone(world)
    world.cloud.ice.put(JOB, {**SUCCESS, "OutputFiles": [other, FILE]})
    assert world.wake()["complete"] is True
    manifest = world.found().manifest
    assert manifest is not None
    assert manifest.complete


def test_a_complete_manifest_of_one_sink_is_written_to_the_others(cloud: LocalCloud, two: World) -> None:
    """GIVEN a complete job in one sink, and none in the other WHEN its file is gone THEN both have it complete."""
    World(cloud, two.urls[1], two.parking.parent).wake()
    forbidden(two)
    assert two.wake()["complete"] is True
    assert two.found(0) == two.found(1)


def test_where_the_manifest_cannot_be_read_none_is_written(cloud: LocalCloud, two: World) -> None:
    """GIVEN a sink of which nobody can tell what it has THEN its complete manifest stays, and the event is parked."""
    two.wake()
    kept = cloud.oss.get("second", f"ice/manifests/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json")
    cloud.ice.put(JOB, {**SUCCESS, "UserData": "changed"})
    forbidden(two)
    cloud.oss.fail(Fault("forbidden", operation="GET", target="second/ice/manifests", times=None))
    assert two.wake()["outcome"] == "parked"
    assert two.parked()[f"forbidden/{JOB}"]["sinks"] == ["oss://second/ice"]
    assert cloud.oss.get("second", f"ice/manifests/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json") == kept


@pytest.mark.parametrize("kind", ["records", "manifests"])
def test_what_a_later_version_wrote_is_not_replaced_by_less(cloud: LocalCloud, two: World, kind: str) -> None:
    """GIVEN a document of a later number, as after a rollback, in one of two stores WHEN less is found
    THEN that document stays, and the event is parked for this store.
    """
    two.wake()
    key = f"ice/{kind}/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json"
    later = json.dumps(json.loads(cloud.oss.get("second", key)) | {"schema": f"ice_result.{kind[:-1]}/2"}).encode()
    cloud.oss.put("second", key, later)
    cloud.ice.put(JOB, CANCELED if kind == "records" else SUCCESS)
    gone(two)
    assert two.wake()["outcome"] == "parked"
    assert two.parked()[f"storage/{JOB}"]["sinks"] == [two.urls[1]]
    assert cloud.oss.get("second", key) == later


@pytest.mark.parametrize("kind", ["records", "manifests"])
def test_what_a_later_version_added_to_does_not_become_less(cloud: LocalCloud, two: World, kind: str) -> None:
    """GIVEN a document of the same number with a field more, in one of two stores WHEN less is found
    THEN it is read as it is, and what it says is kept in both stores.
    """
    two.wake()
    before = two.found(0), two.found(1)
    key = f"ice/{kind}/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json"
    later = json.dumps(json.loads(cloud.oss.get("second", key)) | {"of_a_later_version": True}).encode()
    cloud.oss.put("second", key, later)
    cloud.ice.put(JOB, CANCELED if kind == "records" else SUCCESS)
    gone(two)
    job = two.wake()
    assert (job["outcome"], job["complete"]) == ("recorded", True)
    assert (two.found(0), two.found(1)) == before
    assert two.parked() == {}


def test_a_manifest_is_read_only_when_the_new_one_is_not_complete(cloud: LocalCloud, two: World) -> None:
    """One read for each object store then, of the manifest's own key."""
    forbidden(two)
    two.wake()
    reads = [
        target for target in read(cloud) if not target.endswith(("/ice/jobs-complete.json", "?prefix=ice/records/"))
    ]
    assert sorted(reads) == [
        f"{bucket}/ice/manifests/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json" for bucket in ("records", "second")
    ]


# --- a job that ICE no longer knows

EVENT: JsonObject = {
    "EventType": "AIProduceComplete",
    "EventTime": "2026-03-02T09:07:56Z",
    "MessageBody": {"JobId": JOB, "FunctionName": "VideoDelogo"},
}


def forget(cloud: LocalCloud) -> None:
    """ICE no longer knows the job."""
    cloud.ice.forget(JOB)


@pytest.mark.parametrize("event", [EVENT, {"JobId": JOB}], ids=["with_time", "by_hand"])
def test_an_event_of_a_recorded_job_that_ice_forgot_is_ignored(world: World, event: JsonObject) -> None:
    """There is nothing to do, and the reply says why."""
    world.wake()
    forget(world.cloud)
    job = world.wake(event)
    assert job["outcome"] == "ignored"
    assert str(job["reason"]).startswith("ICE no longer knows the job, which is recorded: ")
    assert world.parked() == {}


def test_a_job_that_is_not_recorded_and_that_ice_does_not_know_is_parked(world: World) -> None:
    """It may be of another region."""
    forget(world.cloud)
    assert world.wake(EVENT)["outcome"] == "parked"
    assert [*world.parked()] == [f"not_found/{JOB}"]


def test_a_recorded_job_is_copied_to_the_store_that_lacks_it(cloud: LocalCloud, two: World) -> None:
    """GIVEN an envelope that names the second store WHEN ICE forgot the job THEN it comes from the first one."""
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="second", times=None))
    two.wake(EVENT)
    cloud.oss.clear()
    forget(cloud)
    job = two.wake(two.parked()[f"forbidden/{JOB}"])
    assert (job["outcome"], job["complete"]) == ("recorded", True)
    assert two.found(0) == two.found(1)


def test_a_copy_is_tried_again_when_its_source_cannot_be_read_for_now(cloud: LocalCloud, two: World) -> None:
    """GIVEN a second store that lacks a job that ICE forgot, and a first one that does not answer THEN the event is
    parked for a reason that passes, and the next try copies the job.
    """
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="second", times=None))
    two.wake(EVENT)
    cloud.oss.clear()
    forget(cloud)
    cloud.oss.fail(Fault("error_500", operation="GET", target="records", times=None))
    two.wake(two.parked()[f"forbidden/{JOB}"])
    cloud.oss.clear()
    envelope = two.parked()[f"unavailable/{JOB}"]
    assert (envelope["transient"], envelope["sinks"]) == (True, [two.urls[1]])
    assert two.wake(envelope)["outcome"] == "recorded"
    assert two.found(0) == two.found(1)


@pytest.mark.parametrize("look", [gone, forbidden, emptied])
def test_a_copy_takes_nothing_back(cloud: LocalCloud, two: World, look: Callable[[World], Function]) -> None:
    """GIVEN an envelope that names the second store, which has the job complete by now WHEN ICE forgot the job
    THEN that stays, though the first store has it less than complete.
    """
    first, second = (World(cloud, url, two.parking.parent) for url in two.urls)
    second.wake(EVENT)
    look(two)
    assert first.wake(EVENT)["complete"] is False
    cloud.oss.clear()
    forget(cloud)
    stored = two.found(1)
    job = two.wake({"schema": "ice_result.parked/1", "sinks": [two.urls[1]], "attempts": 1, "event": EVENT})
    assert (job["outcome"], job["complete"]) == ("recorded", True)
    assert two.found(1) == stored


def test_a_copy_of_less_takes_no_record_back(cloud: LocalCloud, two: World) -> None:
    """GIVEN a first store that has the job without its files, and a second one that has them THEN these stay."""
    first, second = (World(cloud, url, two.parking.parent) for url in two.urls)
    second.wake(EVENT)
    cloud.ice.put(JOB, WITHOUT_FILES)
    assert first.wake(EVENT)["job_outcome"] == "outputs_missing"
    forget(cloud)
    stored = two.found(1)
    job = two.wake({"schema": "ice_result.parked/1", "sinks": [two.urls[1]], "attempts": 1, "event": EVENT})
    assert (job["outcome"], job["job_outcome"]) == ("recorded", "ok")
    assert two.found(1) == stored


def all_kinds(cloud: LocalCloud, folder: Path) -> World:
    """Sinks of which the first cannot keep a response of 2.2 MB, and points to the second."""
    cloud.ice.put(JOB, {**SUCCESS, "New": "x" * 2_200_000})
    return World(cloud, f"ots://records,oss://records/ice,file:{folder}/out", folder)


def test_a_forgotten_job_comes_from_a_store_that_has_all_of_it(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a row without the response, which is too large for it, and an object with it THEN that is copied."""
    (tmp_path / "out").write_text("a file where a folder should be")
    world = all_kinds(cloud, tmp_path)
    world.wake(EVENT)
    (tmp_path / "out").unlink()
    forget(cloud)
    assert world.wake(world.parked()[f"storage/{JOB}"])["outcome"] == "recorded"
    assert world.found(2) == world.found(1)


def test_a_forgotten_job_is_looked_for_in_the_other_stores_too(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a first store that was lost, of three THEN the third gets the job from the second."""
    (tmp_path / "out").write_text("a file where a folder should be")
    world = World(cloud, f"sqlite:{tmp_path}/jobs.db,oss://records/ice,file:{tmp_path}/out", tmp_path)
    world.wake(EVENT)
    (tmp_path / "out").unlink()
    (tmp_path / "jobs.db").unlink()
    forget(cloud)
    assert world.wake(world.parked()[f"storage/{JOB}"])["outcome"] == "recorded"
    assert world.found(2) == world.found(1)


@pytest.mark.parametrize("kind", ["throttle", "error_500", "expired_keys"])
def test_a_store_that_is_down_hides_no_recorded_job(cloud: LocalCloud, two: World, kind: FaultKind) -> None:
    """GIVEN a job that ICE forgot THEN the second store is asked; when neither answers, the timer asks again."""
    two.wake(EVENT)
    forget(cloud)
    cloud.oss.fail(Fault(kind, operation="GET", target="records", times=None))
    assert two.wake(EVENT)["outcome"] == "ignored"
    cloud.oss.fail(Fault(kind, operation="GET", target="second", times=None))
    assert two.wake(EVENT)["outcome"] == "parked"
    ((name, envelope),) = two.parked().items()
    assert (name.startswith("not_found"), envelope["transient"]) == (False, True)


def test_what_is_whole_in_one_store_is_copied_though_another_is_not_whole(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a row without the response, an object with it, and a folder that lost the job WHEN ICE says less."""
    world = all_kinds(cloud, tmp_path)
    world.wake(EVENT)
    shutil.rmtree(tmp_path / "out")
    cloud.ice.put(JOB, CANCELED)
    assert world.wake(EVENT)["complete"] is True
    assert world.found(2) == world.found(1)


def test_a_manifest_that_one_store_lacks_comes_from_another(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a first store with the record alone, as after a kill, and a second with both WHEN ICE says less."""
    world = World(cloud, "oss://records/ice,ots://records", tmp_path)
    world.wake()
    (manifest,) = [key for key in cloud.oss.keys("records") if "/manifests/" in key]
    cloud.oss.delete("records", manifest)
    cloud.ice.put(JOB, CANCELED)
    assert world.wake()["complete"] is True
    assert world.found(0) == world.found(1)


@pytest.mark.slow
def test_a_list_of_files_that_a_row_cannot_keep_is_compared_all_the_same(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a complete manifest of more than 2 MB in Tablestore WHEN a file is gone, and WHEN ICE says less."""
    names = [f"{'x' * 600}/{'y' * 200}/{number}.mp4" for number in range(2500)]
    for name in names:
        cloud.oss.put("example-output", name, CLIP, "video/mp4", modified=FINISHED)
    cloud.ice.put(JOB, {**SUCCESS, "OutputFiles": [*names]})
    world = World(cloud, "ots://records", tmp_path)
    assert world.wake()["complete"] is True
    assert world.found().left_out == ("files",)
    cloud.oss.delete("example-output", names[7])
    assert world.wake()["complete"] is True
    cloud.ice.put(JOB, CANCELED)
    job = world.wake()
    assert (job["outcome"], job["complete"]) == ("recorded", True)


def test_the_look_for_a_forgotten_job_costs_three_reads(cloud: LocalCloud, two: World) -> None:
    """The pointer, the record and the manifest, in the first store that has the job."""
    two.wake(EVENT)
    forget(cloud)
    before = len(read(cloud))
    two.wake(EVENT)
    assert read(cloud)[before:] == [
        f"records/ice/jobs/{JOB}.json",
        f"records/ice/records/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json",
        f"records/ice/manifests/function_name=VideoDelogo/dt=2026-03-02/{JOB}.json",
    ]


def test_the_look_for_a_job_that_nobody_knows_costs_two_reads_for_each_store(cloud: LocalCloud, two: World) -> None:
    """The pointer and the mark; a function that has seen the mark does not read it again."""
    two.wake(EVENT)
    before = len(read(cloud))
    assert two.wake({"JobId": "nobody"}, two.made())["outcome"] == "parked"
    places = [f"{bucket}/ice/{name}" for bucket in ("records", "second") for name in ("jobs/nobody", "jobs-complete")]
    assert read(cloud)[before:] == [f"{place}.json" for place in places]
    assert two.wake({"JobId": "nobody"})["outcome"] == "parked"
    assert read(cloud)[before + 4 :] == [f"{bucket}/ice/jobs/nobody.json" for bucket in ("records", "second")]


def forget_pointers(cloud: LocalCloud) -> None:
    """Both stores are as an earlier version wrote them."""
    for bucket in ("records", "second"):
        cloud.oss.delete(bucket, "ice/jobs-complete.json")
        cloud.oss.delete(bucket, f"ice/jobs/{JOB}.json")


def test_without_the_mark_a_forgotten_job_is_looked_for_around_the_time_of_its_event(
    cloud: LocalCloud, two: World
) -> None:
    """GIVEN a store of an earlier version, without pointers THEN the days around the event's own time are read too."""
    two.wake(EVENT)
    forget_pointers(cloud)
    forget(cloud)
    before = len(read(cloud))
    assert two.wake(EVENT, two.made())["outcome"] == "ignored"
    folder = "records/ice/records/function_name=VideoDelogo"
    days = {target for target in read(cloud)[before:] if target.startswith(folder)}
    assert f"{folder}/dt=2026-03-02/{JOB}.json" in days
    assert days <= {f"{folder}/dt=2026-03-0{day}/{JOB}.json" for day in (1, 2, 3)}


def test_without_the_mark_no_record_is_looked_for_by_an_event_without_a_time(cloud: LocalCloud, two: World) -> None:
    """GIVEN a store of an earlier version WHEN a job is asked for by its id alone THEN no day is tried."""
    two.wake(EVENT)
    forget_pointers(cloud)
    forget(cloud)
    before = len(read(cloud))
    assert two.wake({"JobId": JOB}, two.made())["outcome"] == "parked"
    assert not [target for target in read(cloud)[before:] if "/records/" in target.removeprefix("records/")]


# --- it is said where it happens


def test_what_is_not_complete_is_said_on_the_terminal(cloud: LocalCloud, tmp_path: Path) -> None:
    """The line says why, the summary counts, and `list --incomplete` finds it in every kind of store."""
    cloud.ice.put("other", {**SUCCESS, "JobId": "other", "OutputFiles": ["delogo/other.mp4"]})
    for sink in (f"file:{tmp_path}/out", f"sqlite:{tmp_path}/jobs.db", "oss://records/ice"):
        more = {**cloud.environment, "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parking"}
        done = ice_result("process", JOB, "other", "--sink", sink, **more)
        assert done.returncode == 0
        lines = {line.split()[1]: line for line in done.stdout.splitlines()}
        assert "not complete" not in lines[JOB]
        assert lines["other"].endswith("(not complete: 1 of 1 file: not_found)")
        assert done.stderr.startswith("2 recorded: 1 complete, 1 not complete, in ")
        listed = ice_result("list", "--incomplete", "--since", "2026-01-01", "--sink", sink, "--json", **more)
        assert [job["job_id"] for job in listed.documents] == ["other"]
