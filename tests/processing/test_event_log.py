"""What the function logs: one JSON object a line, enough to find a job by, and nothing that is secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from opentelemetry.semconv._incubating.attributes import (  # its stable part has no `faas` and no `cloud`
    cloud_attributes,
    error_attributes,
    faas_attributes,
    http_attributes,
)
from typing_extensions import override

from alicloud_local import Fault, LocalCloud
from ice_result.core.calls import Retries, ServiceCaller, count_retries
from ice_result.core.types import JsonObject
from ice_result.errors import ForbiddenError, UnavailableError
from ice_result.function import Function
from ice_result.processing.event_log import StageTimer, write_job
from support.callback_requests import KEYS, URL, callback
from support.command_line import ice_result_process
from support.fake_clock import FakeTime, function_without_pauses
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext, PlatformFunction

Lines = list[JsonObject]


class Platform(logging.Handler):
    """The handler Function Compute puts on the root logger; it keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.levels: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        if record.name.startswith("ice_result"):
            self.texts.append(record.getMessage())
            self.levels.append(record.levelname)

    @property
    def lines(self) -> Lines:
        """All lines so far, which must be JSON."""
        return [json.loads(text) for text in self.texts]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """The handler in its place, as long as the test takes."""
    handler, root, ours = Platform(), logging.getLogger(), logging.getLogger("ice_result")
    level, our_level = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    ours.setLevel(our_level)


def make(cloud: LocalCloud, sinks: str, **more: str) -> Function:
    """A function in this cloud, whose pauses take no time."""
    cloud.seed_outputs()
    cloud.seed_inputs()
    return function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": sinks, **more})


def test_a_timer_that_ends_with_an_error_has_its_line(cloud: LocalCloud, platform: Platform) -> None:
    """GIVEN a store that may not be listed THEN the invocation is in the log all the same."""
    cloud.oss.fail(Fault("forbidden", operation="GET", target="records/", times=None))
    timer = b'{"triggerTime":"2026-03-02T08:00:00Z","triggerName":"timer","payload":""}'
    with pytest.raises(ForbiddenError):
        make(cloud, "oss://records").handle(timer, PlatformContext())
    assert len([text for text in platform.texts if '"kind":"invocation"' in text]) == 1


def test_a_recorded_job_is_one_line_and_its_invocation_another(cloud: LocalCloud, platform: Platform) -> None:
    """With all ids, the function, the outcome, and how long each stage took."""
    event = {
        "messageId": "M-1",
        "messageBody": '{"EventType":"AIProduceComplete","MessageBody":{"JobId":"cover-0001"}}',
    }
    make(cloud, "oss://records").handle(json.dumps(event).encode(), PlatformContext())
    job, invocation = platform.lines
    times = {name: job.pop(name) for name in [*job] if name.endswith("seconds")}
    assert set(times) == {"seconds", "ask_seconds", "look_up_seconds", "stage_seconds", "commit_seconds"}
    assert all(isinstance(seconds, float) and seconds >= 0 for seconds in times.values())
    assert job == {
        "kind": "job",
        "outcome": "recorded",
        "job_outcome": "ok",
        "complete": True,
        "suspicious": 0,
        "faas.invocation_id": "1-6543-abc",
        "event_id": "M-1",
        "event_type": "AIProduceComplete",
        "job_id": "cover-0001",
        "function_name": "Cover",
        "state": "succeeded",
        "retries": 0,
    }
    seconds = invocation.pop("seconds")
    assert isinstance(seconds, float)
    assert seconds >= 0
    counts = {"recorded": 1, "ignored": 0, "parked": 0, "failed": 0}
    assert invocation == {
        "kind": "invocation",
        "faas.invocation_id": "1-6543-abc",
        "faas.name": "ice-result",
        "cloud.provider": "alibaba_cloud",
        "cloud.platform": "alibaba_cloud_fc",
        "cloud.region": "cn-shanghai",
        "cloud.account.id": "1234567890123456",
        **counts,
    }
    assert platform.levels == ["INFO", "INFO"]


