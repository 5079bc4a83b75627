from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    InvalidResponseError,
    NotFoundError,
    RejectedError,
    SettingsError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.jobs import IceClient, IceJobs
from support.certificate_authority import tls_of_an_authority
from support.fake_clock import FakeTime, limited
from support.ice_queries import query

JOB = JobId("job-1")
RESPONSE: JsonObject = {
    "JobId": "job-1",
    "Status": "Success",
    "FunctionName": "Cover",
    "Result": "[]",
    "FieldOfTomorrow": {"a": [1, 2.5, "副歌"]},
}


def quick(attempts: int = 3) -> ServiceCaller:
    """The caller of the program, with pauses short enough for a test."""
    return ServiceCaller(
        "ICE",
        attempts=attempts,
        first_backoff_seconds=0.01,
        longest_backoff_seconds=0.02,
    )


def on(fake_time: FakeTime) -> ServiceCaller:
    """The same, whose time is the test's."""
    return replace(quick(), clock=fake_time.clock, rate=RateLimiter(fake_time.clock))


def jobs_of(cloud: LocalCloud, caller: ServiceCaller | None = None) -> IceJobs:
    return IceJobs(client_of(cloud, caller))


def client_of(
    cloud: LocalCloud, caller: ServiceCaller | None = None, credentials: Credentials | None = None
) -> IceClient:
    cloud.ice.put(JOB, RESPONSE)
    return IceClient(
        region=cloud.region,
        endpoint=parse_endpoint(cloud.ice.endpoint),
        credentials=credentials or Credentials(),
        caller=caller or quick(),
        concurrency=16,
    )


def keys_of(cloud: LocalCloud) -> Credentials:
    credentials, environment = Credentials(), cloud.environment
    credentials.use(Keys(environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]))
    return credentials


def test_a_job_is_asked_for_over_a_signed_call(cloud: LocalCloud) -> None:
    """GIVEN ICE, which checks every signature WHEN a job is asked for THEN it is read from the response."""
    job = jobs_of(cloud).get(JOB)
    assert (job.job_id, job.state, job.function_name, job.result) == ("job-1", "succeeded", "Cover", "[]")
    assert [(call.operation, call.target, call.status) for call in cloud.ice.calls] == [
        ("QueryIProductionJob", "job-1", 200)
    ]


def test_every_field_of_the_response_is_kept(cloud: LocalCloud) -> None:
    """A field that the SDK's models do not know reaches the record all the same."""
    body = query(client_of(cloud), JOB)
    assert body.pop("RequestId")
    assert body == RESPONSE


@pytest.mark.parametrize("job_id", ["a b+c", "x/../y", "副歌", "a%2Fb&c=d?e", "~-_.*'()"])
def test_any_job_id_is_signed_and_sent_as_it_is(cloud: LocalCloud, job_id: str) -> None:
    """Characters that a URL encodes do not break the signature, nor do they name another job."""
    jobs = jobs_of(cloud)
    cloud.ice.put(job_id, {"JobId": job_id, "FunctionName": "Cover", "Status": "Success"})
    assert jobs.get(JobId(job_id)).job_id == job_id


def test_renewed_keys_are_used_for_the_next_call(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a client that lives on WHEN the old keys are refused and STS keys come THEN the next call has those."""
    client = client_of(cloud)
    query(client, JOB)
    cloud.rotate(temporary=True)
    with pytest.raises(ForbiddenError):
        query(client, JOB)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    assert query(client, JOB)["Status"] == "Success"


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        (Keys("LTAI-unknown", "s3cr3t"), ForbiddenError),
        (Keys("", "s3cr3t", "t0k3n"), ForbiddenError),
        (Keys("id", "s3cr3t", "t0k3n\nx: y"), RejectedError),
        (Keys("id", "s3cr3t", "t0k3n副"), RejectedError),
    ],
)
def test_wrong_keys_are_told_without_showing_them(cloud: LocalCloud, keys: Keys, kind: type[IceResultError]) -> None:
    """One call, no retry, and neither secret nor token in the error or in anything behind it."""
    credentials = Credentials()
    credentials.use(keys)
    with pytest.raises(kind) as raised:
        query(client_of(cloud, credentials=credentials), JOB)
    assert "s3cr3t" not in str(raised.value)
    assert "t0k3n" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert len(cloud.ice.calls) <= 1


def test_a_wrong_secret_does_not_show_what_was_signed(cloud: LocalCloud) -> None:
    """The service's own words hold the string to sign; ours say what to look at."""
    credentials = Credentials()
    credentials.use(Keys(cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], "another"))
    with pytest.raises(ForbiddenError, match="the AccessKey secret does not belong to the AccessKey ID") as raised:
        query(client_of(cloud, credentials=credentials), JOB)
    assert "ACS3-HMAC" not in str(raised.value)


