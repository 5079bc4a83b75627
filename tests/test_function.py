"""The function as the platform calls it: bytes and a context in, a reply or an error out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core import threads as pool_module
from ice_result.core.types import JsonValue
from ice_result.errors import ParkingError, SettingsError
from ice_result.function import Function, Reply
from ice_result.triggers import JobEvent, Malformed, Triggered, TriggerOptions, job_event, parse
from support.fake_clock import FakeTime, function_without_pauses
from support.paths import SAMPLE_EVENTS, SAMPLE_JOBS
from support.platform_context import (
    PlatformContext,
    PlatformContextWithCredentials,
    PlatformCredentials,
    PlatformFunction,
)


@pytest.fixture
def function(cloud: LocalCloud, tmp_path: Path) -> Function:
    """A function that writes to a folder and, beside it, into OSS."""
    cloud.seed_outputs()
    return function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}/out,oss://records/ice"})


def _handle(function: Function, payload: object, context: PlatformContext | None = None) -> Reply:
    return function.handle(json.dumps(payload).encode(), context or PlatformContext())


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


@pytest.mark.parametrize("path", sorted(SAMPLE_EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_is_brought_to_an_end(function: Function, path: Path) -> None:
    """Each envelope ends in records or in an ignored line; nothing is parked."""
    reply = function.handle(path.read_bytes(), PlatformContext())
    summary = json.loads(str(reply["body"]) if "statusCode" in reply else json.dumps(reply))
    assert summary["parked"] == 0
    assert summary["recorded"] + summary["ignored"] == len(summary["jobs"]) > 0


def test_a_record_and_a_manifest_lie_in_every_sink(function: Function, cloud: LocalCloud, tmp_path: Path) -> None:
    """The folder and the bucket hold the same keys with the same bytes."""
    reply = _handle(function, {"JobId": "cover-0001"})
    assert (reply["recorded"], reply["ignored"], reply["parked"]) == (1, 0, 0)
    local = _files(tmp_path / "out")
    assert [key.split("/")[0] for key in local] == ["jobs", "jobs-complete.json", "manifests", "records"]
    assert {f"ice/{key}": data for key, data in local.items()} == {
        key: cloud.oss.get("records", key) for key in cloud.oss.keys("records")
    }


def test_the_same_event_twice_leaves_the_same_bytes(function: Function, tmp_path: Path) -> None:
    """Nothing doubled, nothing changed."""
    _handle(function, {"JobIds": ["cover-0001", "videoclip-0001"]})
    before = _files(tmp_path)
    reply = _handle(function, {"JobIds": ["videoclip-0001", "cover-0001", "cover-0001"]})
    assert reply["recorded"] == 2
    assert _files(tmp_path) == before


def test_one_poisoned_message_does_not_stop_its_batch(function: Function, tmp_path: Path) -> None:
    """The good one is recorded, the bad one is parked: what could not be read, and whose message it is."""
    bad = {"requestId": "R", "messageId": "M-1", "messageBody": "\x00?"}
    good = {"requestId": "R", "messageId": "M-2", "messageBody": '{"JobId":"cover-0001"}'}
    reply = _handle(function, [bad, good])
    assert (reply["recorded"], reply["parked"]) == (1, 1)
    (parked,) = (tmp_path / "out" / "parked" / "malformed").glob("*.json")
    envelope = json.loads(parked.read_text())
    assert (envelope["event"], envelope["event_id"]) == ("\x00?", "M-1")
    assert envelope["schema"] == "ice_result.parked/1"


def test_a_job_ice_does_not_know_is_parked_with_the_reason(function: Function, tmp_path: Path) -> None:
    """The operator sees the event, the reason and the error."""
    reply = _handle(function, {"JobId": "nobody"})
    assert reply["parked"] == 1
    envelope = json.loads((tmp_path / "out" / "parked" / "not_found" / "nobody.json").read_text())
    assert envelope["error"]["type"] == "NotFoundError"
    assert envelope["attempts"] == 1
    _handle(function, {"JobId": "nobody"})
    assert json.loads((tmp_path / "out" / "parked" / "not_found" / "nobody.json").read_text())["attempts"] == 2


def test_events_that_cannot_even_be_parked_are_given_back(cloud: LocalCloud, tmp_path: Path) -> None:
    """With nowhere to park, the handler raises, so that the platform delivers the event again."""
    (tmp_path / "out").write_text("a file where a folder should be")
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}/out"})
    with pytest.raises(ParkingError, match="1 of 1 events must be delivered again"):
        _handle(function, {"JobId": "cover-0001"})
    http = {"version": "v1", "rawPath": "/", "headers": {}, "body": '{"JobId":"cover-0001"}', "isBase64Encoded": False}
    http |= {"requestContext": {"http": {"method": "POST"}, "requestId": "r"}}
    assert _handle(function, http)["statusCode"] == 500


def test_very_many_events_are_answered_in_short(
    cloud: LocalCloud,
    fake_time: FakeTime,
    watchers: list[CallObserver],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GIVEN more events than there is time for THEN the reply lists a thousand and says how many more there are.

    The log has one line for all of those that were not begun.
    """
    watchers.append(lambda call: fake_time.move_to(1008) if call.service == "ICE" else None)
    cloud.ice.fail(Fault("hang", times=None))
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    caplog.set_level("INFO")

    reply = _handle(function, {"JobIds": [f"job-{number}" for number in range(2500)]}, _context(timeout=10))

    assert fake_time.seconds < 1010
    assert (reply["recorded"], reply["parked"], reply["omitted"]) == (0, 2500, 1500)
    listed = reply["jobs"]
    assert isinstance(listed, list)
    assert len(listed) == 1000
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "ice_result.event_log"]
    assert len(lines) < 30
    begun = [line for line in lines if line["kind"] == "job" and "job_id" in line]
    (late,) = [line for line in lines if "events" in line]
    assert late["events"] + len(begun) == 2500
    assert (late["outcome"], late["faas.invocation_id"]) == ("parked", PlatformContext().request_id)


