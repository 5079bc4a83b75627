from __future__ import annotations

import pytest

from alicloud_local import LocalCloud
from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Clock, Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import NotFoundError
from ice_result.jobs import IceClient, IceJobs
from support.fake_clock import FakeTime, limited

JOB = JobId("job-1")


def response(status: str) -> JsonObject:
    return {"JobId": JOB, "FunctionName": "Cover", "Status": status}


def waiting_jobs(cloud: LocalCloud, fake_time: FakeTime, jitter: float = 1.0) -> IceJobs:
    caller = ServiceCaller("ICE", clock=fake_time.clock, jitter=lambda: jitter, rate=RateLimiter(fake_time.clock))
    return jobs_of(cloud, caller)


def jobs_of(cloud: LocalCloud, caller: ServiceCaller) -> IceJobs:
    endpoint = parse_endpoint(cloud.ice.endpoint)
    return IceJobs(IceClient(region="cn-shanghai", endpoint=endpoint, credentials=Credentials(), caller=caller))


@pytest.mark.parametrize("running", ["Init", "Queuing", "Analysing", "Analyzing", "Processing", "Canceled"])
def test_a_running_job_is_asked_for_until_it_ends(cloud: LocalCloud, running: str) -> None:
    """GIVEN a job that ends with the third call WHEN it is asked for THEN the pauses between grow by half."""
    fake_time = FakeTime()
    cloud.ice.put(JOB, response(running), response("Analysing"), response("Success"))
    job = waiting_jobs(cloud, fake_time).get(JOB)
    assert job.state == "succeeded"
    assert fake_time.slept == [1.0, 1.5]


@pytest.mark.parametrize("status", ["Success", "Fail", "Canceled"])
def test_a_job_that_has_ended_is_not_waited_for(cloud: LocalCloud, status: str) -> None:
    """A status nobody documented ends the waiting too, when there is a FinishTime."""
    fake_time = FakeTime()
    cloud.ice.put(JOB, {**response(status), "FinishTime": "2026-03-02T08:16:02Z"})
    assert waiting_jobs(cloud, fake_time).get(JOB).status == status
    assert fake_time.slept == []


def test_a_job_that_runs_on_is_given_up_within_the_deadline(cloud: LocalCloud) -> None:
    """The pauses grow to 15 s; the job is returned as it is, and before the deadline, not after it."""
    fake_time = FakeTime()
    cloud.ice.put(JOB, response("Analyzing"))
    deadline = Deadline.after(100, fake_time.clock)
    assert limited(deadline, lambda: waiting_jobs(cloud, fake_time).get(JOB)).status == "Analyzing"
    assert fake_time.slept == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 15.0, 15.0, 15.0, 15.0]
    assert 0 < deadline.left() < 15
    assert len(cloud.ice.calls) == 12


def test_pauses_are_spread(cloud: LocalCloud) -> None:
    """Jobs that were submitted together are not asked for together: a pause is half to all of its length."""
    fake_time = FakeTime()
    cloud.ice.put(JOB, response("Queuing"), response("Success"))
    waiting_jobs(cloud, fake_time, jitter=0.0).get(JOB)
    assert fake_time.slept == [0.5]


@pytest.mark.parametrize("seconds", [0.9, 1.4])
def test_without_time_to_wait_a_running_job_is_told_at_once(cloud: LocalCloud, seconds: float) -> None:
    """GIVEN less time than the first pause, or none for an answer after it THEN it is asked for once.

    A call that is cut short would tell that ICE does not answer, and not that the job runs.
    """
    fake_time = FakeTime()
    cloud.ice.put(JOB, response("Queuing"))
    assert (
        limited(Deadline.after(seconds, fake_time.clock), lambda: waiting_jobs(cloud, fake_time).get(JOB)).status
        == "Queuing"
    )
    assert fake_time.slept == []
    assert len(cloud.ice.calls) == 1


def test_a_job_that_is_known_a_moment_later_is_found(cloud: LocalCloud) -> None:
    """GIVEN an event that was faster than the job WHEN it is asked for again THEN it is there."""
    fake_time = FakeTime()

    def sleep(seconds: float) -> None:
        fake_time.clock.sleep(seconds)
        cloud.ice.put(JOB, response("Success"))

    caller = ServiceCaller(
        "ICE", clock=Clock(fake_time.clock.now, sleep), jitter=lambda: 1.0, rate=RateLimiter(fake_time.clock)
    )
    assert jobs_of(cloud, caller).get(JOB).state == "succeeded"
    assert fake_time.slept == [1.0]


def test_an_unknown_job_is_asked_for_three_times_over_some_seconds(cloud: LocalCloud) -> None:
    """The last answer counts, or the first when there is no time for more."""
    fake_time = FakeTime()
    with pytest.raises(NotFoundError):
        waiting_jobs(cloud, fake_time).get(JOB)
    with pytest.raises(NotFoundError):
        limited(Deadline.after(0.9, fake_time.clock), lambda: waiting_jobs(cloud, fake_time).get(JOB))
    assert fake_time.slept == [1.0, 1.5]
    assert len(cloud.ice.calls) == 4
