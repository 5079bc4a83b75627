"""Deadlines: by when work must be over. The one that holds is kept in a context variable.

    with time_limit(Deadline.after(10)):
        store.put(key, data)          # asks current_deadline() how much time it has

Threads that are started with `threads.start` inherit it. Without one, time is not limited.
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
    """Source of time: seconds that only grow, and two ways to wait.

    `wait` returns True as soon as the event is set, and False when so many seconds have passed without it.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


MACHINE_CLOCK = Clock()


class Deadline(NamedTuple):
    """Time by which something must be over, in seconds of its clock."""

    at: float
    clock: Clock = MACHINE_CLOCK

    @classmethod
    def after(cls, seconds: float, clock: Clock | None = None) -> Deadline:
        """Return the deadline that is `seconds` from now."""
        clock = clock or MACHINE_CLOCK
        return cls(clock.now() + seconds, clock)

    def left(self) -> float:
        """Return the seconds until then; 0 when it has passed."""
        return max(0.0, self.at - self.clock.now())

    def within(self, seconds: float) -> Deadline:
        """Return this deadline, or the one in so many seconds, whichever comes first."""
        return Deadline(min(self.at, self.clock.now() + seconds), self.clock)

    def part(self, share: float) -> Deadline:
        """Return the deadline at which this share of the time left is over, for work that must not use up all of it."""
        return Deadline.after(self.left() * share, self.clock)


_UNLIMITED = Deadline(threading.TIMEOUT_MAX)  # centuries, as a number that locks and events take
_current: ContextVar[Deadline] = ContextVar("deadline", default=_UNLIMITED)


def current_deadline() -> Deadline:
    """Return the deadline of the work that this code is part of."""
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
    """Yield the items; to get each of them has the deadline that is asked for then, and to use it has not."""
    iterator = iter(items)
    while True:
        with time_limit(deadline()):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