def test_the_reply_lists_first_what_somebody_may_have_to_look_at(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN more jobs than it lists THEN the parked ones are among them, and all stand in the order of the payload."""
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    ignored = {"EventType": "TranscodeComplete"}
    reply = _handle(function, [*[ignored] * 999, 7, {"JobId": "cover-0001"}, ignored, {"no": "id"}])
    assert (reply["recorded"], reply["parked"], reply["ignored"], reply["omitted"]) == (1, 2, 1000, 3)
    listed = json.loads(json.dumps(reply["jobs"]))
    outcomes = [job["outcome"] for job in listed]
    assert outcomes == ["ignored"] * 997 + ["parked", "recorded", "parked"]


def test_what_cannot_be_read_in_time_is_parked_unread(
    cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a payload that takes longer to read than a third of the time THEN its rest is kept, and recorded later."""
    sinks = {"ICE_RESULT_SINKS": f"file:{tmp_path}"}
    function = Function({**cloud.environment, **sinks}, fake_time.clock)
    monkeypatch.setattr("ice_result.triggers.job_ids.job_event", _slowly(fake_time))
    messages = [{"JobId": job_id} for job_id in ("cover-0001", "videoclip-0001", "videodelogo-0001", "videoh2v-0001")]
    reply = _handle(function, messages, _context(timeout=10))
    assert (reply["recorded"], reply["parked"]) == (3, 1)
    (envelope,) = tmp_path.glob("parked/out_of_time/*.json")
    monkeypatch.setattr("ice_result.triggers.job_ids.job_event", job_event)
    reply = _handle(function, json.loads(envelope.read_text()))
    assert (reply["recorded"], reply["parked"]) == (1, 0), reply


def _slowly(fake_time: FakeTime) -> Callable[[JsonValue, str], JobEvent | Malformed]:
    """Reading one id takes a second."""

    def job_event_in_a_second(value: JsonValue, field: str) -> JobEvent | Malformed:
        fake_time.move(1.0)
        return job_event(value, field)

    return job_event_in_a_second


def test_what_took_long_to_read_leaves_as_long_to_park_it(
    cloud: LocalCloud, fake_time: FakeTime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN three seconds for reading the events WHEN ten are all there is THEN work on them ends at five."""

    def slow_parse(payload: bytes | str, options: TriggerOptions, **more: Callable[[], bool]) -> Triggered:
        fake_time.move(3.0)
        return parse(payload, options, **more)

    monkeypatch.setattr("ice_result.processing.batch.parse", slow_parse)
    cloud.ice.put("slow", {"JobId": "slow", "Status": "Analysing", "FunctionName": "Cover"})
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    assert _handle(function, {"JobId": "slow"}, _context(timeout=10))["parked"] == 1
    assert 1003 < fake_time.seconds <= 1005


def test_the_last_of_the_time_is_for_the_answer(
    cloud: LocalCloud, fake_time: FakeTime, watchers: list[CallObserver]
) -> None:
    """GIVEN a store that never answers WHEN nothing can be parked THEN the error comes before the platform's end."""
    ends = iter([1024.01])

    def pass_by(passing: CallEvent) -> None:
        if (passing.service, passing.operation, passing.moment) == ("OSS", "PUT", "arrived"):
            fake_time.move_to(next(ends, 1025.0))

    watchers.append(pass_by)
    cloud.oss.fail(Fault("hang", operation="PUT", times=None))
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}, fake_time.clock)
    with pytest.raises(ParkingError):
        _handle(function, {"no": "id"}, _context(timeout=25))
    assert fake_time.seconds < 1025


