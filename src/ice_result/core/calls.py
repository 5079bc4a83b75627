"""Calling a service from outside: with a deadline, with retries, and at a pace it can bear."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from ice_result.core.threads import KeptThreads
from ice_result.errors import IceResultError, ServiceError, ThrottledError, TimedOutError, UnavailableError

T = TypeVar("T")
_SHARE_OF_AN_ATTEMPT = 0.6
_SHORTEST_ATTEMPT_SECONDS = 1.0
MOST_LEFT_BEHIND = 32
"""How many threads of calls that were given up may be left in this process when another call begins."""
_NO_TIME = "no time was left to begin"
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
    So the call runs in a thread that is left behind when its time is over. Its connection is ended then, and with it
    the thread, but for those that wait for no connection, as for the address of a host. With MOST_LEFT_BEHIND of them,
    no other call begins: it is refused as unavailable.
    """
    if seconds <= 0:
        raise TimedOutError(tried, service=service, detail=_NO_TIME)
    if _threads.left_behind >= MOST_LEFT_BEHIND:
        detail = f"not called: {MOST_LEFT_BEHIND} calls that were given up have not ended yet"
        raise UnavailableError(tried, service=service, detail=detail)
    end, done = Deadline.after(seconds, clock), threading.Event()
    outcome: list[tuple[bool, T | BaseException]] = []

    def run() -> None:
        try:
            outcome.append((True, call()))
        except BaseException as error:  # noqa: BLE001  handed to the caller's thread, whatever it is
            outcome.append((False, error))

    under_way = _threads.run(run, done.set)
    if not end.clock.wait(done, end.left()):  # the time to start the call counts too
        under_way.give_up()
        raise TimedOutError(tried, service=service, detail=f"no complete reply within {seconds:.1f} s")
    succeeded, value = outcome[0]
    if succeeded:
        return value  # type: ignore[return-value]  # tagged by `succeeded`
    raise value  # type: ignore[misc]  # tagged by `succeeded`


class Pace:
    """How often all threads together may call one service: at full speed until it says it is too much.

    calls      ●●●●●●●●  ●   ●   ●  ● ● ●●●●
    throttled         ▲ pause, then a spacing that shrinks with every success

    Threads stand in line: one waits for the next turn and takes it when it comes, the others wait behind it. So no
    turn is given away before its time, and a spacing that shrinks holds for everybody in the line at once.
    """

    _FIRST_SPACING = 0.05
    _WIDEST_SPACING = 2.0
    _SHORTEST_SPACING = 0.0025
    _RECOVERY = 0.93
    _QUICK_RECOVERY = 0.5
    _REMEMBERED_SECONDS = 10.0

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._line = threading.Lock()
        self._lock = threading.Lock()
        self._last_turn = -math.inf
        self._paused_until = -math.inf
        self._spacing = 0.0
        self._bearable = 0.0  # the spacing after the first of several throttlings in a row
        self._went_well = True  # since the calls were slowed down last
        self._slowed_at = -math.inf

    def take_turn(self, deadline: Deadline) -> float | None:
        """Wait until a call is allowed, and take its turn; when it was taken, by the clock.

        None when no turn comes early enough to leave time for the call: then none is taken, and no call must be made.
        """
        if self._seconds_to_turn() >= _for_waiting(deadline):
            return None
        if not self._line.acquire(timeout=min(_for_waiting(deadline), threading.TIMEOUT_MAX)):
            return None
        try:
            pause = self._seconds_to_turn()
            if pause >= _for_waiting(deadline):
                return None
            if pause:
                self._clock.sleep(pause)
            self._last_turn = self._clock.now()
            return self._last_turn
        finally:
            self._line.release()

    def throttled(self, pause: float, turn: float) -> None:
        """Nobody calls for `pause` seconds, and after that less often than before.

        What a call says whose `turn` came before the calls were slowed down last, says nothing of the new spacing.
        """
        with self._lock:
            now = self._clock.now()
            self._paused_until = max(self._paused_until, now + pause)
            if turn < self._slowed_at:
                return
            self._spacing = min(max(2 * self._spacing, self._FIRST_SPACING), self._WIDEST_SPACING)
            if self._went_well:
                self._bearable = self._spacing
            self._went_well, self._slowed_at = False, now

    def succeeded(self, turn: float) -> None:
        """Shorten the spacing after a success of the call that had this turn: quickly down to what was bearable."""
        if not self._spacing:
            return
        with self._lock:
            if turn < self._slowed_at:
                return
            self._went_well = True
            recovery = self._QUICK_RECOVERY if self._spacing > self._bearable else self._RECOVERY
            self._spacing = max(self._spacing * recovery, self._SHORTEST_SPACING)
            remembered = self._clock.now() <= self._slowed_at + self._REMEMBERED_SECONDS
            if self._spacing == self._SHORTEST_SPACING and not remembered:
                self._spacing = 0.0

    def _seconds_to_turn(self) -> float:
        return max(0.0, max(self._last_turn + self._spacing, self._paused_until) - self._clock.now())


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
        refused: ThrottledError | None = None
        for attempt in range(1, self.attempts + 1):
            turn = self.pace.take_turn(deadline)
            if turn is None:
                raise refused or self._no_turn(tried, deadline)
            try:
                seconds = min(self.attempt_seconds, _share(deadline.left()))
                value = call_within(seconds, call, service=self.service, tried=tried, clock=self.clock)
            except IceResultError as error:
                if not error.transient:  # an answer, as a 404 is: the service does not ask for fewer calls
                    self.pace.succeeded(turn)
                pause = self._pause(error, attempt)
                if not error.transient or attempt == self.attempts or pause >= deadline.left():
                    raise
                if counted := _retries.get():
                    counted.add()
                if isinstance(error, ThrottledError):
                    refused = error
                    self.pace.throttled(pause, turn)
                else:
                    self.clock.sleep(pause)
            else:
                self.pace.succeeded(turn)
                return value
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _no_turn(self, tried: str, deadline: Deadline) -> ServiceError:
        """Always in the same words: a manifest says them."""
        if not deadline.left():
            return TimedOutError(tried, service=self.service, detail=_NO_TIME)
        detail = "not called: it asked for fewer calls, and none is allowed early enough"
        return ThrottledError(tried, service=self.service, detail=detail)

    def _pause(self, error: IceResultError, attempt: int) -> float:
        ceiling = min(self.longest_backoff_seconds, self.first_backoff_seconds * 2.0 ** (attempt - 1))
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        return max(self.jitter() * ceiling, asked or 0.0)


def _share(left: float) -> float:
    """How much of the seconds left one attempt may take, so that one that hangs leaves time for another."""
    return min(left, max(_SHORTEST_ATTEMPT_SECONDS, _SHARE_OF_AN_ATTEMPT * left))


def _for_waiting(deadline: Deadline) -> float:
    """How many of the seconds left a turn may be waited for, so that the call has a second, or half of them."""
    left = deadline.left()
    return left - min(_SHORTEST_ATTEMPT_SECONDS, left / 2)
