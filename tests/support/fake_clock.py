"""Time that passes only when somebody sleeps."""

from __future__ import annotations

import threading

from ice_result.calls import Clock


class FakeTime:
    """`clock` goes into what is tested; `slept` says how it waited."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self.clock = Clock(now=lambda: self.seconds, sleep=self.sleep)
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds
