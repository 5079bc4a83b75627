"""Calls to services: with a deadline, with retries, and at a rate that the service accepts.

No library serves: stamina and tenacity take 42 to 61 ms of CPU to import, a sixth of a cold start and more [measured],
and wait by themselves, without the rate limit that all threads share.
"""

from __future__ import annotations

import math
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

from ice_result.core import threads
from ice_result.core.deadline import Clock, Deadline, current_deadline, time_limit
from ice_result.errors import IceResultError, ServiceError, ThrottledError, TimedOutError, UnavailableError

S = TypeVar("S")
T = TypeVar("T")
MOST_LEFT_BEHIND = 32
"""Maximum number of threads in given-up calls when another call begins."""
_SHARE_OF_AN_ATTEMPT = 0.6
_SHORTEST_ATTEMPT_SECONDS = 1.0
_NO_TIME = "no time was left to begin"
_in_call: ContextVar[bool] = ContextVar("in_call", default=False)


class RateLimiter:
    """Limits the rate of the calls of all threads to one service. There is no limit until the service throttles a call.

    calls      ●●●●●●●●  ●   ●   ●  ● ● ●●●●
    throttled         ▲ pause, then a spacing that shrinks with every success

    Threads wait in line: the first one waits for the next turn and takes it, the others wait behind it. So no turn is
    assigned before its time, and a shorter spacing applies to the whole line at once.
    """

    _FIRST_SPACING = 0.05
    _WIDEST_SPACING = 2.0
    _SHORTEST_SPACING = 0.0025
    _RECOVERY = 0.93
    _QUICK_RECOVERY = 0.5
    _REMEMBERED_SECONDS = 10.0
    _LATE_SECONDS = 0.05  # a sleep that is late by less than this does not lower the rate

    def __init__(self, clock: Clock | None = None, *, per_second: float | None = None) -> None:
        """`per_second` is a rate that is never exceeded, also not after a stall."""
        self._clock = clock or Clock()
        self._least_spacing = 1 / per_second if per_second else 0.0
        self._line = threading.Lock()
        self._lock = threading.Lock()
        self._last_turn = -math.inf
        self._next_turn = self._clock.now() if per_second else -math.inf
        self._paused_until = -math.inf
        self._spacing = 0.0
        self._bearable = 0.0  # the spacing after the first of several throttlings in a row
        self._went_well = True  # since the last throttling
        self._slowed_at = -math.inf

    def take_turn(self, count: int = 1) -> float | None:
        """Wait for the next turn, and take it, or the turns of `count` calls at once. Returns the time of the turn.

        Returns None when no turn comes early enough to leave time for the call. No turn is taken then, and no call may
        be made.
        """
        deadline = current_deadline()
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
            if self._least_spacing:
                turn = max(self._next_turn, self._last_turn - self._LATE_SECONDS)
                self._next_turn = turn + count * self._least_spacing
            return self._last_turn
        finally:
            self._line.release()

    def throttled(self, pause: float, turn: float) -> None:
        """Stop all calls for `pause` seconds, and widen the spacing after that.

        A call with a `turn` before the last throttling does not count: it was made with the old spacing.
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
        """Shorten the spacing after a success: quickly down to the last bearable spacing, then slowly."""
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
        turn = max(self._last_turn + self._spacing, self._paused_until, self._next_turn)
        return max(0.0, turn - self._clock.now())


class Retries:
    """Counter of retried calls. Any number of threads may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        """Count one retry."""
        with self._lock:
            self.count += 1


_retries: ContextVar[Retries | None] = ContextVar("retries", default=None)


@contextmanager
def count_retries() -> Iterator[Retries]:
    """Count the retries of every ServiceCaller in the block, also in threads that it starts."""
    counted = Retries()
    token = _retries.set(counted)
    try:
        yield counted
    finally:
        _retries.reset(token)