def test_retries_are_counted_for_the_job_they_are_made_for(cloud: LocalCloud, platform: Platform) -> None:
    """In whichever thread and for whichever service."""
    function = make(cloud, "oss://records")
    cloud.ice.fail(Fault("throttle", times=2, target="cover-0001"))
    cloud.oss.fail(Fault("reset", operation="PUT", target="records/manifests/function_name=Cover"))
    function.handle(b'{"JobIds":["cover-0001","videoclip-0001"]}', PlatformContext())
    retries = {str(line.get("job_id")): line.get("retries") for line in platform.lines}
    assert (retries["cover-0001"], retries["videoclip-0001"]) == (3, 0)


def test_what_is_parked_warns_and_what_is_lost_is_an_error(
    cloud: LocalCloud, platform: Platform, tmp_path: Path
) -> None:
    """Alarms can go by the level; the reason begins with the token of parked events."""
    make(cloud, f"file:{tmp_path}").handle(b'{"JobId":"nobody"}', PlatformContext())
    (tmp_path / "blocked").write_text("a file where a folder should be")
    function = make(cloud, f"file:{tmp_path}/blocked")
    with pytest.raises(Exception, match="must be delivered again"):
        function.handle(b'{"JobId":"cover-0001"}', PlatformContext())
    parked, _, failed, invocation = platform.lines
    assert platform.levels == ["WARNING", "INFO", "ERROR", "ERROR"]
    assert str(parked["reason"]).startswith("not_found: ")
    assert (parked["error.type"], failed["error.type"]) == ("not_found", "storage")
    assert "park_seconds" in parked
    assert (failed["outcome"], failed["function_name"], invocation["failed"]) == ("failed", "Cover", 1)


def test_what_is_ignored_has_a_line_with_the_reason(cloud: LocalCloud, platform: Platform, tmp_path: Path) -> None:
    """So that nobody wonders where an event went."""
    make(cloud, f"file:{tmp_path}").handle(b'{"EventType":"TranscodeComplete"}', PlatformContext())
    ignored, _ = platform.lines
    assert (ignored["outcome"], ignored["event_type"]) == ("ignored", "TranscodeComplete")
    assert "not one of those configured" in str(ignored["reason"])


def test_a_refused_request_is_one_line(cloud: LocalCloud, platform: Platform, tmp_path: Path) -> None:
    """The status, why, and nothing of what was sent."""
    keys = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": ",".join(KEYS)}
    make(cloud, f"file:{tmp_path}", **keys).handle(json.dumps(callback("cover-0001")).encode(), PlatformContext())
    (line,) = platform.lines
    assert (line["kind"], line["http.response.status_code"]) == ("invocation", 401)
    assert "signed" in str(line["refused"])
    assert platform.levels == ["WARNING"]


def test_each_name_with_a_dot_is_one_of_opentelemetry(cloud: LocalCloud, platform: Platform, tmp_path: Path) -> None:
    """GIVEN lines of recorded, parked and refused events THEN its semantic conventions have these names and values."""
    keys = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": ",".join(KEYS)}
    function = make(cloud, f"file:{tmp_path}", **keys)
    function.handle(json.dumps(callback("cover-0001")).encode(), PlatformContext())
    function.handle(b'{"JobIds":["cover-0001","nobody"]}', PlatformContext())

    used = {name for line in platform.lines for name in line if "." in name}

    known = {
        value
        for module in (cloud_attributes, error_attributes, faas_attributes, http_attributes)
        for name, value in vars(module).items()
        if name.isupper()
    }
    assert used <= known
    assert used == {
        "cloud.account.id",
        "cloud.platform",
        "cloud.provider",
        "cloud.region",
        "error.type",
        "faas.invocation_id",
        "faas.name",
        "http.response.status_code",
    }
    line = platform.lines[-1]
    assert line["cloud.provider"] == cloud_attributes.CloudProviderValues.ALIBABA_CLOUD.value
    assert line["cloud.platform"] == cloud_attributes.CloudPlatformValues.ALIBABA_CLOUD_FC.value


@dataclass(frozen=True)
class VersionedFunction(PlatformFunction):
    """Part `function` of the context of python3.12, which has the version."""

    version_id: str = "7"


@dataclass(frozen=True)
class ContextWithService(PlatformContext):
    """Context of python3.10: the version is in the part `service`."""

    service: VersionedFunction = field(default_factory=VersionedFunction)


