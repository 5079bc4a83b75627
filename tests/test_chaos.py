"""The short form of `make chaos`: few jobs, the same faults and kills, the same comparison at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.chaos import Chaos, Plan

PLAN = Plan(jobs=40, seed=20260302, lanes=2, timeout=5, kill_every=(0.5, 1.2), timer_every=1.0)


def test_whatever_fails_and_whoever_is_killed_each_job_is_recorded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN faults at one call in five, and kills WHEN they are over THEN all is byte for byte as without them."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    figures = Chaos(PLAN, tmp_path).run()
    assert figures.kills >= 2
    assert figures.deliveries + figures.timers >= figures.kills  # a slow machine sees most of them killed, and goes on
    assert set(figures.faults) >= {"error_500", "html_502", "reset", "throttle", "truncate"}
    assert figures.calls > figures.quiet_calls
    assert figures.noted
