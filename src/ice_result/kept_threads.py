"""Threads for calls that may have to be left behind: a thread that has ended its call is kept for the next one.

To start a thread for each call would cost CPU and memory anew each time. A pool of `concurrent.futures` would not do:
at its end Python waits for its threads, however long what they wait for takes.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

_Work: TypeAlias = Callable[[], object]
_Given: TypeAlias = "SimpleQueue[_Work]"


class KeptThreads:
    """As many threads as there is work at once; each ends when there has been none for it for `kept_seconds`."""

    def __init__(self, kept_seconds: float = 60.0) -> None:
        self._kept_seconds = kept_seconds
        self._free: deque[_Given] = deque()  # a thread, by the queue in which it is given work
        if hasattr(os, "register_at_fork"):  # where processes fork, which takes no threads along
            os.register_at_fork(after_in_child=self._free.clear)

    def run(self, work: _Work, done: _Work) -> None:
        """Do `work` in a thread that is free or new, and then call `done` there. Neither may raise."""
        try:
            given = self._free.pop()
        except IndexError:
            given = SimpleQueue()
            threading.Thread(target=self._serve, args=(given,), name="kept", daemon=True).start()

        def work_and_be_free() -> None:
            work()
            self._free.append(given)  # before `done`: who waits for that may have the next work at once
            done()

        given.put(work_and_be_free)

    def _serve(self, given: _Given) -> None:
        while True:
            try:
                given.get(timeout=self._kept_seconds)()
            except Empty:
                if self._no_longer_free(given):
                    return

    def _no_longer_free(self, given: _Given) -> bool:
        """False when somebody has taken the thread a moment ago, to give it work."""
        try:
            self._free.remove(given)
        except ValueError:
            return False
        return True
