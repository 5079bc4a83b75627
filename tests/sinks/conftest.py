"""A record and its manifest, small enough to read and easy to vary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from alicloud_local import LocalCloud
from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JsonValue
from ice_result.records.model import Manifest, Record
from ice_result.sinks import Parked, ParkedError, SinkContext
from support import record_versions
from support.fake_clock import FakeTime

RecordOf = Callable[..., Record]
ParkedOf = Callable[..., Parked]


@pytest.fixture(autouse=True)
def deadline(fake_time: FakeTime) -> Iterator[Deadline]:
    """Enough time for anything these tests do, by a clock that moves when somebody sleeps."""
    deadline = Deadline.after(30, fake_time.clock)
    with time_limit(deadline):
        yield deadline


@pytest.fixture
def record_of() -> RecordOf:
    """Makes a record; named fields replace the usual ones."""
    return _record


@pytest.fixture
def manifest() -> Manifest:
    return Manifest.model_validate(
        {"job_id": "job-1", "function_name": "Cover", "complete": True, "files": [], "problems": []}
    )


@pytest.fixture
def parked_of() -> ParkedOf:
    """Makes the envelope of a parked event; named fields replace the usual ones."""
    return _parked


@pytest.fixture
def new_caller(fake_time: FakeTime) -> Callable[[str], ServiceCaller]:
    """Makes what calls a service in the test's time: four attempts, each of ten seconds, which a test may let pass."""
    return lambda service: ServiceCaller(
        service,
        attempts=4,
        attempt_seconds=10,
        first_backoff_seconds=0.01,
        longest_backoff_seconds=0.02,
        clock=fake_time.clock,
        rate=RateLimiter(fake_time.clock),
    )


@pytest.fixture
def context(cloud: LocalCloud, new_caller: Callable[[str], ServiceCaller]) -> SinkContext:
    """How the local cloud is reached."""
    return SinkContext(
        region=cloud.region,
        oss_endpoint=parse_endpoint(cloud.oss.endpoint),
        oss_path_style=True,
        concurrency=4,
        new_caller=new_caller,
    )


def _record(**changes: JsonValue) -> Record:
    return record_versions.record(0, None, **{"create_time": "2022-07-07T07:16:11Z", **changes})


def _parked(event: JsonValue = None, job_id: str | None = None, reason: str = "not_finished") -> Parked:
    return Parked(
        reason=reason,
        transient=True,
        job_id=job_id,
        event_type="AIProduceComplete",
        event_id=None,
        error=ParkedError(type="JobNotFinishedError", message="still running"),
        event=event,
    )
