"""What the function does when a timer wakes it, over a folder, a database and OSS."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core import threads
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId, Model
from ice_result.errors import ForbiddenError, ParkingError
from ice_result.function import Function, Reply
from ice_result.maintenance import run_maintenance
from ice_result.processing.batch import RunContext
from ice_result.sinks import SinkContext, open_parking_store
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.oss import OssStore
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_model import Expected
from ice_result.sinks.table.rows import time_text
from support.fake_clock import FakeTime, function_without_pauses
from support.parked_events import Saved, envelope, pipeline_of, write_at
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

TIMER = json.dumps({"triggerTime": "2026-03-10T12:00:00Z", "triggerName": "timer", "payload": ""}).encode()
LAYOUT = Layout()
AN_HOUR = timedelta(hours=1)


class Shelf(Protocol):
    """Where the function writes and parks, as somebody beside it sees it."""

    url: str

    def lay(self, key: str, document: Model, *, age: timedelta) -> None:
        """Put a document there, as if it were so old."""

    def contents(self) -> list[str]:
        """All that lies there, but for records."""


class Folder:
    """A `file:` sink."""

    def __init__(self, folder: Path) -> None:
        self.url = f"file:{folder}"
        self._folder = folder

    def lay(self, key: str, document: Model, *, age: timedelta) -> None:
        """A file that was written so long ago."""
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(line(document))
        write_at(path, datetime.now(timezone.utc) - age)

    def contents(self) -> list[str]:
        """The files' places."""
        return _beside_records([str(path.relative_to(self._folder)) for path in self._folder.rglob("*.json")])


class Bucket:
    """An `oss://` sink."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.url = "oss://records"
        self._cloud = cloud

    def lay(self, key: str, document: Model, *, age: timedelta) -> None:
        """An object that was written so long ago."""
        self._cloud.oss.put("records", key, line(document), modified=time.time() - age.total_seconds())

    def contents(self) -> list[str]:
        """The objects' keys."""
        return _beside_records(self._cloud.oss.keys("records"))


class Database:
    """A `sqlite:` sink alone."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:{path}"
        self._path = path

    def lay(self, key: str, document: Model, *, age: timedelta) -> None:
        """A row that was written so long ago."""
        open_parking_store(self.url, SinkContext()).store.put(key, line(document))
        written = time_text(datetime.now(timezone.utc) - age)
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("UPDATE ice_parked SET written = ? WHERE object_key = ?", (written, key))

    def contents(self) -> list[str]:
        """The keys of the rows; a job stands where its manifest would be in a folder."""
        with closing(sqlite3.connect(self._path)) as database:
            beside = [key for (key,) in database.execute("SELECT object_key FROM ice_parked")]
            jobs = database.execute("SELECT function_name, substr(create_time, 1, 10), job_id FROM ice_jobs").fetchall()
        return sorted([*beside, *("manifests/function_name={}/dt={}/{}.json".format(*job) for job in jobs)])


def _beside_records(keys: list[str]) -> list[str]:
    """Without what is written together with a record."""
    return sorted(key for key in keys if not key.startswith(("records/", "jobs/", "jobs-complete.json")))


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Where jobs are looked up, where ICE is not asked."""
    return Saved(tmp_path / "jobs")