def test_a_call_that_hangs_leaves_time_for_a_second_one(
    cloud: LocalCloud, fake_time: FakeTime, watchers: list[CallObserver], tmp_path: Path
) -> None:
    """GIVEN a reply that drips WHEN six of the eight seconds for the work are over THEN the job is asked for anew."""
    second = threading.Event()
    asked: list[str] = []

    def let_time_pass() -> None:
        fake_time.move(6.0)
        if not second.wait(20):
            fake_time.move(4.0)

    def pass_by(passing: CallEvent) -> None:
        if (passing.service, passing.moment) == ("ICE", "arrived"):
            asked.append(passing.target)
            if len(asked) == 1:
                threading.Thread(target=let_time_pass).start()
            else:
                second.set()

    watchers.append(pass_by)
    cloud.ice.fail(Fault("drip", interval_seconds=1.0))
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    assert _handle(function, {"JobId": "cover-0001"}, _context(timeout=10))["recorded"] == 1
    assert asked == ["cover-0001", "cover-0001"]


def _context(timeout: int) -> PlatformContext:
    return PlatformContext(function=PlatformFunction(timeout=timeout))


def test_what_one_sink_refuses_is_parked_with_its_name_and_written_there_later(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    """The other sink has the job; the envelope, sent again, writes only where it is missing."""
    cloud.seed_outputs()
    cloud.oss.fail(Fault("forbidden", operation="PUT", times=None))
    sinks = f"oss://records/ice,file:{tmp_path}/out"
    function = function_without_pauses(
        {**cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_PARK_URL": f"file:{tmp_path}"}
    )
    assert _handle(function, {"JobId": "cover-0001"})["parked"] == 1
    assert len(_files(tmp_path / "out")) == 4
    parked = tmp_path / "parked" / "forbidden" / "cover-0001.json"
    envelope = json.loads(parked.read_text())
    assert envelope["sinks"] == ["oss://records/ice"]
    assert envelope["event"] == {"JobId": "cover-0001"}

    cloud.oss.clear()
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    assert function.handle(parked.read_bytes(), PlatformContext())["recorded"] == 1
    assert len(cloud.oss.keys("records")) == 4
    assert not (tmp_path / "out").exists()


def test_a_job_no_sink_took_is_parked_without_names(cloud: LocalCloud, tmp_path: Path) -> None:
    """Sent again, it goes everywhere."""
    cloud.seed_outputs()
    cloud.oss.forbid("records")
    function = function_without_pauses(
        {**cloud.environment, "ICE_RESULT_SINKS": "oss://records", "ICE_RESULT_PARK_URL": f"file:{tmp_path}"}
    )
    assert _handle(function, {"JobId": "cover-0001"})["parked"] == 1
    assert json.loads((tmp_path / "parked" / "forbidden" / "cover-0001.json").read_text())["sinks"] == []


def test_an_http_trigger_gets_the_full_form(function: Function) -> None:
    """Status, headers, isBase64Encoded and body: a shorter form is taken for the body itself."""
    reply = function.handle((SAMPLE_EVENTS / "http-callback.json").read_bytes(), PlatformContext())
    assert reply["statusCode"] == 200
    assert set(reply) == {"statusCode", "headers", "isBase64Encoded", "body"}
    assert json.loads(str(reply["body"]))["recorded"] >= 1


def test_the_reply_is_json_for_the_platform(function: Function) -> None:
    """What is not serialisable fails an invocation: the reply is plain JSON."""
    reply = _handle(function, ["\ud800", {"JobId": "nobody"}, 1, None, {"JobId": "cover-0001"}])
    assert json.loads(json.dumps(reply, sort_keys=True)) == reply


@pytest.mark.parametrize(
    "event",
    [
        *({"JobId": "cover-0001"}, [{"JobId": "cover-0001"}], "cover-0001", '{"JobId":"cover-0001"}'),
        *(bytearray(b'{"JobId":"cover-0001"}'), memoryview(b'{"JobId":"cover-0001"}')),
        {"messageBody": b'{"JobId":"cover-0001"}', "messageId": "m"},
        {"messageBody": bytearray(json.dumps({"JobId": "cover-0001"}).encode("utf-16")), "messageId": "m"},
    ],
    ids=["object", "array", "word", "text", "bytearray", "memoryview", "bytes inside", "UTF-16 inside"],
)
def test_local_tools_hand_over_a_value_or_a_text(function: Function, event: JsonValue) -> None:
    """The platform hands over bytes; a test tool gives the handler what it read from its own file."""
    reply = function.handle(event, PlatformContext())
    if event == "cover-0001":  # text that is no JSON: a word is a job id only as a JSON string
        assert (reply["recorded"], reply["parked"]) == (0, 1)
        reply = function.handle(json.dumps(event), PlatformContext())
    assert reply["recorded"] == 1


def test_a_message_of_many_jobs_is_parked_in_pieces(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN ICE that refuses all WHEN one message names 300 jobs THEN each envelope holds its own event alone."""
    cloud.ice.fail(Fault("forbidden", times=None))
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    events = [
        {"EventType": "AIProduceComplete", "MessageBody": {"JobId": f"job-{number:030d}"}} for number in range(300)
    ]
    message = [{"specversion": "1.0", "id": "1", "source": "mns", "data": {"messageBody": json.dumps(events)}}]
    assert _handle(function, message)["parked"] == 300
    envelopes = _files(tmp_path)
    assert len(envelopes) == 300
    assert sum(len(data) for data in envelopes.values()) < 300 * 1500


def test_events_of_another_product_cost_no_call(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a queue that MPS uses too THEN its events are ignored with the reason, and nothing is called or written."""
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    reply = function.handle((SAMPLE_EVENTS / "mps-transcode.json").read_bytes(), PlatformContext())
    assert (reply["ignored"], reply["parked"]) == (1, 0)
    assert "MPS" in str(reply["jobs"])
    assert len(cloud.ice.calls) == 0
    assert list(tmp_path.rglob("*.json")) == []


def test_the_keys_of_the_invocation_are_used(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On runtimes that hand keys over, those of the present call sign the requests; else the environment's do."""
    key_id, secret = (
        cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    )
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "expired")
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    fresh = PlatformContextWithCredentials(credentials=PlatformCredentials(key_id, secret))
    assert _handle(function, {"JobId": "cover-0001"})["parked"] == 1
    assert _handle(function, {"JobId": "cover-0001"}, fresh)["recorded"] == 1


def test_time_that_runs_out_parks_the_job(cloud: LocalCloud, tmp_path: Path) -> None:
    """A job still running when the function's time ends is parked as not finished, within that time."""
    cloud.ice.put("slow", {"JobId": "slow", "Status": "Analysing", "FunctionName": "Cover"})
    fake_time = FakeTime()
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}, fake_time.clock)
    reply = _handle(function, {"JobId": "slow"}, PlatformContext(function=PlatformFunction(timeout=30)))
    assert reply["parked"] == 1
    assert 1000 + 10 < fake_time.seconds < 1000 + 30
    envelope = json.loads((tmp_path / "parked" / "not_finished" / "slow.json").read_text())
    assert envelope["transient"] is True


def test_a_job_that_ends_while_we_wait_is_recorded(cloud: LocalCloud, tmp_path: Path) -> None:
    """An event may come a moment before the job's state changes."""
    finished = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text())
    cloud.ice.put("soon", {**finished, "JobId": "soon", "Status": "Analysing"}, {**finished, "JobId": "soon"})
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    assert _handle(function, {"JobId": "soon"})["recorded"] == 1