@pytest.mark.usefixtures("cloud")
def test_a_clock_that_is_wrong_is_named() -> None:
    """GIVEN a server whose time is an hour off WHEN it is asked THEN the error speaks of the clock."""
    with LocalCloud(clock=lambda: time.time() + 3600) as ahead, pytest.raises(ClockSkewError, match="clock"):
        query(client_of(ahead, credentials=keys_of(ahead)), JOB)


def test_an_unknown_job_may_be_of_another_region(cloud: LocalCloud) -> None:
    """The error says so, and names the region that was asked; by then it was asked three times."""
    fake_time = FakeTime()
    with pytest.raises(NotFoundError, match=r"nope in cn-shanghai: .*another region"):
        limited(Deadline.after(20, fake_time.clock), lambda: jobs_of(cloud, on(fake_time)).get(JobId("nope")))
    assert len(cloud.ice.calls) == 3


def test_another_job_than_asked_is_no_answer(cloud: LocalCloud) -> None:
    """It is asked for again, and then told as an invalid response."""
    jobs = jobs_of(cloud)
    cloud.ice.put("job-2", RESPONSE)
    with pytest.raises(InvalidResponseError, match="of another job"):
        jobs.get(JobId("job-2"))
    assert len(cloud.ice.calls) == 3


FAULTS: list[tuple[FaultKind, type[IceResultError], int]] = [
    ("throttle", ThrottledError, 3),
    ("error_500", UnavailableError, 3),
    ("html_502", UnavailableError, 3),
    ("reset", UnavailableError, 3),
    ("truncate", UnavailableError, 3),
    ("hang", TimedOutError, 3),
    ("drip", TimedOutError, 3),
    ("forbidden", ForbiddenError, 1),
]


@pytest.mark.parametrize(("kind", "error", "calls"), FAULTS, ids=[kind for kind, *_ in FAULTS])
def test_a_fault_that_lasts_is_told_as_what_it_is(
    cloud: LocalCloud, watchers: list[CallObserver], *, kind: FaultKind, error: type[IceResultError], calls: int
) -> None:
    """GIVEN a service that fails every time WHEN it is asked THEN the right error comes after the right calls."""
    fake_time = FakeTime()
    client = client_of(cloud, on(fake_time))
    watchers.append(fake_time.during(kind, 10, times=None))
    cloud.ice.fail(Fault(kind, times=None))
    with pytest.raises(error, match=r"^ICE: QueryIProductionJob job-1 in cn-shanghai: "):
        query(client, JOB)
    assert len(cloud.ice.calls) == calls


@pytest.mark.parametrize("kind", [kind for kind, error, _ in FAULTS if error.transient])
def test_a_fault_that_passes_is_overcome(cloud: LocalCloud, watchers: list[CallObserver], kind: FaultKind) -> None:
    """GIVEN one transient fault WHEN a job is asked for THEN it is there, by the second call."""
    fake_time = FakeTime()
    jobs = jobs_of(cloud, on(fake_time))
    watchers.append(fake_time.during(kind, 10))
    cloud.ice.fail(Fault(kind))
    assert jobs.get(JOB).state == "succeeded"
    assert len(cloud.ice.calls) == 2


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_no_reply_can_hold_a_call_beyond_the_deadline(
    cloud: LocalCloud, watchers: list[CallObserver], kind: FaultKind
) -> None:
    """The deadline is kept even where more attempts are left, and where each might take longer."""
    fake_time = FakeTime()
    client = client_of(cloud, on(fake_time))
    watchers.append(fake_time.during(kind, 10, times=None))
    cloud.ice.fail(Fault(kind, times=None))
    deadline = Deadline.after(10, fake_time.clock)
    with pytest.raises(TimedOutError):
        limited(deadline, lambda: query(client, JOB))
    assert fake_time.seconds == deadline.at