@pytest.fixture(params=["file", "sqlite", "oss"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """A folder, a database, or a bucket of the local cloud."""
    if request.param == "oss":
        return Bucket(request.getfixturevalue("cloud"))
    return Folder(tmp_path / "out") if request.param == "file" else Database(tmp_path / "out" / "jobs.db")


def woken(environment: dict[str, str], shelf: Shelf, saved: Saved | None = None) -> Reply:
    """What the function answers a timer."""
    jobs = {"ICE_RESULT_JOBS": saved.url} if saved else {}
    offline = {"ICE_RESULT_SINKS": shelf.url, "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    function = function_without_pauses({**offline, **environment, **jobs})
    try:
        return function.handle(TIMER, PlatformContext())
    finally:
        function.close()


def counts(reply: Reply) -> dict[str, object]:
    """How many events ended how; the timer's own is ignored."""
    return {name: reply[name] for name in ("recorded", "ignored", "parked")}


@pytest.fixture
def environment(request: pytest.FixtureRequest, shelf: Shelf) -> dict[str, str]:
    """What the function finds set."""
    if not shelf.url.startswith("oss:"):
        return {"ICE_RESULT_REGION": "cn-shanghai"}
    cloud: LocalCloud = request.getfixturevalue("cloud")
    return cloud.environment


def park(shelf: Shelf, place: str, *, age: timedelta) -> None:
    """An envelope under `<reason>/<job id>`."""
    reason, _, job_id = place.partition("/")
    moment = datetime.now(timezone.utc) - age
    parked = envelope({"JobId": job_id}, reason, job_id, moment)
    shelf.lay(f"parked/{place}.json", parked, age=age)


def expect(shelf: Shelf, job_id: str, *, overdue: timedelta, function_name: str | None = None) -> str:
    """A note that a job should have been recorded so long ago; its key."""
    due = datetime.now(timezone.utc).replace(microsecond=0) - overdue
    note = Expected(job_id=JobId(job_id), function_name=function_name, expected_at=due - AN_HOUR, due_at=due)
    shelf.lay(LAYOUT.expected(note), note, age=overdue + AN_HOUR)
    return LAYOUT.expected(note)


def test_a_timer_retries_what_may_mend_itself_and_is_due(
    shelf: Shelf, environment: dict[str, str], saved: Saved
) -> None:
    """Neither what was parked a moment ago, nor what lasts, nor the dead."""
    saved.done("a", "b", "c", "d")
    park(shelf, "unavailable/a", age=2 * AN_HOUR)
    park(shelf, "throttled/b", age=timedelta(seconds=10))
    park(shelf, "forbidden/c", age=2 * AN_HOUR)
    park(shelf, "dead/d", age=2 * AN_HOUR)

    reply = woken(environment, shelf, saved)

    assert counts(reply) == {"recorded": 1, "ignored": 1, "parked": 0}
    assert shelf.contents() == [
        "manifests/function_name=Cover/dt=2026-03-02/a.json",
        "parked/dead/d.json",
        "parked/forbidden/c.json",
        "parked/throttled/b.json",
    ]


def test_what_fails_again_waits_longer(shelf: Shelf, environment: dict[str, str], saved: Saved) -> None:
    """GIVEN a job that still runs THEN it is parked anew, and the next timer leaves it alone."""
    saved.running("a")
    park(shelf, "unavailable/a", age=2 * AN_HOUR)

    assert counts(woken(environment, shelf, saved)) == {"recorded": 0, "ignored": 1, "parked": 1}
    assert shelf.contents() == ["parked/not_finished/a.json"]
    assert counts(woken(environment, shelf, saved)) == {"recorded": 0, "ignored": 1, "parked": 0}


def test_a_run_is_bounded_and_takes_the_oldest(tmp_path: Path, saved: Saved) -> None:
    """GIVEN more than one run retries THEN the youngest wait for the next."""
    shelf = Folder(tmp_path / "out")
    names = parked_one_after_the_other(shelf, 8)

    with pipeline_of(settings_of(shelf, saved)) as pipeline:
        assert [*run_maintenance(pipeline, RunContext(lambda: Deadline.after(60)), most_retries=5)]

    assert left_and_tried(shelf) == (names[-3:], 5)


@pytest.mark.slow
def test_a_run_of_the_function_takes_a_hundred(tmp_path: Path, saved: Saved) -> None:
    """As many parked events, and as many notes, as by default: the others wait for the next run."""
    shelf = Folder(tmp_path / "out")
    names = parked_one_after_the_other(shelf, 103)
    expected = expected_one_after_the_other(shelf, 102)

    woken({"ICE_RESULT_REGION": "cn-shanghai"}, shelf, saved)

    assert left_and_tried(shelf) == (names[-3:], 200)
    assert notes_left(shelf) == expected[-2:]


def settings_of(shelf: Shelf, saved: Saved) -> dict[str, str]:
    """The function's settings, with saved jobs in place of ICE."""
    named = {"ICE_RESULT_SINKS": shelf.url, "ICE_RESULT_JOBS": saved.url, "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    return {"ICE_RESULT_REGION": "cn-shanghai", **named}


def parked_one_after_the_other(shelf: Shelf, count: int) -> list[str]:
    """Jobs that nobody knows and that are due, the oldest first."""
    names = [f"job-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        park(shelf, f"unavailable/{name}", age=3 * AN_HOUR - timedelta(seconds=number))
    return names


def expected_one_after_the_other(shelf: Shelf, count: int) -> list[str]:
    """Jobs that nobody knows and that are overdue, the oldest first."""
    names = [f"expected-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        expect(shelf, name, overdue=3 * AN_HOUR - timedelta(seconds=number))
    return names


def left_and_tried(shelf: Shelf) -> tuple[list[str], int]:
    """The jobs that are still parked as they were, and how many are parked anew."""
    left = [key for key in shelf.contents() if key.startswith("parked/unavailable/")]
    names = [key.removeprefix("parked/unavailable/").removesuffix(".json") for key in left]
    return names, sum(key.startswith("parked/not_found/") for key in shelf.contents())


def notes_left(shelf: Shelf) -> list[str]:
    """The jobs that are still expected, and other files beside their notes."""
    notes = [key for key in shelf.contents() if key.startswith("expected/")]
    return [key.removeprefix("expected/").rpartition("Z-")[2].removesuffix(".json") for key in notes]


def test_an_expected_job_that_is_recorded_costs_no_call_of_ice(cloud: LocalCloud) -> None:
    """Its note is removed, whether the note names the function or not."""
    shelf = Bucket(cloud)
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": shelf.url, "ICE_RESULT_VERIFY_OUTPUTS": "off"})
    function.handle(b'{"JobIds":["cover-0001","videoclip-0001"]}', PlatformContext())
    asked = len(cloud.ice.calls)
    created = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    for job_id, function_name in (("cover-0001", "Cover"), ("videoclip-0001", None)):
        note = Expected(job_id=JobId(job_id), function_name=function_name, expected_at=created, due_at=created)
        shelf.lay(LAYOUT.expected(note), note, age=AN_HOUR)

    reply = function.handle(TIMER, PlatformContext())
    function.close()

    assert len(cloud.ice.calls) == asked
    assert counts(reply) == {"recorded": 0, "ignored": 1, "parked": 0}
    assert [key for key in shelf.contents() if key.startswith("expected/")] == []


def test_an_expected_job_that_is_not_recorded_is_asked_for(cloud: LocalCloud) -> None:
    """GIVEN an event that never came THEN the job is recorded all the same, once, and its notes are gone."""
    shelf = Bucket(cloud)
    expect(shelf, "cover-0001", overdue=AN_HOUR)
    expect(shelf, "cover-0001", overdue=2 * AN_HOUR, function_name="Cover")

    reply = woken(cloud.environment, shelf)

    assert counts(reply) == {"recorded": 1, "ignored": 1, "parked": 0}
    assert [call.target for call in cloud.ice.calls] == ["cover-0001"]
    assert shelf.contents() == ["manifests/function_name=Cover/dt=2026-03-02/cover-0001.json"]


def test_an_expected_job_that_cannot_be_recorded_is_parked(
    shelf: Shelf, environment: dict[str, str], saved: Saved
) -> None:
    """One that still runs, and one nobody knows: from now on they are retried as parked events, without a note."""
    saved.running("running")
    saved.done("later")
    expect(shelf, "running", overdue=AN_HOUR)
    expect(shelf, "unknown", overdue=AN_HOUR)
    later = expect(shelf, "later", overdue=-AN_HOUR)

    reply = woken(environment, shelf, saved)

    assert counts(reply) == {"recorded": 0, "ignored": 1, "parked": 2}
    assert shelf.contents() == [later, "parked/not_finished/running.json", "parked/not_found/unknown.json"]


def test_an_expected_job_without_a_manifest_is_asked_for(cloud: LocalCloud, watchers: list[CallObserver]) -> None:
    """GIVEN a function that was killed between record and manifest THEN the timer brings the job to its end."""
    shelf = Bucket(cloud)
    created = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)
    note = Expected(job_id=JobId("cover-0001"), function_name="Cover", expected_at=created, due_at=created)
    watchers.append(lambda call: killed_at(call, "records/manifests/"))
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": shelf.url})
    with closing(function) as killed, pytest.raises(ParkingError):
        killed.handle(b'{"JobId":"cover-0001"}', PlatformContext())
    watchers.clear()
    assert shelf.contents() == []
    shelf.lay(LAYOUT.expected(note), note, age=AN_HOUR)

    reply = woken(cloud.environment, shelf)

    assert counts(reply) == {"recorded": 1, "ignored": 1, "parked": 0}
    assert shelf.contents() == ["manifests/function_name=Cover/dt=2026-03-02/cover-0001.json"]


def killed_at(call: CallEvent, target: str) -> None:
    """From this call on, nothing more is written: neither the job nor that it could not be."""
    if call.target.startswith((target, "records/parked/")) and call.operation == "PUT":
        raise ConnectionResetError


def test_a_note_stays_when_its_job_is_neither_recorded_nor_parked(cloud: LocalCloud) -> None:
    """GIVEN an ICE that fails and a store that parks nothing THEN the note is there for the next timer."""
    shelf = Bucket(cloud)
    note = expect(shelf, "cover-0001", overdue=AN_HOUR)
    cloud.ice.fail(Fault("forbidden", times=None))
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="records/parked/", times=None))

    with pytest.raises(ParkingError, match="1 of 2 events must be delivered again"):
        woken(cloud.environment, shelf)
    assert shelf.contents() == [note]

    cloud.ice.clear()
    cloud.oss.clear()
    assert counts(woken(cloud.environment, shelf)) == {"recorded": 1, "ignored": 1, "parked": 0}
    assert shelf.contents() == ["manifests/function_name=Cover/dt=2026-03-02/cover-0001.json"]


def test_only_the_notes_of_jobs_that_ended_are_removed(cloud: LocalCloud) -> None:
    """GIVEN a job that can be recorded and one that can be neither recorded nor parked THEN one note stays."""
    shelf = Bucket(cloud)
    note = expect(shelf, "nobody", overdue=2 * AN_HOUR)
    expect(shelf, "cover-0001", overdue=AN_HOUR)
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="records/parked/", times=None))

    with pytest.raises(ParkingError, match="1 of 3 events must be delivered again"):
        woken(cloud.environment, shelf)

    assert shelf.contents() == [note, "manifests/function_name=Cover/dt=2026-03-02/cover-0001.json"]


def without_outputs(cloud: LocalCloud, job_id: str) -> None:
    """ICE says that this job succeeded, and names no output."""
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text())
    for name in ("OutputFiles", "OutputUrls", "Result"):
        response[name] = None
    cloud.ice.put(job_id, response | {"JobId": job_id})


