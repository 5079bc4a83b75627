"""A storm of throttling at any service, and how an instance that lived through it works afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.service import LocalService
from ice_result.core.types import JsonObject
from ice_result.function import Function
from support.fake_clock import FakeTime
from support.platform_context import PlatformContext, PlatformFunction
from support.s3_server import S3Server

BATCH = 20
TIMEOUT_SECONDS = 20
THROTTLING = ("ICE", "look-up", "OSS", "S3", "Tablestore")
"""What throttles; `look-up` is OSS where output files are looked up, and nowhere else."""
SINKS = {"S3": "s3://records", "Tablestore": "ots://ice-tests"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-1",
    "AWS_SECRET_ACCESS_KEY": "secret-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "ICE_RESULT_S3_ADDRESSING": "path",
    "ICE_RESULT_CONCURRENCY": "1",
}
"""One job after the other: in the time of a test, a pause of one job would use up the time of another's call."""


@dataclass
class Instance:
    """One warm instance, and the service that throttles."""

    function: Function
    service: LocalService
    fault: Fault
    time: FakeTime
    numbers: Iterator[int]

    def batch(self) -> tuple[int, float]:
        """How many of the next twenty jobs are recorded, and how many seconds that takes."""
        began, jobs = self.time.seconds, [f"job-{next(self.numbers)}" for _ in range(BATCH)]
        context = PlatformContext(function=PlatformFunction(timeout=TIMEOUT_SECONDS))
        reply = self.function.handle(json.dumps({"JobIds": jobs}).encode(), context)
        recorded = reply["recorded"]
        assert isinstance(recorded, int)
        return recorded, self.time.seconds - began

    def request(self) -> tuple[int, int, float]:
        """The next job over HTTP: how many are recorded and parked, and how many seconds that takes."""
        began, body = self.time.seconds, json.dumps({"JobId": f"job-{next(self.numbers)}"})
        request = {"headers": {}, "body": body, "requestContext": {"http": {"method": "POST"}}}
        reply = json.loads(str(self.function.handle(json.dumps(request).encode(), PlatformContext())["body"]))
        return reply["recorded"], reply["parked"], self.time.seconds - began


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with closing(S3Server(lambda _: None)) as server:
        server.start()
        yield server


@pytest.fixture
def instance(
    request: pytest.FixtureRequest, s3: S3Server, tmp_path: Path, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Instance]:
    """An instance that writes to the service named by the parameter, or to OSS; it parks in a folder."""
    throttling = str(request.param)
    with LocalCloud(tablestore=True) as cloud:
        for name, value in {**cloud.environment, **ENVIRONMENT, "ICE_RESULT_S3_ENDPOINT": s3.endpoint}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ICE_RESULT_SINKS", SINKS.get(throttling, "oss://records"))
        monkeypatch.setenv("ICE_RESULT_PARK_URL", f"file:{tmp_path}")
        for bucket in ("records", "example-output"):
            cloud.oss.create_bucket(bucket)
        for number in range(300):
            cloud.ice.put(f"job-{number}", job(f"job-{number}"))
        cloud.seed_outputs()
        services: dict[str, LocalService] = {"ICE": cloud.ice, "S3": s3, "Tablestore": cloud.ots}
        fault = Fault("throttle", times=None, target="example-output" if throttling == "look-up" else None)
        with closing(Function(clock=fake_time.clock)) as function:
            for sink in function.prepare(PlatformContext()).stores.sinks:
                if sink.capabilities.keeps == "tables":
                    sink.prepare(dry_run=False)
            yield Instance(function, services.get(throttling, cloud.oss), fault, fake_time, count())


def job(job_id: str) -> JsonObject:
    """A finished job with an output file, which is the same for all jobs."""
    return {
        "JobId": job_id,
        "Status": "Success",
        "FunctionName": "VideoDelogo",
        "CreateTime": "2026-03-02T08:15:30Z",
        "FinishTime": "2026-03-02T08:16:02Z",
        "Input": {"Type": "OSS", "Media": "oss://example-input/a.mp4"},
        "Output": {"Type": "OSS", "Media": "oss://example-output/out/a.mp4"},
        "OutputFiles": ["out/a.mp4"],
        "Result": "",
    }


@pytest.mark.parametrize("storms", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("instance", THROTTLING, indirect=True)
def test_a_warm_instance_is_as_fast_as_before_within_one_batch_after_a_storm(instance: Instance, storms: int) -> None:
    """GIVEN whole batches in which a service refuses every call WHEN it answers again THEN all jobs are recorded.

    The first batch takes a few seconds, and the second is as fast as one before the storm.
    """
    assert instance.batch() == (BATCH, 0.0)
    instance.service.fail(instance.fault)
    for _ in range(storms):
        instance.batch()
    instance.service.clear()

    recorded, seconds = instance.batch()
    assert recorded == BATCH
    assert seconds < 10
    recorded, seconds = instance.batch()
    assert recorded == BATCH
    assert seconds < 0.5


@pytest.mark.parametrize("instance", ["ICE"], indirect=True)
def test_the_first_request_in_time_is_answered_after_a_storm(instance: Instance) -> None:
    """GIVEN 60 requests in a storm WHEN ICE answers again THEN one that can wait for its turn gets it.

    The others are parked, without a call; from the first on that gets its turn, requests are recorded.
    """
    instance.service.fail(instance.fault)
    for _ in range(60):
        recorded, parked, seconds = instance.request()
        assert (recorded, parked) == (0, 1)
        assert seconds < 1.3
        instance.time.move(0.2)
    instance.service.clear()

    until = instance.time.seconds + 4.0
    while instance.request()[0] == 0:
        instance.time.move(0.2)
        assert instance.time.seconds < until
    for _ in range(20):
        instance.time.move(1.0)
        assert instance.request()[:2] == (1, 0)