def test_throttling_slows_all_threads_that_share_the_jobs(cloud: LocalCloud) -> None:
    """GIVEN eight threads WHEN the first call is throttled THEN the rest come spaced, and all succeed."""
    fake_time = FakeTime()
    client = client_of(cloud, on(fake_time))
    cloud.ice.fail(Fault("throttle"))
    query(client, JOB)
    began, pauses = fake_time.seconds, len(fake_time.slept)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: query(client, JOB), range(8)))
    assert fake_time.seconds - began > 0.1
    assert len(fake_time.slept) > pauses
    assert [call.status for call in cloud.ice.calls] == [400] + [200] * 9


def test_sixteen_threads_share_one_instance(cloud: LocalCloud) -> None:
    """GIVEN a first use from 16 threads at once WHEN each asks for its jobs THEN each gets its own, one call each."""
    jobs = jobs_of(cloud)
    names = [f"job-{number}" for number in range(160)]
    for name in names:
        cloud.ice.put(name, {"JobId": name, "FunctionName": "Cover", "Status": "Success"})
    together = threading.Barrier(16)

    def ask(name: str) -> str:
        if int(name.removeprefix("job-")) < 16:
            together.wait(60)
        return jobs.get(JobId(name)).job_id

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, names)) == names
    assert len(cloud.ice.calls) == 160


@pytest.mark.usefixtures("cloud")
def test_nobody_listens() -> None:
    """A refused connection and a name that does not exist are unavailable, and say what broke."""
    for endpoint, broke in (("127.0.0.1:9", "ConnectionRefusedError"), ("ice.invalid", "gaierror")):
        client = IceClient(
            region="", endpoint=parse_endpoint(endpoint), credentials=Credentials(), caller=quick(attempts=2)
        )
        with pytest.raises(UnavailableError, match=f"in {endpoint}: {broke}"):
            query(client, JOB)


@pytest.mark.usefixtures("cloud")
def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    """GIVEN ICE over TLS WHEN its authority is in `ca_bundle` THEN it answers; without it, the call is refused."""
    with LocalCloud(tls=tls_of_an_authority(tmp_path / "ca.pem")) as secure:
        credentials = keys_of(secure)
        with pytest.raises(RejectedError, match="certificate is not trusted"):
            query(client_of(secure, credentials=credentials), JOB)
        trusting = IceClient(
            region="cn-shanghai",
            endpoint=parse_endpoint(secure.ice.endpoint.removeprefix("https://")),
            credentials=credentials,
            caller=quick(),
            ca_bundle=str(tmp_path / "ca.pem"),
        )
        assert query(trusting, JOB)["Status"] == "Success"


def test_an_endpoint_must_be_known() -> None:
    """A program that cannot know whom to call says so before it calls."""
    with pytest.raises(SettingsError, match="region"):
        IceClient(region="", endpoint=None, credentials=Credentials())


def test_debug_mode_of_the_sdk_prints_no_token(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """GIVEN DEBUG=sdk in the environment WHEN a call is made THEN no header of it is printed."""
    monkeypatch.setenv("DEBUG", "sdk")
    query(client_of(cloud), JOB)
    assert "ACS3-HMAC" not in "".join(capfd.readouterr())


def test_importing_the_stage_does_not_import_the_sdk() -> None:
    """The SDK takes most of a cold start: it waits for the first call."""
    check = (
        "import sys, ice_result.jobs; print([n for n in sys.modules if n.startswith(('alibabacloud', 'darabonba'))])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