@pytest.mark.parametrize("context", [ContextWithService(), PlatformContext(function=VersionedFunction())])
def test_a_line_has_the_version_of_the_function(
    context: PlatformContext, cloud: LocalCloud, platform: Platform, tmp_path: Path
) -> None:
    """WHEN a published version runs THEN its number is in the line of the invocation, on both runtimes."""
    make(cloud, f"file:{tmp_path}").handle(b'{"EventType":"TranscodeComplete"}', context)

    (invocation,) = (line for line in platform.lines if line["kind"] == "invocation")
    assert invocation["faas.version"] == "7"
    assert faas_attributes.FAAS_VERSION == "faas.version"


def test_no_credential_no_presigned_query_and_no_payload_is_logged(
    cloud: LocalCloud, platform: Platform, tmp_path: Path
) -> None:
    """Whatever an event or a response holds."""
    signed = "http://b.oss-cn-shanghai.aliyuncs.com/x?OSSAccessKeyId=LTAIsecret&Signature=s3cr3t"
    saved = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text())
    cloud.ice.put("odd", {**saved, "JobId": "odd", "FunctionName": signed, "UserData": "of the user alone"})
    events = [
        {"JobId": "odd", "messageId": signed, "note": "of the user alone"},
        {"messageId": signed, "messageBody": "of the user alone"},
        {"EventType": signed, "MessageBody": "of the user alone"},
        {"JobId": signed},
    ]
    make(cloud, f"file:{tmp_path}").handle(json.dumps(events).encode(), PlatformContext())
    everything = "\n".join(platform.texts)
    assert len(platform.texts) == 5
    secrets = ["s3cr3t", "LTAIsecret", "of the user alone", cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]]
    assert not [secret for secret in secrets if secret in everything]


def test_a_line_fits_the_platform(platform: Platform) -> None:
    """Function Compute cuts lines at 32 KB; no text in ours is longer than 300 characters."""
    facts: JsonObject = {"job_id": "j" * 100_000, "reason": "\ud800\n" * 100_000, "state": None}
    write_job("recorded", facts, StageTimer(), Retries())
    (text,) = platform.texts
    assert len(text.encode()) < 3000
    assert len(text.splitlines()) == 1


def test_the_level_is_a_setting(cloud: LocalCloud, platform: Platform, tmp_path: Path) -> None:
    """With WARNING, only what needs a look is written."""
    function = make(cloud, f"file:{tmp_path}", ICE_RESULT_LOG_LEVEL="WARNING")
    function.handle(b'{"JobIds":["cover-0001","nobody"]}', PlatformContext())
    assert [line["outcome"] for line in platform.lines] == ["parked"]


def test_the_handlers_of_the_platform_stay(cloud: LocalCloud, tmp_path: Path) -> None:
    """The root logger belongs to the platform."""
    before = list(logging.getLogger().handlers)
    make(cloud, f"file:{tmp_path}").initialize(PlatformContext())
    assert logging.getLogger().handlers == before


def test_the_command_line_prints_no_log_lines(tmp_path: Path) -> None:
    """Its own lines say what became of a job."""
    done = ice_result_process("process", "nobody", "--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}")
    assert done.returncode == 1
    assert "{" not in done.stderr + done.stdout


def test_a_stopwatch_times_what_fails_too() -> None:
    """To the millisecond, by stage and in all."""
    fake_time = FakeTime()
    watch = StageTimer(fake_time.clock.now)

    def fail() -> None:
        with watch.stage("ask"):
            fake_time.sleep(1.23456)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    fake_time.sleep(1)
    assert watch.stages == {"seconds": 2.235, "ask_seconds": 1.235}


def test_retries_count_inside_only() -> None:
    """Each run counts its own; without a count going on, nothing is counted."""
    fake_time = FakeTime()
    caller = ServiceCaller("ICE", attempts=3, clock=fake_time.clock)

    def fail() -> None:
        raise UnavailableError("ask", service="ICE")

    with count_retries() as outer, pytest.raises(UnavailableError):
        caller.call("ask", fail)
    with pytest.raises(UnavailableError):
        caller.call("ask", fail)
    assert outer.count == 2