def note_of(job_id: str) -> Expected:
    """As after the job was recorded without outputs, and due since then."""
    created = datetime(2026, 3, 2, 8, 20, tzinfo=timezone.utc)
    due = created + timedelta(minutes=10)
    return Expected(job_id=JobId(job_id), function_name="Cover", expected_at=created, due_at=due)


def test_a_job_that_was_recorded_without_its_outputs_is_asked_for_once_more(cloud: LocalCloud) -> None:
    """GIVEN outputs that ICE names only later THEN they are in the record after the timer; its note is gone."""
    shelf = Bucket(cloud)
    without_outputs(cloud, "cover-0001")
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": shelf.url, "ICE_RESULT_VERIFY_OUTPUTS": "off"})
    function.handle(b'{"JobId":"cover-0001"}', PlatformContext())
    assert recorded_outcome(cloud, "cover-0001") == "outputs_missing"
    shelf.lay(LAYOUT.expected(note_of("cover-0001")), note_of("cover-0001"), age=AN_HOUR)
    cloud.ice.put("cover-0001", json.loads((SAMPLE_JOBS / "cover-0001.json").read_text()))

    reply = function.handle(TIMER, PlatformContext())
    function.close()

    assert counts(reply) == {"recorded": 1, "ignored": 1, "parked": 0}
    assert recorded_outcome(cloud, "cover-0001") == "ok"
    assert LAYOUT.expected(note_of("cover-0001")) not in shelf.contents()


