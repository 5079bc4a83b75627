"""Keys that expire and clocks that are wrong: new keys for the next try, and nothing that a person must do."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicloud_local import CallEvent, Fault, FaultKind, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.types import JsonObject
from ice_result.errors import ForbiddenError, KeysExpiredError
from ice_result.function import Function, Reply
from support.fake_clock import function_without_pauses
from support.missing_keys import take_keys_away
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext, PlatformContextWithCredentials, PlatformCredentials

TIMER: JsonObject = {"triggerTime": "2026-03-02T08:20:00Z", "triggerName": "timer", "payload": "upkeep"}


def _handle(function: Function, event: JsonObject, context: PlatformContext | None = None) -> Reply:
    return function.handle(json.dumps(event).encode(), context or PlatformContext())


def _run_timer_in_an_hour(function: Function, context: PlatformContext | None = None) -> Reply:
    moment = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
    function.prepare(context or PlatformContext()).now = lambda: moment
    return _handle(function, TIMER, context)


@pytest.mark.parametrize("sink", ["file", "oss"])
@pytest.mark.parametrize(("kind", "reason"), [("expired_keys", "keys_expired"), ("clock_skew", "clock_skew")])
def test_what_the_keys_or_the_clock_refuse_is_tried_again_by_the_timer(
    cloud: LocalCloud, tmp_path: Path, kind: FaultKind, reason: str, sink: str
) -> None:
    """GIVEN expired keys or a wrong clock, at ICE or a store WHEN that is over THEN the timer records the job.

    Until then the event is parked for a reason that may pass.
    """
    cloud.seed_outputs()
    sinks = {"file": f"file:{tmp_path}", "oss": "oss://records"}[sink]
    settings = {"ICE_RESULT_SINKS": sinks, "ICE_RESULT_PARK_URL": f"file:{tmp_path}"}
    refusing = cloud.ice if sink == "file" else cloud.oss
    with closing(function_without_pauses({**cloud.environment, **settings})) as function:
        refusing.fail(Fault(kind, times=None))
        assert _handle(function, {"JobId": "cover-0001"})["parked"] == 1
        (path,) = tmp_path.glob("parked/*/cover-0001.json")
        envelope = json.loads(path.read_text())
        assert (envelope["reason"], envelope["transient"]) == (reason, True)
        refusing.clear()
        assert _run_timer_in_an_hour(function)["recorded"] == 1
    assert not path.exists()


def test_a_clock_that_is_an_hour_off_is_told_by_every_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN services whose time is an hour ahead WHEN an event comes THEN it is parked as `clock_skew`."""
    ahead = [3600.0]
    with LocalCloud(jobs=SAMPLE_JOBS, clock=lambda: time.time() + ahead[0]) as cloud:
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        cloud.oss.create_bucket("records")
        settings = {"ICE_RESULT_SINKS": "oss://records", "ICE_RESULT_PARK_URL": f"file:{tmp_path}"}
        for jobs in ("ice", f"file:{SAMPLE_JOBS}"):
            with closing(
                function_without_pauses({**cloud.environment, **settings, "ICE_RESULT_JOBS": jobs})
            ) as function:
                (job,) = json.loads(json.dumps(_handle(function, {"JobId": "cover-0001"})["jobs"]))
            assert job["reason"].startswith("clock_skew: ")
            assert "the clock of this machine is wrong by more than 15 minutes" in job["reason"]


