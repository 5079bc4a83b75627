"""Faults of a chaos run: single calls at random, and every call in a storm of throttling."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from alicloud_local import CallEvent, Fault, FaultKind
from alicloud_local.service import LocalService
from support.chaos_plan import Plan

SHARES: dict[FaultKind, float] = {
    "error_500": 0.05,
    "html_502": 0.045,
    "reset": 0.04,
    "throttle": 0.03,
    "truncate": 0.015,
    "forbidden": 0.01,
    "hang": 0.005,
    "drip": 0.005,
}
"""The share of all calls outside storms that each fault happens to: one in five. Those that delay a call are rarer."""


class CallFaults:
    """Observer of all calls, which orders a fault for some of them while faults are on.

    In a storm that is `throttle` for every call. At other times one call in five gets a fault: the seed and the call
    decide which call, and which fault. After so many calls as the plan says, `kill` is called, and at each further call
    until it has killed a process.
    """

    def __init__(self, plan: Plan, kill: Callable[[], bool], now: Callable[[], float] = time.monotonic) -> None:
        """`now` gives monotonic seconds."""
        self.faults: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.calls_by_storm: Counter[int] = Counter()
        self.parked = 0
        self.servers: Mapping[str, LocalService] = {}
        self._plan = plan
        self._kill = kill
        self._now = now
        self._on_since: float | None = None
        self._pauses = random.Random(plan.seed)  # noqa: S311  repeatable
        self._calls_to_next_kill = self._pauses.randint(*plan.kill_every)
        self._seen: Counter[CallEvent] = Counter()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Begin with faults, and with a storm."""
        self._on_since = self._now()

    def end(self) -> None:
        """End all faults."""
        self._on_since = None

    def watch(self, passing: CallEvent) -> None:
        """Count the call, and order a fault for it."""
        if passing.moment != "arrived":
            return
        with self._lock:
            self.calls[passing.service, passing.operation] += 1
            self.parked += passing.operation == "PUT" and "/parked/" in passing.target
            if self._on_since is None:
                return
            kind = self._next_fault(passing, self._now() - self._on_since)
            self._calls_to_next_kill -= 1
            if self._calls_to_next_kill <= 0 and self._kill():
                self._calls_to_next_kill = self._pauses.randint(*self._plan.kill_every)
        if kind is not None:
            self.servers[passing.service].fail(Fault(kind, 1, passing.operation, passing.target or None))

    def kill_again(self) -> None:
        """Kill a process at the next call, after one that had ended before it was killed."""
        with self._lock:
            self._calls_to_next_kill = 0

    def _next_fault(self, passing: CallEvent, seconds: float) -> FaultKind | None:
        storm, seconds_of_it = divmod(seconds, self._plan.storm_every)
        if seconds_of_it < self._plan.storm_seconds:
            self.calls_by_storm[int(storm)] += 1
            return "throttle"
        self._seen[passing] += 1
        kind = self._kind(passing, self._seen[passing])
        if kind is not None:
            self.faults[kind] += 1
        return kind

    def _kind(self, passing: CallEvent, nth: int) -> FaultKind | None:
        what = f"{self._plan.seed} {passing.service} {passing.operation} {passing.target} {nth}"
        chance = random.Random(what).random()  # noqa: S311  repeatable
        for kind, share in SHARES.items():
            chance -= share
            if chance < 0:
                return kind
        return None
