"""The function behind an HTTP trigger: who is answered what, how fast, and what it costs."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.faults import FaultKind
from alicloud_local.service import CallObserver
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.function import Function
from ice_result.http_callback import CallbackResponder, ReplayCache
from ice_result.jobs.model import Job
from ice_result.processing.batch import BatchReport, Pipeline
from ice_result.processing.write_job import Stores
from ice_result.triggers import JobEvent, TriggerOptions, parse
from support.callback_requests import KEYS, URL, callback, signature
from support.fake_clock import FakeTime
from support.platform_context import PlatformContext, PlatformFunction


def function_with(cloud: LocalCloud, sinks: str, fake_time: FakeTime, **more: str) -> Function:
    """A function that ICE alone may wake over HTTP."""
    cloud.seed_outputs()
    keys = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": ",".join(KEYS)}
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": sinks, **keys, **more}, fake_time.clock)
    function.initialize(PlatformContext())
    return function


def send(function: Function, request: JsonObject, timeout: int = 30) -> tuple[int, JsonObject]:
    """The status and the body of the answer."""
    reply = function.handle(json.dumps(request).encode(), PlatformContext(function=PlatformFunction(timeout=timeout)))
    status = reply["statusCode"]
    assert isinstance(status, int)
    body: JsonObject = json.loads(str(reply["body"]))
    return status, body


def fresh(job_id: str, **more: str) -> JsonObject:
    """ICE's callback for a job, signed now."""
    return callback(job_id, timestamp=int(time.time()), **more)


def calls(cloud: LocalCloud) -> int:
    """How often anything was called at all."""
    return len(cloud.ice.calls) + len(cloud.oss.calls)


def test_ice_wakes_the_function(cloud: LocalCloud, fake_time: FakeTime) -> None:
    """GIVEN a signed callback WHEN it comes THEN the job is recorded and ICE is told so."""
    function = function_with(cloud, "oss://records", fake_time)
    status, body = send(function, fresh("cover-0001"))
    assert (status, body["recorded"]) == (200, 1)
    assert [key.partition("/")[0] for key in cloud.oss.keys("records")] == [
        *("jobs-complete.json", "jobs", "manifests", "records")
    ]


def test_nobody_else_does(cloud: LocalCloud, fake_time: FakeTime) -> None:
    """401, with the reason, and nothing was called or written."""
    function = function_with(cloud, "oss://records", fake_time)
    before = calls(cloud)
    status, body = send(function, callback("cover-0001"))
    assert status == 401
    assert list(body) == ["refused"]
    assert "ago" in str(body["refused"])
    assert send(function, {**fresh("cover-0001"), "headers": {}})[0] == 401
    assert calls(cloud) == before
    assert cloud.oss.keys("records") == []