@pytest.mark.parametrize("service", ["ICE", "OSS"])
def test_the_next_try_signs_with_new_keys(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, watchers: list[CallObserver], service: str
) -> None:
    """GIVEN keys of an invocation that expire WHEN the environment has new ones THEN the same invocation goes on."""
    cloud.seed_outputs()
    (old,) = cloud.credentials.items()
    target = {"ICE": "cover-0001", "OSS": "records/manifests/"}[service]
    renewed: list[str] = []

    def renew(passing: CallEvent) -> None:
        """The moment the service refuses the old keys, the platform has new ones."""
        if passing.moment == "answered" and passing.target.startswith(target) and not renewed:
            cloud.rotate(temporary=True)
            for name, value in cloud.environment.items():
                monkeypatch.setenv(name, value)
            renewed.append(cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"])

    watchers.append(renew)
    refusing = {"ICE": cloud.ice, "OSS": cloud.oss}[service]
    refusing.fail(Fault("expired_keys", times=1, target=target))
    settings = {"ICE_RESULT_SINKS": "oss://records", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    jobs = {"ICE": "ice", "OSS": f"file:{SAMPLE_JOBS}"}[service]
    context = PlatformContextWithCredentials(credentials=PlatformCredentials(*old))
    with closing(function_without_pauses({**cloud.environment, **settings, "ICE_RESULT_JOBS": jobs})) as function:
        assert _handle(function, {"JobId": "cover-0001"}, context)["recorded"] == 1
    assert len(renewed) == 1


def test_the_next_invocation_brings_new_keys(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN keys that expire and no others WHEN the timer's invocation hands over new ones THEN the job is recorded."""
    (old,) = cloud.credentials.items()
    take_keys_away(monkeypatch)
    cloud.ice.fail(Fault("expired_keys", times=None))
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    with closing(function_without_pauses(environment)) as function:
        context = PlatformContextWithCredentials(credentials=PlatformCredentials(*old))
        assert _handle(function, {"JobId": "cover-0001"}, context)["parked"] == 1
        cloud.ice.clear()
        cloud.rotate(temporary=True)
        ((key_id, secret),) = cloud.credentials.items()
        new = PlatformContextWithCredentials(credentials=PlatformCredentials(key_id, secret, cloud.tokens[key_id]))
        assert _run_timer_in_an_hour(function, new)["recorded"] == 1


def _refuse(credentials: Credentials) -> Keys:
    """The keys of an attempt that a service refuses as expired."""
    with suppress(KeysExpiredError), credentials.renewed_once_expired():
        keys = credentials.keys()
        raise KeysExpiredError("try", service="ICE")
    return keys


def test_keys_of_the_invocation_and_of_the_environment_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either may be the newer ones; when both have expired, they are still tried, since a service may be wrong."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.environment")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    credentials = Credentials()
    credentials.use(Keys("STS.invocation", "secret"))
    used = [_refuse(credentials).access_key_id for _ in range(4)]
    assert used == ["STS.invocation", "STS.environment"] * 2
    credentials.use(Keys("STS.next", "secret"))
    assert credentials.keys().access_key_id == "STS.next"


def test_the_only_keys_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no others to sign with."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.environment")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    credentials = Credentials()
    assert [_refuse(credentials).access_key_id for _ in range(2)] == ["STS.environment"] * 2


class _Chain:
    """The standard chain: it keeps the keys it has found."""

    made = 0

    def __init__(self) -> None:
        _Chain.made += 1
        self._number = _Chain.made

    def get_credentials(self) -> _Chain:
        return self

    def get_access_key_id(self) -> str:
        return f"STS.{self._number}"

    def get_access_key_secret(self) -> str:
        return "secret"

    def get_security_token(self) -> str | None:
        return None


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the SDK's chain, one that finds other keys whenever it is made anew."""
    import alibabacloud_credentials.provider  # noqa: PLC0415  it reads the environment

    take_keys_away(monkeypatch)
    monkeypatch.setattr(_Chain, "made", 0)
    monkeypatch.setattr(alibabacloud_credentials.provider, "DefaultCredentialsProvider", _Chain)


@pytest.mark.usefixtures("chain")
def test_the_chain_is_asked_anew() -> None:
    """GIVEN keys of the standard chain WHEN they have expired THEN nothing that it found before is used again."""
    credentials = Credentials()
    assert [credentials.keys().access_key_id for _ in range(2)] == ["STS.1", "STS.1"]
    assert [_refuse(credentials).access_key_id for _ in range(2)] == ["STS.1", "STS.2"]
    assert credentials.keys().access_key_id == "STS.3"


@pytest.mark.usefixtures("chain")
def test_calls_that_were_under_way_together_renew_the_keys_once() -> None:
    """GIVEN two attempts with the same keys WHEN both are refused THEN the new keys of the first are kept."""
    credentials = Credentials()
    with suppress(KeysExpiredError), credentials.renewed_once_expired():
        assert credentials.keys().access_key_id == "STS.1"
        with ThreadPoolExecutor(1) as another:
            assert another.submit(_refuse, credentials).result().access_key_id == "STS.1"
            assert another.submit(credentials.keys).result().access_key_id == "STS.2"
        raise KeysExpiredError("try", service="ICE")
    assert credentials.keys().access_key_id == "STS.2"


def test_keys_that_an_sdk_found_by_itself_cost_ours_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a store with keys of its own WHEN these have expired THEN what is known of ours stays."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.environment")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    credentials = Credentials()
    credentials.use(Keys("STS.invocation", "secret"))
    assert credentials.keys().access_key_id == "STS.invocation"
    for expected in ("STS.invocation", "STS.environment"):
        with suppress(KeysExpiredError), credentials.renewed_once_expired():
            raise KeysExpiredError("try", service="S3")
        assert _refuse(credentials).access_key_id == expected


def test_half_a_pair_of_keys_names_the_other_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commonest mistake is told before any call, and the network is not asked for keys."""
    take_keys_away(monkeypatch)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI1")
    with pytest.raises(ForbiddenError, match=r"ACCESS_KEY_SECRET is not set, but ALIBABA_CLOUD_ACCESS_KEY_ID is$"):
        Credentials().keys()
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    with pytest.raises(ForbiddenError, match=r"ACCESS_KEY_ID is not set, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is$"):
        Credentials().keys()