@dataclass(eq=False, repr=False)
class ServiceCaller:
    """Caller of one service: it limits the rate and the time of calls, and retries transient errors."""

    service: str
    attempts: int = 5
    attempt_seconds: float = 10.0
    first_backoff_seconds: float = 0.2
    longest_backoff_seconds: float = 8.0
    clock: Clock = field(default_factory=Clock)
    jitter: Callable[[], float] = random.random
    rate: RateLimiter = field(default_factory=RateLimiter)

    def call(self, operation: str, call: Callable[[], T]) -> T:
        """Return the value of `call()`. Transient errors are retried with full jitter until the deadline.

        `call` raises our own errors (see errors.py), and must end by current_deadline(). Raises the last error when no
        attempt or no time is left.
        """
        if not _in_call.get():
            return result_of(begin(lambda: self._call(operation, call)))
        return self._call(operation, call)

    def _call(self, operation: str, call: Callable[[], T]) -> T:
        deadline = current_deadline()
        refused: ThrottledError | None = None
        for number in range(1, self.attempts + 1):
            turn = self.rate.take_turn()
            if turn is None:
                raise refused or self._no_turn(operation, deadline)
            try:
                value = self._attempt(operation, call, deadline)
            except IceResultError as error:
                if not error.transient:  # an answer such as a 404 is not throttling
                    self.rate.succeeded(turn)
                pause = self._pause(error, number)
                if not error.transient or number == self.attempts or pause >= deadline.left():
                    raise
                if counted := _retries.get():
                    counted.add()
                if isinstance(error, ThrottledError):
                    refused = error
                    self.rate.throttled(pause, turn)
                else:
                    self.clock.sleep(pause)
            else:
                self.rate.succeeded(turn)
                return value
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, operation: str, call: Callable[[], T], deadline: Deadline) -> T:
        left = deadline.left()
        if not left:
            raise TimedOutError(operation, service=self.service, detail=_NO_TIME)
        _check_left_behind(operation, self.service)
        # An attempt that hangs leaves time for another one.
        seconds = min(self.attempt_seconds, left, max(_SHORTEST_ATTEMPT_SECONDS, _SHARE_OF_AN_ATTEMPT * left))
        end = Deadline.after(seconds, self.clock)
        with time_limit(end), threads.attempt(end, (self.service, operation)) as made:
            try:
                value = call()
            except Exception:
                if made.is_over:  # the error comes from the shut-down connection
                    raise _timed_out(made) from None
                raise
        if made.is_over:  # a reply without an end looks whole once its connection is ended
            raise _timed_out(made)
        return value

    def _no_turn(self, operation: str, deadline: Deadline) -> ServiceError:
        """Make the error of a call that is not made. Its text is constant, since manifests contain it."""
        if not deadline.left():
            return TimedOutError(operation, service=self.service, detail=_NO_TIME)
        detail = "not called: the service throttles calls, and no call is allowed before the time limit"
        return ThrottledError(operation, service=self.service, detail=detail)

    def _pause(self, error: IceResultError, number: int) -> float:
        ceiling = min(self.longest_backoff_seconds, self.first_backoff_seconds * 2.0 ** (number - 1))
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        return max(self.jitter() * ceiling, asked or 0.0)


def begin(work: Callable[[], T]) -> threads.Task[T]:
    """Start work that calls services in another thread. `result_of` waits for it."""

    def run() -> T:
        _in_call.set(True)
        return work()

    return threads.pool.start(run)


def result_of(task: threads.Task[T]) -> T:
    """Return the value of a task, or raise its error. Raises TimedOutError for a task that hangs in a call."""
    try:
        return task.result()
    except threads.LeftBehindError as error:
        raise _timed_out(error.attempt) from None


def in_order(
    work: Callable[[S], T],
    items: Iterable[S],
    at_once: int,
    *,
    timed_out: Callable[[S, TimedOutError], T] | None = None,
) -> Iterator[T]:
    """Work on `at_once` items at a time. Yields the values in the order of the items, which are read as needed.

    `timed_out` makes the value of an item whose work hangs and was given up. Without it, TimedOutError is raised.
    """
    under_way: deque[tuple[S, threads.Task[T]]] = deque()
    left = iter(items)
    while True:
        for item in islice(left, at_once - len(under_way)):
            under_way.append((item, begin(partial(work, item))))
        if not under_way:
            return
        item, task = under_way.popleft()
        try:
            value = result_of(task)
        except TimedOutError as error:
            if timed_out is None:
                raise
            value = timed_out(item, error)
        yield value


def call_within(
    seconds: float, work: Callable[[], T], *, service: str, operation: str, clock: Clock | None = None
) -> T:
    """Return the value of `work()`. Raises TimedOutError after `seconds` of the clock."""
    if seconds <= 0:
        raise TimedOutError(operation, service=service, detail=_NO_TIME)
    _check_left_behind(operation, service)
    deadline = Deadline.after(seconds, clock)
    task = threads.pool.start(work)
    try:
        return task.result(deadline)
    except threads.LeftBehindError:
        raise TimedOutError(operation, service=service, detail=_no_reply(seconds)) from None


def _check_left_behind(operation: str, service: str) -> None:
    if threads.pool.left_behind >= MOST_LEFT_BEHIND:
        detail = f"not called: {MOST_LEFT_BEHIND} calls that were given up have not ended yet"
        raise UnavailableError(operation, service=service, detail=detail)


def _timed_out(hanging: threads.Attempt | None) -> TimedOutError:
    service, operation = hanging.what if hanging else ("ice-result", "call a service")
    return TimedOutError(operation, service=service, detail=_no_reply(hanging.seconds if hanging else 0.0))


def _no_reply(seconds: float) -> str:
    return f"no complete reply within {seconds:.1f} s"


def _for_waiting(deadline: Deadline) -> float:
    """Return the seconds that may be spent on waiting: a call needs one second, or half of the time left."""
    left = deadline.left()
    return left - min(_SHORTEST_ATTEMPT_SECONDS, left / 2)
