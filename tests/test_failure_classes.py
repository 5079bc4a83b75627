"""The classes of failure in docs/operations.md, one by one: what each comes to, and how often was asked before.

docs/reliability.md names the test that shows each.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from typing_extensions import override

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.deadline import Clock, Deadline, current_deadline
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import ParkingError
from ice_result.function import Function, Reply
from ice_result.jobs.model import Job
from ice_result.processing.batch import JobOutcome, Pipeline
from ice_result.processing.write_job import Stores
from ice_result.sinks import SinkContext, open_parking_store
from ice_result.triggers import TriggerOptions
from support.fake_clock import FakeTime, without_pauses
from support.paths import ROOT, SAMPLE_JOBS, TESTS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials, PlatformFunction

COVER = (SAMPLE_JOBS / "cover-0001.json").read_bytes()
WAIT_SECONDS = 1.2
MANY = 60


def _handle(
    cloud: LocalCloud,
    folder: Path,
    event: object,
    *,
    timeout: int = 30,
    clock: Clock | None = None,
    **environment: str,
) -> Reply:
    """What a function that writes to `folder` makes of the event; without a clock, its pauses take no time."""
    ((key_id, secret),) = cloud.credentials.items()
    context = PlatformContextWithCredentials(
        credentials=PlatformCredentials(key_id, secret), function=PlatformFunction(timeout=timeout)
    )
    clock = clock or without_pauses()
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{folder}", **environment}, clock)
    with closing(function):
        return function.handle(json.dumps(event).encode(), context)


def _parked(folder: Path) -> list[JsonObject]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("parked/*/*.json"))]


@contextmanager
def _slowing_down(fake_time: FakeTime, asked: list[float]) -> Iterator[str]:
    """An ICE that throttles the first call and answers the others: its address. `asked` is when calls came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(fake_time.seconds)
            refused = len(asked) == 1
            body = b'{"Code":"Throttling.User","Message":"slow down","RequestId":"R"}' if refused else COVER
            self.send_response(400 if refused else 200)
            self.send_header("Content-Length", str(len(body)))
            if refused:
                self.send_header("x-acs-retry-after", str(int(WAIT_SECONDS * 1000)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_service_that_says_how_long_to_wait_is_not_asked_before(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a throttled reply with a time to wait WHEN it is over THEN the next call is made, and the job recorded."""
    cloud.seed_outputs()
    fake_time, asked = FakeTime(), list[float]()
    with _slowing_down(fake_time, asked) as endpoint:
        reply = _handle(
            cloud, tmp_path, {"JobId": "cover-0001"}, clock=fake_time.clock, ICE_RESULT_ICE_ENDPOINT=endpoint
        )
    assert reply["recorded"] == 1
    assert asked == [1000.0, 1000.0 + WAIT_SECONDS]


def test_a_transient_failure_is_tried_again_after_uneven_pauses_and_then_parked(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    """GIVEN a service that is down WHEN five calls have failed THEN the event is parked, to be tried again later."""
    fake_time = FakeTime()
    cloud.ice.fail(Fault("error_500", times=None))
    reply = _handle(cloud, tmp_path, {"JobId": "cover-0001"}, clock=fake_time.clock)
    assert reply["parked"] == 1
    assert len(cloud.ice.calls) == 5
    assert all(pause <= most for pause, most in zip(fake_time.slept, (0.2, 0.4, 0.8, 1.6), strict=True))
    assert len(set(fake_time.slept)) == 4
    (envelope,) = _parked(tmp_path)
    assert (envelope["reason"], envelope["transient"], envelope["attempts"]) == ("unavailable", True, 1)


def test_a_permanent_failure_is_parked_after_a_single_call(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a role that may not ask WHEN the event comes THEN one call is made, and no timer will try again."""
    cloud.ice.fail(Fault("forbidden", times=None))
    assert _handle(cloud, tmp_path, {"JobId": "cover-0001"})["parked"] == 1
    assert len(cloud.ice.calls) == 1
    (envelope,) = _parked(tmp_path)
    assert (envelope["reason"], envelope["transient"]) == ("forbidden", False)


def test_a_job_that_ice_does_not_know_is_asked_for_three_times_over_seconds(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN an id of another region, or a wrong one THEN it is parked after three calls, with what to look at."""
    fake_time = FakeTime()
    assert _handle(cloud, tmp_path, {"JobId": "nobody"}, clock=fake_time.clock)["parked"] == 1
    assert len(cloud.ice.calls) == 3
    first, second = fake_time.slept
    assert first >= 0.5
    assert second >= 0.75
    (envelope,) = _parked(tmp_path)
    assert (envelope["reason"], envelope["transient"]) == ("not_found", False)
    assert "another region" in str(envelope["error"])


def test_a_job_that_ice_knows_a_moment_later_is_recorded(tmp_path: Path) -> None:
    """GIVEN an event that is faster than what ICE answers from THEN the next call finds the job."""

    def learn(passing: CallEvent) -> None:
        if passing.service == "ICE" and passing.moment == "answered":
            cloud.ice.put("cover-0001", json.loads(COVER))

    with LocalCloud(watch=learn) as cloud:
        cloud.oss.create_bucket("example-output")
        assert _handle(cloud, tmp_path, {"JobId": "cover-0001"})["recorded"] == 1
        assert [call.status for call in cloud.ice.calls] == [400, 200]


def test_a_job_that_failed_in_ice_is_a_good_record(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN `Status: Fail` THEN it is recorded as such by one call, and nothing is parked."""
    reply = _handle(cloud, tmp_path, {"JobId": "videoclip-failed"})
    assert reply["recorded"] == 1
    (record,) = tmp_path.glob("records/*/*/videoclip-failed.json")
    assert json.loads(record.read_text())["state"] == "failed"
    assert len(cloud.ice.calls) == 1
    assert not _parked(tmp_path)


def test_what_is_not_ours_costs_nothing_and_says_why(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN another service's event THEN it is ignored with a reason, without a call and without a file."""
    reply = _handle(cloud, tmp_path, {"EventType": "TranscodeComplete", "MessageBody": {"JobId": "cover-0001"}})
    (job,) = json.loads(json.dumps(reply["jobs"]))
    assert job["outcome"] == "ignored"
    assert "TranscodeComplete" in job["reason"]
    assert not cloud.ice.calls
    assert not list(tmp_path.iterdir())


class Broken:
    """A JobSource with a mistake in it."""

    def load(self) -> None:
        """Nothing is loaded."""

    def get(self, job_id: JobId) -> Job:
        """Raises what nobody meant to raise."""
        assert current_deadline().left()
        jobs: dict[str, Job] = {}
        return jobs[f"{job_id}?Signature=secret"]


def _outcome_of_a_defect(folder: Path) -> JobOutcome:
    parking_store = open_parking_store(f"file:{folder}", SinkContext())
    stores = Stores(sinks=[], parking_stores=[parking_store], inspector=None)
    with closing(Pipeline(Broken(), stores, triggers=TriggerOptions(), region=None)) as pipeline:
        (outcome,) = pipeline.process(b'{"JobId":"cover-0001"}', lambda: Deadline.after(10)).jobs
    return outcome


def test_a_defect_of_ours_is_parked_with_its_place(tmp_path: Path) -> None:
    """GIVEN a mistake in our code THEN the envelope names the last frame, and nothing that was secret."""
    assert _outcome_of_a_defect(tmp_path).outcome == "parked"
    (envelope,) = _parked(tmp_path)
    assert (envelope["reason"], envelope["transient"]) == ("internal", False)
    message = json.dumps(envelope["error"])
    assert re.search(r"KeyError.*test_failure_classes\.py:\d+ get", message)
    assert "secret" not in message


def test_a_defect_that_cannot_even_be_parked_is_given_back(tmp_path: Path) -> None:
    """GIVEN nowhere to park THEN the event has failed, which the function raises; the reason tells both."""
    (tmp_path / "taken").write_text("a file where a folder should be")
    outcome = _outcome_of_a_defect(tmp_path / "taken")
    assert outcome.outcome == "failed"
    assert "test_failure_classes.py" in str(outcome.reason)
    assert "not parked: cannot " in str(outcome.reason)


def test_what_has_failed_is_raised(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN an event neither finished nor parked THEN the function raises, so that the platform sends it again."""
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(ParkingError, match="1 of 1 events must be delivered again"):
        _handle(cloud, tmp_path / "taken", {"JobId": "cover-0001"})


def test_a_reply_that_drips_cannot_hold_the_function(
    cloud: LocalCloud, watchers: list[CallObserver], tmp_path: Path
) -> None:
    """GIVEN replies at a byte a second WHEN a function has six seconds THEN within them the event is parked."""
    fake_time = FakeTime()
    watchers.append(fake_time.during("drip", 4.8, times=None))  # the time that six seconds leave for the work
    cloud.ice.fail(Fault("drip", times=None, interval_seconds=1))
    assert _handle(cloud, tmp_path, {"JobId": "cover-0001"}, timeout=6, clock=fake_time.clock)["parked"] == 1
    assert fake_time.seconds == 1000 + 4.8
    (envelope,) = _parked(tmp_path)
    assert (envelope["reason"], envelope["transient"]) == ("timed_out", True)


@pytest.mark.slow
def test_a_reply_that_drips_cannot_hold_the_function_in_real_time(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN replies that take a quarter of an hour WHEN a function has six seconds THEN it ends in ten times that."""
    cloud.ice.fail(Fault("drip", times=None, interval_seconds=1))
    began = time.monotonic()
    reply = _handle(cloud, tmp_path, {"JobId": "cover-0001"}, timeout=6, clock=Clock())
    assert time.monotonic() - began < 60
    assert reply["parked"] == 1
    assert [envelope["reason"] for envelope in _parked(tmp_path)] == ["timed_out"]


def test_a_batch_whose_time_ends_is_parked_in_good_order(tmp_path: Path) -> None:
    """GIVEN more events than there is time for THEN within the timeout, what was begun is recorded or parked by itself.

    What was not begun lies in one envelope, which holds each message once.
    """
    job_ids = [f"job-{number:02}" for number in range(MANY)]
    fake_time, answers = FakeTime(), count(1)

    def pass_by(passing: CallEvent) -> None:
        if passing.moment == "answered":  # after twenty of them, the 4.8 seconds for the work are over
            fake_time.move_to(1000 + min(4.8, 0.25 * next(answers)))

    with LocalCloud(watch=pass_by) as cloud:
        for job_id in job_ids:
            cloud.ice.put(job_id, {**json.loads(COVER), "JobId": job_id})
        messages = [{"JobId": job_id} for job_id in job_ids]
        reply = _handle(cloud, tmp_path, messages, timeout=6, clock=fake_time.clock, ICE_RESULT_VERIFY_OUTPUTS="off")
    assert fake_time.seconds < 1000 + 6
    together, *others = sorted(_parked(tmp_path), key=lambda envelope: envelope["job_id"] is not None)
    assert (together["reason"], together["transient"], together["job_id"]) == ("out_of_time", True, None)
    assert {envelope["reason"] for envelope in others} <= {"timed_out", "out_of_time"}
    recorded = [path.stem for path in tmp_path.glob("manifests/*/*/*.json")]
    left = json.loads(json.dumps(together["event"]))
    ended = [*recorded, *(str(envelope["job_id"]) for envelope in others), *(message["JobId"] for message in left)]
    assert sorted(ended) == job_ids
    assert recorded
    assert Counter(job["outcome"] for job in json.loads(json.dumps(reply["jobs"]))) == {
        "recorded": len(recorded),
        "parked": MANY - len(recorded),
    }


def test_every_test_that_the_document_names_exists() -> None:
    """A reader can look up each claim."""
    document = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", document))
    there = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named <= there