def test_broken_settings_are_told_whole() -> None:
    """The platform's error page names every variable."""
    with pytest.raises(SettingsError, match=r"ICE_RESULT_SINKS.*ICE_RESULT_CONCURRENCY|ICE_RESULT_CONCURRENCY.*SINKS"):
        Function({"ICE_RESULT_CONCURRENCY": "0"}).prepare(PlatformContext())


def test_a_fault_that_passes_is_not_noticed(function: Function, cloud: LocalCloud) -> None:
    """A throttled query and a reset write are tried again within the same call."""
    cloud.ice.fail(Fault("throttle", times=1))
    cloud.oss.fail(Fault("reset", operation="PUT", times=1))
    assert _handle(function, {"JobId": "cover-0001"})["recorded"] == 1
    assert [call.status for call in cloud.ice.calls] == [400, 200]


@pytest.fixture
def handler_environment(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the entry points read."""
    monkeypatch.setenv("ICE_RESULT_SINKS", f"file:{tmp_path}")
    cloud.seed_outputs()
    return tmp_path


def test_an_instance_that_goes_ends_its_threads_and_may_come_back(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an event that was worked on WHEN the function is closed THEN no thread is left, until the next event."""
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})
    monkeypatch.setattr(pool_module, "pool", pool_module.DaemonThreadPool())  # without threads of other tests
    before = set(threading.enumerate())
    assert _handle(function, {"JobId": "cover-0001"})["recorded"] == 1
    assert _names(threading.enumerate(), before) == {"ice-result"}
    for _ in range(2):
        function.close()
    _wait_until(lambda: _names(threading.enumerate(), before) == set())
    assert _handle(function, {"JobId": "videoclip-0001"})["recorded"] == 1


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def _names(threads: list[threading.Thread], before: set[threading.Thread]) -> set[str]:
    """Of the pipeline's own threads that were not there before."""
    names = {thread.name for thread in threads if thread not in before}
    return names & {"ice-result"}