def test_a_job_that_still_has_no_outputs_is_asked_for_once_for_each_note(cloud: LocalCloud) -> None:
    """It stays recorded as it is, and this note is gone, so that the next timer does not ask for it again."""
    shelf = Bucket(cloud)
    without_outputs(cloud, "cover-0001")
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": shelf.url, "ICE_RESULT_VERIFY_OUTPUTS": "off"})
    function.handle(b'{"JobId":"cover-0001"}', PlatformContext())
    shelf.lay(LAYOUT.expected(note_of("cover-0001")), note_of("cover-0001"), age=AN_HOUR)

    first = function.handle(TIMER, PlatformContext())
    asked = len(cloud.ice.calls)
    second = function.handle(TIMER, PlatformContext())
    function.close()

    assert (counts(first), counts(second)) == (
        {"recorded": 1, "ignored": 1, "parked": 0},
        {"recorded": 0, "ignored": 1, "parked": 0},
    )
    assert (asked, len(cloud.ice.calls)) == (2, 2)
    assert recorded_outcome(cloud, "cover-0001") == "outputs_missing"
    assert LAYOUT.expected(note_of("cover-0001")) not in shelf.contents()


def recorded_outcome(cloud: LocalCloud, job_id: str) -> str:
    """What the record in the bucket says."""
    record = json.loads(cloud.oss.get("records", f"records/function_name=Cover/dt=2026-03-02/{job_id}.json"))
    return str(record["outcome"])


def test_notes_are_bounded_too(tmp_path: Path, saved: Saved) -> None:
    """What is due first comes first; what is no note of ours is left alone, and does not count."""
    shelf = Folder(tmp_path / "out")
    names = expected_one_after_the_other(shelf, 7)
    (tmp_path / "out" / "expected" / "README.json").write_text("{}")

    with pipeline_of(settings_of(shelf, saved)) as pipeline:
        assert [*run_maintenance(pipeline, RunContext(lambda: Deadline.after(60)), most_notes=5)]

    assert notes_left(shelf) == [*names[-2:], "README"]


def test_a_store_that_refuses_to_be_listed_is_an_error(cloud: LocalCloud) -> None:
    """The platform's log shows that the role may not list; nothing is silently left undone."""
    cloud.oss.fail(Fault("forbidden", operation="GET", target="records/", times=None))

    with pytest.raises(ForbiddenError, match="403 AccessDenied"):
        woken(cloud.environment, Bucket(cloud))


def test_a_store_that_refuses_does_not_stop_the_retries_of_another(
    cloud: LocalCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN a bucket that may not be listed THEN the folder's events are retried, and a warning names the bucket."""
    shelf = Folder(tmp_path / "out")
    park(shelf, "unavailable/cover-0001", age=2 * AN_HOUR)
    cloud.oss.fail(Fault("forbidden", operation="GET", target="records/?prefix=parked", times=None))

    woken({**cloud.environment, "ICE_RESULT_SINKS": f"{shelf.url},oss://records"}, shelf)

    assert "skipped oss://records: OSS: list oss://records/parked/: 403 AccessDenied" in caplog.text
    assert shelf.contents() == ["manifests/function_name=Cover/dt=2026-03-02/cover-0001.json"]


def test_retries_that_hang_leave_time_for_expected_jobs(cloud: LocalCloud, watchers: list[CallObserver]) -> None:
    """GIVEN an ICE that does not answer for one job THEN another's note is seen to within the same run."""
    shelf = Bucket(cloud)
    park(shelf, "unavailable/audiomixing-0001", age=2 * AN_HOUR)
    expect(shelf, "cover-0001", overdue=AN_HOUR)
    cloud.ice.fail(Fault("hang", target="audiomixing-0001", times=None))
    fake_time = FakeTime()
    watchers.append(lambda call: fake_time.move(6) if call.target == "audiomixing-0001" else None)
    end = Deadline.after(10, fake_time.clock)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": shelf.url}, fake_time.clock) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(lambda: end))]

    assert [(each.job_id, each.outcome) for each in outcomes] == [
        ("audiomixing-0001", "parked"),
        ("cover-0001", "recorded"),
    ]
    assert end.left() > 0


@pytest.mark.parametrize("of_envelopes", [True, False], ids=["envelope", "note"])
def test_a_read_that_hangs_costs_only_what_was_to_be_read(
    cloud: LocalCloud, saved: Saved, monkeypatch: pytest.MonkeyPatch, *, of_envelopes: bool
) -> None:
    """GIVEN a read that hangs where no connection can be shut down THEN the other jobs are worked on all the same."""
    shelf = Bucket(cloud)
    saved.done("a", "b")
    for name in ("a", "b"):
        if of_envelopes:
            park(shelf, f"unavailable/{name}", age=2 * AN_HOUR)
        else:
            expect(shelf, name, overdue=AN_HOUR)
    (stuck,) = (key for key in shelf.contents() if key.endswith("a.json"))
    released = threading.Event()
    get = OssStore.get

    def hang(store: OssStore, key: str) -> bytes | None:
        if key == stuck:
            with threads.attempt(Deadline.after(0.05), ("OSS", f"read {key}")):
                released.wait(60)
        return get(store, key)

    monkeypatch.setattr(OssStore, "get", hang)
    with pipeline_of({**cloud.environment, **settings_of(shelf, saved)}) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(lambda: Deadline.after(100)))]
        released.set()
    assert [(each.job_id, each.outcome) for each in outcomes] == [("b", "recorded")]
    assert stuck in shelf.contents()