def test_forged_and_repeated_requests_cost_nothing(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """WHEN a captured request is repeated, altered and forged THEN the one write of its job is all there ever is."""
    function = function_with(cloud, f"oss://records,file:{tmp_path}", fake_time)
    genuine = fresh("cover-0001")
    assert send(function, genuine)[0] == 200
    before, written = calls(cloud), sorted(tmp_path.rglob("*"))
    chance = random.Random(7)  # noqa: S311  repeatable on purpose
    for number in range(30 * len(FORGERIES)):
        kind = number % (len(FORGERIES) + 2)
        if kind >= len(FORGERIES):
            status, body = send(function, genuine)
            assert (status, body["ignored"]) == (200, 1)
        else:
            request = {
                **genuine,
                "headers": FORGERIES[kind](chance),
                "body": chance.choice((genuine["body"], "", None)),
            }
            status, body = send(function, request)
            assert (status, list(body)) == (401, ["refused"])
    assert calls(cloud) == before
    assert sorted(tmp_path.rglob("*")) == written


def _headers(timestamp: str, sign: str) -> JsonObject:
    return {"X-ICE-TIMESTAMP": timestamp, "X-ICE-SIGNATURE": sign}


def _now(offset: int = 0) -> str:
    return str(int(time.time()) + offset)


def _junk(chance: random.Random) -> str:
    return "".join(chance.choices("0123456789abcdef\u0000\u0660é\n", k=chance.choice((0, 1, 31, 32, 33))))


FORGERIES: tuple[Callable[[random.Random], JsonValue], ...] = (
    lambda chance: _headers(_now(), _junk(chance)),
    lambda chance: _headers(old := _now(-chance.randrange(302, 100_000)), signature(old)),
    lambda chance: _headers(ahead := _now(chance.randrange(310, 100_000)), signature(ahead)),
    lambda chance: _headers(now := _now(), signature(now, key=_junk(chance))),
    lambda chance: _headers(now := _now(), signature(now, url=chance.choice((URL + "/", URL.upper(), "")))),
    lambda chance: _headers(_now(), signature(_now(-chance.randrange(20, 90)))),
    lambda chance: _headers(junk := _junk(chance), signature(junk)),
    lambda _: _headers(padded := f" {_now()}", signature(padded)),
    lambda _: {"X-ICE-SIGNATURE": signature(_now())},
    lambda _: {"X-ICE-TIMESTAMP": _now()},
    lambda _: {**_headers(now := _now(), signature(now)), "x-ice-signature": "0"},
    lambda _: {"X-ICE-TIMESTAMP": int(_now()), "X-ICE-SIGNATURE": [signature(_now())]},
    lambda chance: chance.choice((None, {}, [], "headers", 7)),
)
"""What a stranger may send as headers, one kind a line."""


@pytest.mark.parametrize("kind", ["hang", "drip", "throttle", "error_500", "reset"])
def test_what_cannot_be_finished_in_time_is_parked(
    cloud: LocalCloud, fake_time: FakeTime, watchers: list[CallObserver], *, tmp_path: Path, kind: FaultKind
) -> None:
    """ICE answers late or not at all: the event is kept, and ICE gets its 200 within two seconds."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    watchers.append(fake_time.during(kind, 1.2, times=None))
    cloud.ice.fail(Fault(kind, times=None))
    began = fake_time.seconds
    status, body = send(function, fresh("cover-0001"))
    assert (status, body["parked"]) == (200, 1)
    assert fake_time.seconds - began < 1.9
    assert [path.name for path in tmp_path.rglob("*.json")] == ["cover-0001.json"]


def test_a_job_that_is_still_running_is_parked(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """There is no time to wait for it."""
    cloud.ice.put("slow", {"JobId": "slow", "Status": "Analysing", "FunctionName": "Cover"})
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    assert send(function, fresh("slow"))[0] == 200
    assert [path.parent.name for path in tmp_path.rglob("slow.json")] == ["not_finished"]


@pytest.mark.slow
@pytest.mark.parametrize("service", ["ice", "oss"])
def test_the_answer_comes_in_real_time_too(cloud: LocalCloud, tmp_path: Path, service: str) -> None:
    """GIVEN calls that hang for ever THEN ICE is answered within 20 s, ten times the promise."""
    cloud.seed_outputs()
    sinks = {"ice": f"file:{tmp_path}", "oss": "oss://records"}[service]
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": sinks})
    {"ice": cloud.ice, "oss": cloud.oss}[service].fail(Fault("hang", times=None))
    began = time.monotonic()
    status, _ = send(function, {**callback("cover-0001"), "headers": {}})
    assert time.monotonic() - began < 20
    assert status in ({200, 503} if service == "ice" else {500, 503})


def test_what_cannot_be_parked_either_is_sent_again(
    cloud: LocalCloud, fake_time: FakeTime, watchers: list[CallObserver]
) -> None:
    """Every call hangs: an error within two seconds makes ICE try again; and nothing is remembered as done."""
    function = function_with(cloud, "oss://records", fake_time)
    watchers.append(lambda call: fake_time.move_to(began + 1.9) if call.service == "OSS" and hanging else None)
    cloud.oss.fail(Fault("hang", times=None))
    began, hanging = fake_time.seconds, True
    assert send(function, fresh("cover-0001"))[0] in {500, 503}
    assert fake_time.seconds == began + 1.9
    hanging = False
    cloud.oss.clear()
    status, body = send(function, fresh("cover-0001"))
    assert (status, body["recorded"]) == (200, 1)


def test_what_is_refused_and_cannot_be_parked_is_an_error_of_the_server(cloud: LocalCloud, fake_time: FakeTime) -> None:
    """GIVEN a store that refuses everything THEN the answer is 500, and the same request is worked on again."""
    function = function_with(cloud, "oss://records", fake_time)
    cloud.oss.fail(Fault("forbidden", times=None, operation="PUT"))
    status, body = send(function, fresh("cover-0001"))
    assert (status, body["recorded"], body["parked"]) == (500, 0, 0)
    cloud.oss.clear()
    status, body = send(function, fresh("cover-0001"))
    assert (status, body["recorded"]) == (200, 1)


def test_ice_is_answered_within_two_seconds(
    cloud: LocalCloud, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN work that keeps no deadline WHEN two seconds have passed THEN ICE has its answer: 503, send it again."""
    function = function_with(cloud, "oss://records", fake_time)
    release = threading.Event()

    def report(*_: object) -> BatchReport:
        fake_time.move(2.0)
        release.wait(10)
        return BatchReport(jobs=())

    monkeypatch.setattr(Pipeline, "report", report)
    status, body = send(function, fresh("cover-0001"))
    release.set()
    assert status == 503
    assert "no complete reply within 1.9 s" in str(body)


def test_a_short_timeout_of_the_function_is_kept(
    cloud: LocalCloud, fake_time: FakeTime, watchers: list[CallObserver], tmp_path: Path
) -> None:
    """One second for all of it: the answer comes before the platform ends the call."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    began = fake_time.seconds
    watchers.append(lambda _: fake_time.move_to(began + 0.8))
    cloud.ice.fail(Fault("hang", times=None))
    assert send(function, fresh("cover-0001"), timeout=1)[0] in {200, 503}
    assert fake_time.seconds <= began + 0.8


def test_a_flood_of_one_job_is_parked_once(cloud: LocalCloud, fake_time: FakeTime) -> None:
    """GIVEN a job nobody knows WHEN it is named again and again THEN only as many times as ICE does cost anything."""
    function = function_with(cloud, "oss://records", fake_time)
    answers = [send(function, fresh("nobody")) for _ in range(50)]
    assert {status for status, _ in answers} == {200}
    assert [body["parked"] for _, body in answers] == [1] * 3 + [0] * 47
    assert "less than 300 s ago" in str(answers[-1][1]["jobs"])
    assert len(cloud.ice.calls) <= 9  # an unknown job is asked for again while time lasts
    assert [call.operation for call in cloud.oss.calls].count("PUT") == 3
    assert len(cloud.oss.keys("records")) == 1


def test_a_parked_job_is_tried_again_when_ice_repeats_its_event(
    cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path
) -> None:
    """GIVEN a job that was parked a moment ago WHEN ICE sends the event once more THEN the job is recorded."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    cloud.ice.fail(Fault("forbidden"))
    assert send(function, fresh("cover-0001"))[1]["parked"] == 1
    assert send(function, fresh("cover-0001"))[1]["recorded"] == 1
    assert send(function, fresh("cover-0001"))[1]["ignored"] == 1


def test_a_job_is_worked_on_again_when_five_minutes_are_over(cloud: LocalCloud, fake_time: FakeTime) -> None:
    """A later state of the job is recorded by its own request."""
    function = function_with(cloud, "oss://records", fake_time)
    assert send(function, fresh("cover-0001"))[1]["recorded"] == 1
    fake_time.move(299)
    assert send(function, fresh("cover-0001"))[1]["ignored"] == 1
    fake_time.move(2)
    assert send(function, fresh("cover-0001"))[1]["recorded"] == 1


def test_a_body_without_a_job_id_is_parked_once(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """One look at it tells which pointer to set; signed anew, it is still the same body."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    for seconds in range(3):
        request = callback("a", timestamp=int(time.time()) - seconds, body='{"EventType":"AIProduceComplete"}')
        assert send(function, request)[0] == 200
    (parked,) = tmp_path.rglob("*.json")
    envelope = json.loads(parked.read_text())
    assert envelope["attempts"] == 1
    assert envelope["event"] == {"EventType": "AIProduceComplete"}


def test_a_request_parked_for_its_job_is_processed_from_its_envelope(
    cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path
) -> None:
    """Hours later its signature has expired, but it was checked when it came."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    cloud.ice.fail(Fault("forbidden"))
    assert send(function, fresh("cover-0001"))[1]["parked"] == 1
    (parked,) = tmp_path.rglob("*.json")
    assert "signature" not in parked.read_text().lower()
    assert function.handle(parked.read_bytes(), PlatformContext())["recorded"] == 1


def test_without_keys_anybody_may_wake_the_function(cloud: LocalCloud, tmp_path: Path) -> None:
    """The trigger's own authentication is then the only one."""
    cloud.seed_outputs()
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    assert send(function, {**callback("cover-0001"), "headers": {}})[1]["recorded"] == 1


def test_of_a_stranger_only_one_job_is_taken(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """GIVEN no keys WHEN anybody sends many jobs, a form or a long text THEN nothing is called, and nothing parked."""
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    bodies = {json.dumps({"JobIds": [f"flood{number}" for number in range(2000)]}): 400, "a=1": 400, "x" * 200_000: 413}
    for body, expected in bodies.items():
        status, answer = send(function, {**callback("a", body=body), "headers": {}})
        assert (status, list(answer)) == (expected, ["refused"])
    assert calls(cloud) == 0
    assert list(tmp_path.rglob("*.json")) == []


def test_a_stranger_does_not_say_where_a_job_goes(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """GIVEN no keys WHEN somebody sends an envelope with a past of their own THEN the job is in every store."""
    cloud.seed_outputs()
    first, second = f"file:{tmp_path}/first", f"file:{tmp_path}/second"
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"{first},{second}"}, fake_time.clock)
    forged: JsonObject = {"schema": "ice_result.parked/1", "sinks": [second], "attempts": 500}
    for job_id, outcome in (("cover-0001", "recorded"), ("nobody", "parked")):
        body = json.dumps({**forged, "event": {"JobId": job_id}})
        assert send(function, {**callback("a", body=body), "headers": {}})[1][outcome] == 1
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json"))
    assert [(path.split("/")[1], path.split("/")[-1]) for path in written if path.startswith("first/")] == [
        ("jobs-complete.json", "jobs-complete.json"),
        ("jobs", "cover-0001.json"),
        ("manifests", "cover-0001.json"),
        ("parked", "nobody.json"),
        ("records", "cover-0001.json"),
    ]
    assert [path for path in written if "dead" in path] == []


@pytest.mark.parametrize("keys", [True, False], ids=["with keys", "without keys"])
def test_a_browser_is_told_that_it_carries_nothing(cloud: LocalCloud, fake_time: FakeTime, *, keys: bool) -> None:
    """GET and HEAD are answered 200, any other method but POST 405 with what is right; nothing is called."""
    settings = {} if keys else {"ICE_RESULT_CALLBACK_URL": "", "ICE_RESULT_CALLBACK_KEYS": ""}
    function = function_with(cloud, "oss://records", fake_time, **settings)
    before = calls(cloud)
    for method, expected in (("GET", 200), ("HEAD", 200), ("PUT", 405)):
        request = {**callback("cover-0001"), "requestContext": {"http": {"method": method}}, "headers": {}}
        reply = function.handle(json.dumps(request).encode(), PlatformContext())
        assert reply["statusCode"] == expected
        assert isinstance(reply["headers"], dict)
        assert reply["headers"].get("Allow") == ("POST" if expected == 405 else None)
        assert "expected POST" in str(reply["body"])
    assert calls(cloud) == before


def test_what_ice_signed_and_nobody_can_read_is_parked(cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path) -> None:
    """GIVEN a genuine signature WHEN the body is a form, names two jobs or is too long THEN it is kept, with 200."""
    function = function_with(cloud, f"file:{tmp_path}", fake_time)
    for body in ("a=1", '{"JobIds":["a","b"]}', "x" * 200_000):
        assert send(function, fresh("a", body=body))[1]["parked"] == 1
    assert [path.parent.name for path in tmp_path.rglob("*.json")] == ["malformed"] * 3
    assert len(cloud.ice.calls) == 0


def test_what_happened_five_minutes_ago_is_forgotten() -> None:
    """And of a flood of many jobs, only the newest are remembered: memory has an end."""
    recent = ReplayCache(most=10)
    events = [JobEvent(job_id=JobId(f"job-{number}")) for number in range(11)]
    recent.add(events[0], 0.0)
    assert recent.knows(events[0], 299.0)
    assert not recent.knows(events[0], 301.0)
    for event in events:
        recent.add(event, 301.0)
    assert not recent.knows(events[0], 301.0)
    assert recent.knows(events[1], 301.0)
    assert recent.knows(events[-1], 301.0)


@pytest.mark.slow
def test_the_newest_ten_thousand_are_remembered() -> None:
    """As many as an instance remembers by itself."""
    recent = ReplayCache()
    events = [JobEvent(job_id=JobId(f"job-{number}")) for number in range(10_001)]
    for event in events:
        recent.add(event, 0.0)
    assert [recent.knows(event, 0.0) for event in events] == [False] + [True] * 10_000


class Stuck:
    """A source of jobs that keeps no deadline at all."""

    def __init__(self, fake_time: FakeTime, seconds: float = 1000) -> None:
        self.release = threading.Event()
        self._fake_time = fake_time
        self._seconds = seconds

    def load(self) -> None:
        """Nothing is loaded."""

    def get(self, job_id: JobId) -> Job:
        """Take longer than anybody may."""
        self._fake_time.move(self._seconds)
        self.release.wait(30)
        raise AssertionError(job_id)


def test_nothing_holds_the_answer_up(fake_time: FakeTime) -> None:
    """Whatever breaks its promises is left behind, and the answer says: try again."""
    stores = Stores(sinks=[], parking_stores=[], inspector=None)
    stuck = Stuck(fake_time)
    pipeline = Pipeline(stuck, stores, triggers=TriggerOptions(), region=None)
    limit = Deadline.after(1000, fake_time.clock)
    status, report = CallbackResponder().answer(pipeline, parse(json.dumps(callback("a"))), limit, "r")
    stuck.release.set()
    assert (status, [job.outcome for job in report.jobs]) == (503, ["failed"])
    pipeline.close()


def test_the_answer_comes_within_two_seconds_whatever_hangs(
    cloud: LocalCloud, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN work that keeps no deadline WHEN 1.95 s are over THEN ICE has its answer."""
    stuck = Stuck(fake_time, seconds=1.95)
    monkeypatch.setattr("ice_result.app.IceJobs", lambda *_: stuck)
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    status, _ = send(function, {**callback("a"), "headers": {}})
    assert (status, fake_time.seconds) == (503, 1001.95)
    stuck.release.set()
    function.close()  # what was left behind has ended, and logs nothing into another test
