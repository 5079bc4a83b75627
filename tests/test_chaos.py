"""The short forms of `make chaos`: few jobs, the same faults and kills, the same comparison at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.chaos import Chaos
from support.chaos_plan import FEW, FEWEST, Plan


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(replace(FEWEST, kinds=frozenset({"error_500", "html_502", "reset"})), id="8 jobs"),
        pytest.param(
            replace(FEW, kinds=frozenset({"error_500", "html_502", "reset", "throttle", "truncate"})),
            id="40 jobs",
            marks=(pytest.mark.slow, pytest.mark.timeout(1200)),
        ),
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
