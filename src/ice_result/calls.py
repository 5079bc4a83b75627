"""Calling a service from outside: with a deadline, with retries, and at a pace it can bear."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from ice_result.errors import IceResultError, ServiceError, ThrottledError, TimedOutError
from ice_result.kept_threads import KeptThreads

T = TypeVar("T")
_SHARE_OF_AN_ATTEMPT = 0.6
_SHORTEST_ATTEMPT_SECONDS = 1.0
_threads = KeptThreads()


@dataclass(frozen=True)
class Clock:
    """Where time comes from: seconds that only grow, and two ways to wait.

    `wait` returns True as soon as the event is set, and False when so many seconds have passed without it.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


@dataclass(frozen=True)
class Deadline:
    """A moment by which something must be over."""

    at: float
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def after(cls, seconds: float, clock: Clock | None = None) -> Deadline:
        """The moment `seconds` from now."""
        clock = clock or Clock()
        return cls(clock.now() + seconds, clock)

    def left(self) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self.at - self.clock.now())

    def within(self, seconds: float) -> Deadline:
        """This moment, or the one in so many seconds, whichever comes first."""
        return Deadline(min(self.at, self.clock.now() + seconds), self.clock)

    def part(self, share: float) -> Deadline:
        """The moment when this share of the time left is over: for what must not use up all of it."""
        return Deadline.after(self.left() * share, self.clock)


def call_within(seconds: float, call: Callable[[], T], *, service: str, tried: str, clock: Clock | None = None) -> T:
    """The value of `call()`, or TimedOutError after `seconds` of the clock, whatever the peer does.

    A socket timeout only bounds the silence between two bytes: a reply that drips can hold a call for hours.
    So the call runs in a thread that is left behind when its time is over; it ends with its connection.
    """
    if seconds <= 0:
        raise TimedOutError(tried, service=service, detail="no time was left to begin")
    end, done = Deadline.after(seconds, clock), threading.Event()
    outcome: list[tuple[bool, T | BaseException]] = []

    def run() -> None:
        try:
            outcome.append((True, call()))
        except BaseException as error:  # noqa: BLE001  handed to the caller's thread, whatever it is
            outcome.append((False, error))

    _threads.run(run, done.set)
    if not end.clock.wait(done, end.left()):  # the time to start the call counts too
        raise TimedOutError(tried, service=service, detail=f"no complete reply within {seconds:.1f} s")
    succeeded, value = outcome[0]
    if succeeded:
        return value  # type: ignore[return-value]  # tagged by `succeeded`
    raise value  # type: ignore[misc]  # tagged by `succeeded`


class Pace:
    """How often all threads together may call one service: at full speed until it says it is too much.

    calls      ●●●●●●●●  ●   ●   ●  ● ● ●●●●
    throttled         ▲ pause, then a spacing that shrinks with every success
    """

    _FIRST_SPACING = 0.05
    _WIDEST_SPACING = 2.0
    _RECOVERY = 0.8

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._next = 0.0
        self._spacing = 0.0

    def wait_turn(self, deadline: Deadline) -> None:
        """Wait until a call is allowed, or until the deadline, whichever comes first."""
        with self._lock:
            turn = max(self._clock.now(), self._next)
            self._next = turn + self._spacing
        pause = min(turn - self._clock.now(), deadline.left())
        if pause > 0:
            self._clock.sleep(pause)

    def throttled(self, pause: float) -> None:
        """Nobody calls for `pause` seconds, and after that less often than before."""
        with self._lock:
            self._spacing = min(max(2 * self._spacing, self._FIRST_SPACING), self._WIDEST_SPACING)
            self._next = max(self._next, self._clock.now() + pause)

    def succeeded(self) -> None:
        """One call went through: come a little closer to full speed."""
        if self._spacing:
            with self._lock:
                self._spacing *= self._RECOVERY
                if self._spacing < self._FIRST_SPACING / 20:
                    self._spacing = 0.0


class Retries:
    """How often calls were made again; any number of threads may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        """One more."""
        with self._lock:
            self.count += 1


_retries: ContextVar[Retries | None] = ContextVar("retries", default=None)


@contextmanager
def count_retries() -> Iterator[Retries]:
    """Count the retries of every Caller inside, also in threads that run in a copy of this context."""
    counted = Retries()
    token = _retries.set(counted)
    try:
        yield counted
    finally:
        _retries.reset(token)


@dataclass(frozen=True)
class Caller:
    """The one way this program calls a service: paced, bounded in time, and retried while that can help."""

    service: str
    attempts: int = 5
    attempt_seconds: float = 10.0
    first_backoff_seconds: float = 0.2
    longest_backoff_seconds: float = 8.0
    clock: Clock = field(default_factory=Clock)
    jitter: Callable[[], float] = random.random
    pace: Pace = field(default_factory=Pace)

    def call(self, tried: str, call: Callable[[], T], deadline: Deadline) -> T:
        """The value of `call()`; transient errors are tried again, with full jitter, while attempts and time last.

        `call` raises our own errors (see errors.py). The last one is raised when no more tries are left.
        """
        for attempt in range(1, self.attempts + 1):
            self.pace.wait_turn(deadline)
            try:
                seconds = min(self.attempt_seconds, _share(deadline.left()))
                value = call_within(seconds, call, service=self.service, tried=tried, clock=self.clock)
            except IceResultError as error:
                pause = self._pause(error, attempt)
                if not error.transient or attempt == self.attempts or pause >= deadline.left():
                    raise
                if counted := _retries.get():
                    counted.add()
                if isinstance(error, ThrottledError):
                    self.pace.throttled(pause)
                else:
                    self.clock.sleep(pause)
            else:
                self.pace.succeeded()
                return value
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause(self, error: IceResultError, attempt: int) -> float:
        ceiling = min(self.longest_backoff_seconds, self.first_backoff_seconds * 2.0 ** (attempt - 1))
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        return max(self.jitter() * ceiling, asked or 0.0)


def _share(left: float) -> float:
    """How much of the seconds left one attempt may take, so that one that hangs leaves time for another."""
    return min(left, max(_SHORTEST_ATTEMPT_SECONDS, _SHARE_OF_AN_ATTEMPT * left))