def test_an_envelope_that_cannot_be_read_leaves_time_for_others(
    cloud: LocalCloud, watchers: list[CallObserver], saved: Saved
) -> None:
    """GIVEN a store that does not hand out one envelope THEN those read before it are retried within the same run."""
    shelf = Bucket(cloud)
    names = parked_one_after_the_other(shelf, 16)  # as many as are read at once
    saved.done(*names)
    park(shelf, "unavailable/stuck", age=2 * AN_HOUR)
    stuck = "records/parked/unavailable/stuck.json"
    cloud.oss.fail(Fault("hang", operation="GET", target=stuck, times=None))
    fake_time = FakeTime()
    others = {f"records/parked/unavailable/{name}.json" for name in names}
    beside = set[str]()

    def watch(call: CallEvent) -> None:
        if call.operation == "GET" and call.target in others:
            beside.add(call.target)
        elif call.target == stuck and call.moment == "arrived":
            end = time.monotonic() + 60
            while (len(beside) < 15 or len(threads._attempts) > 1) and time.monotonic() < end:
                time.sleep(0.005)  # until those that are read beside it have been read
            fake_time.move(31)

    watchers.append(watch)
    end = Deadline.after(100, fake_time.clock)

    with pipeline_of({**cloud.environment, **settings_of(shelf, saved)}, fake_time.clock) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(lambda: end))]

    assert sorted((str(each.job_id), each.outcome) for each in outcomes) == [(name, "recorded") for name in names]
