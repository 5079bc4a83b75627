"""Calling a service from outside: with a deadline, with retries, and as often as the service can bear."""

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
"""How many threads of calls that were given up may be left in this process when another call begins."""
_SHARE_OF_AN_ATTEMPT = 0.6
_SHORTEST_ATTEMPT_SECONDS = 1.0
_NO_TIME = "no time was left to begin"
_in_call: ContextVar[bool] = ContextVar("in_call", default=False)


class RateLimiter:
    """Limits how often all threads together call one service: not at all, until the service asks for fewer calls.

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
    _LATE_SECONDS = 0.05  # a sleep that lasts too long by less than this is made up for

    def __init__(self, clock: Clock | None = None, *, per_second: float | None = None) -> None:
        """`per_second` is a rate that is never exceeded; what a stall costs is not made up for."""
        self._clock = clock or Clock()
        self._least_spacing = 1 / per_second if per_second else 0.0
        self._line = threading.Lock()
        self._lock = threading.Lock()
        self._last_turn = -math.inf
        self._next_turn = self._clock.now() if per_second else -math.inf
        self._paused_until = -math.inf
        self._spacing = 0.0
        self._bearable = 0.0  # the spacing after the first of several throttlings in a row
        self._went_well = True  # since the calls were slowed down last
        self._slowed_at = -math.inf

    def take_turn(self, count: int = 1) -> float | None:
        """Wait until a call is allowed, and take its turn, or those of `count` calls at once; the time it was taken.

        None when no turn comes early enough to leave time for the call: then none is taken, and no call must be made.
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
        """Let nobody call for `pause` seconds, and after that less often than before.

        A call whose `turn` came before the calls were slowed down last says nothing of the new spacing.
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
        turn = max(self._last_turn + self._spacing, self._paused_until, self._next_turn)
        return max(0.0, turn - self._clock.now())


class Retries:
    """Count of calls that were made again; any number of threads may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self.count += 1


_retries: ContextVar[Retries | None] = ContextVar("retries", default=None)


@contextmanager
def count_retries() -> Iterator[Retries]:
    """Count the retries of every ServiceCaller inside, also in threads that are started there."""
    counted = Retries()
    token = _retries.set(counted)
    try:
        yield counted
    finally:
        _retries.reset(token)


@dataclass(eq=False, repr=False)
class ServiceCaller:
    """The one way this program calls a service: not too often, bounded in time, and retried while that can help."""

    service: str
    attempts: int = 5
    attempt_seconds: float = 10.0
    first_backoff_seconds: float = 0.2
    longest_backoff_seconds: float = 8.0
    clock: Clock = field(default_factory=Clock)
    jitter: Callable[[], float] = random.random
    rate: RateLimiter = field(default_factory=RateLimiter)

    def call(self, operation: str, call: Callable[[], T]) -> T:
        """Return the value of `call()`; transient errors are tried again, with full jitter, while the time lasts.

        `call` raises our own errors (see errors.py), and knows by current_deadline() when its attempt must end. The
        last error is raised when no more attempts are left.
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
                if not error.transient:  # an answer, as a 404 is: the service does not ask for fewer calls
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
        # One that hangs leaves time for another.
        seconds = min(self.attempt_seconds, left, max(_SHORTEST_ATTEMPT_SECONDS, _SHARE_OF_AN_ATTEMPT * left))
        end = Deadline.after(seconds, self.clock)
        with time_limit(end), threads.attempt(end, (self.service, operation)) as made:
            try:
                return call()
            except Exception:
                if made.is_over:  # the error is that of a connection that was ended
                    raise _timed_out(made) from None
                raise

    def _no_turn(self, operation: str, deadline: Deadline) -> ServiceError:
        """Return the error of a call that is not made; always in the same words, since a manifest has them."""
        if not deadline.left():
            return TimedOutError(operation, service=self.service, detail=_NO_TIME)
        detail = "not called: it asked for fewer calls, and none is allowed early enough"
        return ThrottledError(operation, service=self.service, detail=detail)

    def _pause(self, error: IceResultError, number: int) -> float:
        ceiling = min(self.longest_backoff_seconds, self.first_backoff_seconds * 2.0 ** (number - 1))
        asked = error.retry_after_seconds if isinstance(error, ServiceError) else None
        return max(self.jitter() * ceiling, asked or 0.0)


def begin(work: Callable[[], T]) -> threads.Task[T]:
    """Begin work that calls services, beside this thread's; `result_of` waits for it."""

    def run() -> T:
        _in_call.set(True)
        return work()

    return threads.start(run)


def result_of(task: threads.Task[T]) -> T:
    """Return what comes of a task. Raises TimedOutError when it hangs in a call, which is given up."""
    try:
        return task.result()
    except threads.LeftBehindError as error:
        raise _timed_out(error.attempt) from None


def in_order(
    work: Callable[[S], T], items: Iterable[S], at_once: int, *, hanging: Callable[[TimedOutError], T] | None = None
) -> Iterator[T]:
    """Work on `at_once` items at a time; yield the values in the order of the items, which are taken as needed.

    `hanging` makes the value of work that hangs in a call and is given up; without it, TimedOutError is raised.
    """
    under_way: deque[threads.Task[T]] = deque()
    left = iter(items)
    while True:
        for item in islice(left, at_once - len(under_way)):
            under_way.append(begin(partial(work, item)))
        if not under_way:
            return
        task = under_way.popleft()
        try:
            value = task.result()
        except threads.LeftBehindError as error:
            if hanging is None:
                raise _timed_out(error.attempt) from None
            value = hanging(_timed_out(error.attempt))
        yield value


def call_within(
    seconds: float, work: Callable[[], T], *, service: str, operation: str, clock: Clock | None = None
) -> T:
    """Return the value of `work()`, or raise TimedOutError after `seconds` of the clock, whatever it waits for."""
    if seconds <= 0:
        raise TimedOutError(operation, service=service, detail=_NO_TIME)
    _check_left_behind(operation, service)
    deadline = Deadline.after(seconds, clock)
    task = threads.start(work)
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
    """Return how many of the seconds left may be spent on waiting: a call needs a second, or half of them."""
    left = deadline.left()
    return left - min(_SHORTEST_ATTEMPT_SECONDS, left / 2)
