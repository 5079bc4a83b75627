"""The process is killed at each call that it makes while it records a job and tells of it, then the event comes again.

In the end all is as in a quiet run, and each target is told: at least once, under one id, after the manifest.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from alicloud_local import LocalCloud
from support.chaos_receivers import Receivers
from support.forked_functions import ForkedFunctions
from support.kill_moments import Killer, KillMoment, params, read_moments
from support.paths import SAMPLE_JOBS

EVENT = {"JobId": "cover-0001"}
MOMENTS = read_moments("told job")


class Run:
    """One event in a cloud of its own, with a queue and a webhook that are told."""

    def __init__(self, cloud: LocalCloud, receivers: Receivers, functions: ForkedFunctions) -> None:
        self._cloud = cloud
        self._receivers = receivers
        self._functions = functions
        cloud.seed_outputs()
        cloud.seed_inputs()
        cloud.oss.create_bucket("records")

    def deliver(self, killer: Killer) -> int:
        """The exit status of a new process that is given the event."""
        environment = {
            **self._cloud.environment,
            **self._receivers.environment,
            "ICE_RESULT_SINKS": "oss://records/ice",
        }
        killer.process_id.put(self._functions.start(environment, EVENT, timeout=60))
        return self._functions.status()

    def contents(self) -> dict[str, bytes]:
        """All objects that were written; the port of the webhook is another in each run."""
        endpoint = self._receivers.webhook.endpoint.encode()
        oss = self._cloud.oss
        return {key: oss.get("records", key).replace(endpoint, b"(webhook)") for key in oss.keys("records")}

    def told(self) -> dict[str, list[str]]:
        """The ids that each receiver was told of the job, in order."""
        return {receiver: by_job.get("cover-0001", []) for receiver, by_job in self._receivers.told().items()}

    def told_too_early(self) -> list[str]:
        """Notifications that came before the manifest."""
        return self._receivers.too_early


@contextmanager
def new_run(functions: ForkedFunctions, killer: Killer) -> Iterator[Run]:
    """An event that no process has seen yet."""
    with LocalCloud(jobs=SAMPLE_JOBS, watch=killer.watch) as cloud, Receivers(cloud, killer.watch) as receivers:
        yield Run(cloud, receivers, functions)


class Quiet(NamedTuple):
    """What one process leaves that nothing happens to, who it told, and when it could have been killed."""

    contents: dict[str, bytes]
    told: dict[str, list[str]]
    moments: list[KillMoment]


@pytest.fixture(scope="session")
def quiet(forked_functions: ForkedFunctions) -> Quiet:
    """The event delivered once; in each worker of xdist."""
    killer = Killer()
    with new_run(forked_functions, killer) as run:
        assert run.deliver(killer) == 0
        return Quiet(run.contents(), run.told(), killer.seen)


def test_the_data_holds_every_moment_while_a_job_is_recorded_and_told(quiet: Quiet) -> None:
    """A quiet run makes exactly these calls, and tells each target once, of the same."""
    assert Counter(quiet.moments) == Counter(MOMENTS)
    (queue,), (webhook,) = quiet.told["queue"], quiet.told["webhook"]
    assert queue == webhook
    assert "ice/notified/cover-0001.json" in quiet.contents


@pytest.mark.parametrize("moment", params(MOMENTS))
def test_killed_at_any_call_and_delivered_again_every_target_is_told_of_the_same(
    moment: KillMoment, forked_functions: ForkedFunctions, quiet: Quiet
) -> None:
    """GIVEN SIGKILL at a call WHEN a new process gets the event THEN nobody is left out, and no id is another."""
    killer = Killer(moment)
    with new_run(forked_functions, killer) as run:
        assert run.deliver(killer) == -signal.SIGKILL
        assert run.deliver(killer) == 0
        assert run.contents() == quiet.contents
        told = run.told()
        assert {receiver: set(ids) for receiver, ids in told.items()} == {
            receiver: set(ids) for receiver, ids in quiet.told.items()
        }
        assert all(len(ids) <= 2 for ids in told.values())
        assert run.told_too_early() == []
        assert run.deliver(killer) == 0
        assert run.told() == told
