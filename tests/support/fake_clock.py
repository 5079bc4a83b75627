"""Time that passes only in sleeps, or when a test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from alicloud_local import CallEvent, FaultKind
from alicloud_local.service import CallObserver
from ice_result.core.deadline import Clock, Deadline, time_limit
from ice_result.function import Function

T = TypeVar("T")


class FakeTime:
    """Fake time. `clock` is given to the tested object; `slept` lists the pauses between calls.

    All threads share the time: a pause of one thread lets time pass for the calls of the others. A call takes no time,
    unless the test moves the time meanwhile.

    Sockets know only real time. One of a store waits for 10 s. One of ICE waits for as many seconds as are left until
    the deadline, 10 at most: a deadline of a second is a real one for the server's reply.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self.clock = Clock(now=lambda: self.seconds, sleep=self.sleep, wait=self._wait)
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds

    def move(self, seconds: float) -> None:
        """Let this time pass."""
        with self._lock:
            self.seconds += seconds

    def move_to(self, seconds: float) -> None:
        """Let time pass until then, if it is not later already."""
        with self._lock:
            self.seconds = max(self.seconds, seconds)

    def during(self, kind: FaultKind, seconds: float, times: int | None = 1) -> CallObserver:
        """Observe a local cloud, and let this time pass during a reply that hangs or drips.

        `times` is how many calls are hit by this fault, as for Fault. Other kinds are answered at once.
        """
        moment = {"hang": "arrived", "drip": "answered"}.get(kind)
        hit = 0

        def watch(passing: CallEvent) -> None:
            nonlocal hit
            if passing.moment == moment and (times is None or hit < times):
                hit += 1
                self.move(seconds)

        return watch

    def _wait(self, event: threading.Event, seconds: float) -> bool:
        until = self.seconds + seconds - 1e-6  # sums of the same seconds differ by less
        while not event.wait(0.005):
            if self.seconds >= until:
                return False
        return True


def without_pauses() -> Clock:
    """Make a clock with real time and no pauses, for work in many threads that waits only for calls."""
    return Clock(sleep=lambda _: None)


def function_without_pauses(environment: Mapping[str, str]) -> Function:
    """Make a function whose pauses take no time."""
    return Function(environment, without_pauses())


def limited(deadline: Deadline, call: Callable[[], T]) -> T:
    """Make a call that must be over by the deadline."""
    with time_limit(deadline):
        return call()
