"""The package, run as the platform runs it: unpacked, under each runtime, nothing else on the path."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from support.certificate_authority import tls_of_an_authority
from support.command_line import ice_result_process
from support.packaged_function import Instance, Package
from support.paths import SAMPLE_EVENTS, SAMPLE_JOBS
from support.platform_context import PlatformContext, PlatformContextWithCredentials, PlatformCredentials
from support.webhook_receiver import WebhookReceiver

EVENTS = sorted(SAMPLE_EVENTS.glob("*.json"))
SMALLEST_INSTANCE_BYTES = 128 << 20
pytestmark = [pytest.mark.package, pytest.mark.slow, pytest.mark.timeout(900)]
Start = Callable[..., Instance]
ENTRY_POINTS = ("handler.handler", "handler.initialize", "handler.pre_stop")


@pytest.fixture
def environment(tls_cloud: LocalCloud, tmp_path: Path) -> dict[str, str]:
    """What the platform sets for the function."""
    return {
        **tls_cloud.environment,
        "ICE_RESULT_SINKS": "oss://records/ice",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "FC_FUNCTION_NAME": "ice-result",
    }


@pytest.fixture
def instance(package: Package, environment: dict[str, str], start: Start) -> Instance:
    """An instance of the packaged function, not initialised yet."""
    return start(package.python, package.code, environment, *ENTRY_POINTS)


def _summary(body: bytes) -> dict[str, object]:
    """What an event trigger gets, or what an HTTP trigger's body says."""
    reply = json.loads(body)
    summary: dict[str, object] = json.loads(reply["body"]) if "statusCode" in reply else reply
    return summary


def test_every_sample_passes_through_the_package(instance: Instance, package: Package, tls_cloud: LocalCloud) -> None:
    """Over TLS, in one instance, one request at a time; what is imported is the package's or Python's own."""
    ready = instance.initialize(PlatformContext())
    assert ready.error is None, ready.error
    imported = ready.modules
    for path in EVENTS:
        answer = instance.handle(path.read_bytes(), replace(PlatformContext(), request_id=path.stem))
        assert answer.error is None, answer.error
        summary = _summary(answer.body)
        assert summary["parked"] == 0, (path, summary)
        imported = answer.modules
    recorded = {Path(key).stem for key in tls_cloud.oss.keys("records") if "/records/" in key}
    assert recorded == {path.stem for path in SAMPLE_JOBS.glob("*.json")}
    assert not [folder for folder in imported if "site-packages" in folder or "/src/ice_result" in folder]
    assert str(package.code / "ice_result") in imported
    print(f"python{package.py}: ready in {ready.seconds:.2f} s, at most {answer.memory_bytes / 1e6:.0f} MB")
    assert answer.memory_bytes < SMALLEST_INSTANCE_BYTES


def test_an_instance_keeps_what_it_has(instance: Instance, tls_cloud: LocalCloud) -> None:
    """The second event finds everything loaded, and leaves the same bytes."""
    instance.initialize(PlatformContext())
    first = instance.handle(b'{"JobId": "cover-0001"}', PlatformContext())
    written = {key: tls_cloud.oss.get("records", key) for key in tls_cloud.oss.keys("records")}
    second = instance.handle(b'{"JobId": "cover-0001"}', PlatformContext())
    assert second.modules == first.modules
    assert second.body == first.body
    assert written == {key: tls_cloud.oss.get("records", key) for key in tls_cloud.oss.keys("records")}
    assert instance.process.poll() is None


def test_an_instance_works_without_its_initializer(instance: Instance) -> None:
    """Not every deployment names the hook."""
    assert _summary(instance.handle(b'"cover-0001"', PlatformContext()).body)["recorded"] == 1


def test_an_instance_that_goes_leaves_nothing_open(
    package: Package, environment: dict[str, str], start: Start, tmp_path: Path
) -> None:
    """The hook before the end, before any event and twice too: a database is whole without its log beside it."""
    database = {**environment, "ICE_RESULT_SINKS": f"sqlite:{tmp_path}/db/jobs.db,oss://records/ice"}
    instance = start(package.python, package.code, database, *ENTRY_POINTS)
    assert instance.pre_stop(PlatformContext()).error is None
    instance.handle(b'"cover-0001"', PlatformContext())
    assert (tmp_path / "db" / "jobs.db-wal").exists()
    for _ in range(2):
        assert instance.pre_stop(PlatformContext()).error is None
    assert [path.name for path in (tmp_path / "db").iterdir()] == ["jobs.db"]
    assert _summary(instance.handle(b'"videoclip-0001"', PlatformContext()).body)["recorded"] == 1


