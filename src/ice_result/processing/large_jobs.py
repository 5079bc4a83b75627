"""A queue for large jobs: one large job at a time beside any number of small ones, which bounds the memory in use.

    small  ━━━  ━━  ━━━━ ━━━
    small   ━━━ ━━━━  ━━ ━━━━
    large  ─ asked ─┐━━━━━━━━━━━━━━┐
    large     ─ asked ─ ─ waits ─ ─ ┘━━━━━━━━━

The size of a response is not known before it is read. So each job begins as a small one, and is given up when its
response is large; it begins again at its turn. A large job costs one call more, and a small one costs nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ice_result.core.deadline import current_deadline
from ice_result.errors import OutOfTimeError, TooLargeError
from ice_result.jobs.sizes import LARGEST_BESIDE_OTHERS, LARGEST_RESPONSE, reading_at_most

T = TypeVar("T")


class LargeJobQueue:
    """Processes large jobs one at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()  # the first is set: it has the turn

    def work(self, work: Callable[[], T]) -> T:
        """Return the value of `work()`, which asks for a response and decodes it.

        `work` is called again when the response is a large one. Raises OutOfTimeError when its turn does not come by
        the deadline, TooLargeError for a response above the limit, and the errors of `work`.
        """
        try:
            with reading_at_most(LARGEST_BESIDE_OTHERS):
                return work()
        except TooLargeError as error:
            if error.limit != LARGEST_BESIDE_OTHERS:
                raise
            # The traceback refers to the frames of all callers, which would hold the result until the next garbage
            # collection.
            error.__traceback__ = None
        with self._turn(), reading_at_most(LARGEST_RESPONSE):
            return work()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        mine, deadline = threading.Event(), current_deadline()
        with self._lock:
            self._waiting.append(mine)
            self._waiting[0].set()
        try:
            if not deadline.clock.wait(mine, deadline.left()):
                raise OutOfTimeError("the time of this run was over before other large jobs were done with")
            yield
        finally:
            with self._lock:
                self._waiting.remove(mine)
                if self._waiting:
                    self._waiting[0].set()