def test_the_entry_points_are_the_ones_named_in_the_function(handler_environment: Path) -> None:
    """`handler.initialize`, `handler.handler` and `handler.pre_stop` exist, take what the platform gives, and work."""
    import handler  # noqa: PLC0415  reads the environment of the test

    handler.initialize(PlatformContext())
    reply = handler.handler(b'{"JobId":"cover-0001"}', PlatformContext())
    assert reply["recorded"] == 1
    assert list(handler_environment.rglob("cover-0001.json"))
    handler.pre_stop(PlatformContext())


def test_a_file_that_cannot_be_reached_later_is_not_unlearnt(cloud: LocalCloud) -> None:
    """GIVEN a complete manifest WHEN the event comes again while OSS answers no look-up THEN it stays as it is."""
    cloud.seed_outputs()
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})
    context = PlatformContext()
    function.handle(b'{"JobId":"cover-0001"}', context)
    before = {key: cloud.oss.get("records", key) for key in cloud.oss.keys("records")}
    cloud.oss.fail(Fault("error_500", target="example-output", times=None))
    assert function.handle(b'{"JobId":"cover-0001"}', context)["recorded"] == 1
    assert {key: cloud.oss.get("records", key) for key in cloud.oss.keys("records")} == before
    function.handle(b'{"JobId":"videoclip-0001"}', context)
    (other,) = [key for key in cloud.oss.keys("records") if "manifests" in key and "videoclip" in key]
    assert json.loads(cloud.oss.get("records", other))["complete"] is False


def test_what_is_missing_is_told_in_the_same_words_each_time(cloud: LocalCloud) -> None:
    """GIVEN files that are not there WHEN the event comes twice THEN the manifest is the same, byte for byte."""
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})
    written = []
    for _ in range(2):
        function.handle(b'{"JobId":"cover-0001"}', PlatformContext())
        written.append({key: cloud.oss.get("records", key) for key in cloud.oss.keys("records")})
    assert written[0] == written[1]
    assert b"not_found" in b"".join(written[0].values())