def test_the_invocation_brings_the_keys(
    package: Package, environment: dict[str, str], tls_cloud: LocalCloud, start: Start
) -> None:
    """As python3.10 hands them over, each time anew: those of the environment may have expired since."""
    stale = {**environment, "ALIBABA_CLOUD_ACCESS_KEY_ID": "STS.old", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "old"}
    instance = start(package.python, package.code, stale, *ENTRY_POINTS)
    for _ in range(2):
        tls_cloud.rotate(temporary=True)
        fresh = tls_cloud.environment
        context = PlatformContextWithCredentials(
            credentials=PlatformCredentials(
                fresh["ALIBABA_CLOUD_ACCESS_KEY_ID"],
                fresh["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
                fresh["ALIBABA_CLOUD_SECURITY_TOKEN"],
            )
        )
        assert _summary(instance.handle(b'{"JobId": "cover-0001"}', context).body)["recorded"] == 1


def test_wrong_settings_are_told_all_at_once(package: Package, environment: dict[str, str], start: Start) -> None:
    """By the names of the variables, in the text that the platform shows."""
    wrong = {**environment, "ICE_RESULT_SINKS": "", "ICE_RESULT_CONCURRENCY": "many"}
    instance = start(package.python, package.code, wrong, *ENTRY_POINTS)
    error = instance.initialize(PlatformContext()).error
    assert error is not None
    assert error["errorType"] == "SettingsError"
    assert "ICE_RESULT_SINKS" in str(error["errorMessage"])
    assert "ICE_RESULT_CONCURRENCY" in str(error["errorMessage"])


def test_what_cannot_be_kept_fails_the_invocation_without_a_secret(
    instance: Instance, environment: dict[str, str], tls_cloud: LocalCloud
) -> None:
    """The platform delivers it again; the error and the log, which others read, hold no key."""
    tls_cloud.oss.forbid("records")
    error = instance.handle(b'{"JobId": "cover-0001"}', PlatformContext()).error
    assert error is not None
    assert error["errorType"] == "ParkingError"
    told = str(error) + instance.close()
    assert "1-6543-abc" in told
    assert environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in told


def test_tablestore_works_from_the_package(
    everything: Package, environment: dict[str, str], start: Start, tmp_path: Path
) -> None:
    """With the extra that its sink asks for, without numpy."""
    tables = {**environment, "ICE_RESULT_SINKS": "ots://records", "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parked"}
    done = ice_result_process("setup", "--tables", "--yes", **tables)
    assert done.returncode == 0, done.stderr
    instance = start(everything.python, everything.code, tables, *ENTRY_POINTS)
    answer = instance.handle(b'{"JobIds": ["cover-0001", "videoclip-0001"]}', PlatformContext())
    assert _summary(answer.body)["recorded"] == 2, answer.body
    assert not [folder for folder in answer.modules if "numpy" in folder]


def test_s3_works_from_the_package(everything: Package, environment: dict[str, str], start: Start) -> None:
    """boto3 is there with what it needs to make a request: it gets as far as finding nobody who answers."""
    nobody = {
        **environment,
        "ICE_RESULT_SINKS": "s3://records/ice",
        "ICE_RESULT_S3_ENDPOINT": "https://127.0.0.1:9",
        "ICE_RESULT_PARK_URL": "oss://records",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    instance = start(everything.python, everything.code, nobody, *ENTRY_POINTS)
    answer = instance.handle(b'{"JobId": "cover-0001"}', PlatformContext())
    (job,) = json.loads(answer.body)["jobs"]
    assert (job["outcome"], job["reason"].partition(":")[0]) == ("parked", "unavailable"), answer


def test_targets_work_from_the_package(
    everything: Package, environment: dict[str, str], start: Start, tls_cloud: LocalCloud, tmp_path: Path
) -> None:
    """A queue, a topic, a bus and a webhook are told, over TLS, with the extra that the targets ask for."""
    tls_cloud.mns.create_queue("told")
    tls_cloud.mns.create_topic("told")
    tls_cloud.eventbridge.create_bus("told")
    with WebhookReceiver(tls=tls_of_an_authority(tmp_path / "other.pem")) as receiver:
        trusted = (tmp_path / "ca.pem").read_text() + (tmp_path / "other.pem").read_text()
        (tmp_path / "both.pem").write_text(trusted)
        told = {
            **environment,
            "REQUESTS_CA_BUNDLE": str(tmp_path / "both.pem"),
            "ICE_RESULT_NOTIFY": f"mns://told mns-topic://told eventbridge://told {receiver.url}",
            "ICE_RESULT_NOTIFY_SECRETS": "127.0.0.1=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }
        instance = start(everything.python, everything.code, told, *ENTRY_POINTS)
        answer = instance.handle(b'{"JobId": "cover-0001"}', PlatformContext())
        assert _summary(answer.body)["recorded"] == 1, answer
        (request,) = receiver.requests
    (event,) = tls_cloud.eventbridge.events("told")
    assert event["id"] == request.headers["webhook-id"]
    assert (len(tls_cloud.mns.messages("told")), len(tls_cloud.mns.published("told"))) == (1, 1)
