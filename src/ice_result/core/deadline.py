"""Deadlines of work. The current deadline is in a context variable.

    with time_limit(Deadline.after(10)):
        store.put(key, data)          # reads current_deadline()

Threads of `threads.pool` inherit the deadline. Work without a deadline has no time limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

T = TypeVar("T")


@dataclass(eq=False, repr=False)
class Clock:
    """Source of time: monotonic seconds, and two ways to wait.

    `wait` returns True as soon as the event is set, and False after the given seconds.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


MACHINE_CLOCK = Clock()


class Deadline(NamedTuple):
    """Time by which work must end, in seconds of its clock."""

    at: float
    clock: Clock = MACHINE_CLOCK

    @classmethod
    def after(cls, seconds: float, clock: Clock | None = None) -> Deadline:
        """Return the deadline `seconds` from now."""
        clock = clock or MACHINE_CLOCK
        return cls(clock.now() + seconds, clock)

    def left(self) -> float:
        """Return the seconds left; 0 after the deadline."""
        return max(0.0, self.at - self.clock.now())

    def within(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and the one `seconds` from now."""
        return Deadline(min(self.at, self.clock.now() + seconds), self.clock)

    def part(self, share: float) -> Deadline:
        """Return the deadline after this share of the time left, for work that must leave time for other work."""
        return Deadline.after(self.left() * share, self.clock)


_UNLIMITED = Deadline(threading.TIMEOUT_MAX)  # centuries; the largest number that locks and events accept
_current: ContextVar[Deadline] = ContextVar("deadline", default=_UNLIMITED)


def current_deadline() -> Deadline:
    """Return the deadline of the current work."""
    return _current.get()


@contextmanager
def time_limit(deadline: Deadline) -> Iterator[None]:
    """Set the deadline of the work inside the block. Never use it around a `yield` of a generator."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def within(deadline: Callable[[], Deadline], items: Iterable[T]) -> Iterator[T]:
    """Yield the items. Fetching an item has the deadline of a new call of `deadline`; using it has not."""
    iterator = iter(items)
    while True:
        with time_limit(deadline()):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
