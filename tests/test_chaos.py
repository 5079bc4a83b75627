"""The short forms of `make chaos`: few jobs, the same faults and kills, the same comparison at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.chaos import Chaos
from support.chaos_plan import Plan

FEWEST = Plan(
    jobs=8,
    seed=4,
    lanes=2,
    http_lanes=1,
    timeout=5,
    kill_every=(30, 60),
    timer_every=0.5,
    storm_seconds=1.0,
    storm_every=5.0,
    least_kills=1,
    least_storms=1,
    kinds=frozenset({"error_500", "html_502", "reset"}),
)
FEW = Plan(
    jobs=40,
    seed=20260302,
    lanes=4,
    http_lanes=2,
    timeout=5,
    kill_every=(60, 140),
    timer_every=1.0,
    storm_seconds=2.0,
    storm_every=12.0,
    least_kills=2,
    least_storms=2,
    kinds=frozenset({"error_500", "html_502", "reset", "throttle", "truncate"}),
)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(FEWEST, id="8 jobs"),
        pytest.param(FEW, id="40 jobs", marks=(pytest.mark.slow, pytest.mark.timeout(1200))),
    ],
)
def test_whatever_fails_and_whoever_is_killed_each_job_is_recorded_once(plan: Plan, tmp_path: Path) -> None:
    """GIVEN faults, storms of throttling, and kills WHEN they are over THEN all is byte for byte as without them."""
    figures = Chaos(plan, tmp_path).run()
    assert figures.kills >= plan.least_kills
    assert figures.batches + figures.requests + figures.timers >= figures.kills
    assert figures.faults.keys() >= plan.kinds
    assert figures.storms >= plan.least_storms
    assert figures.calls_in_storms >= figures.storms
    assert figures.calls > figures.quiet_calls
    assert figures.requests
    assert figures.noted
