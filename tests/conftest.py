"""What every test may ask for: a local cloud, with the environment that a user of it would export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import Phase, settings

from alicloud_local import CallEvent, LocalCloud
from alicloud_local.service import CallObserver
from support.fake_clock import FakeTime
from support.forked_functions import ForkedFunctions
from support.own_environment import leave_outside
from support.paths import SAMPLE_JOBS

leave_outside()

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
# For `make mutants`: the same examples each time, and none is made smaller, which takes longer than all other tests.
settings.register_profile(
    "first-failure", deadline=None, derandomize=True, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@pytest.fixture
def fake_time() -> FakeTime:
    """The time that calls are given: it passes in pauses between tries, and where a test moves it."""
    return FakeTime()


@pytest.fixture
def watchers() -> list[CallObserver]:
    """Functions that are called for each call to `cloud`; a test appends its own."""
    return []


@pytest.fixture
def watch(watchers: list[CallObserver]) -> CallObserver:
    """Calls all `watchers`, also those that a test appends later."""

    def tell(passing: CallEvent) -> None:
        for watcher in watchers:
            watcher(passing)

    return tell


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, watch: CallObserver) -> Iterator[LocalCloud]:
    """A running local cloud that knows the sample jobs, with buckets `example-output` and `records`.

    Its `environment` is the process's for the length of the test. Objects are not there yet: `seed_outputs()`.
    """
    with LocalCloud(jobs=SAMPLE_JOBS, watch=watch) as local:
        local.oss.create_bucket("example-output")
        local.oss.create_bucket("records")
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


@pytest.fixture(scope="session")
def forked_functions() -> Iterator[ForkedFunctions]:
    """Runs the function in new processes, each a fork of one that has imported every SDK. One event at a time."""
    with closing(ForkedFunctions()) as functions:
        yield functions
