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

NAME = "kept"
_KEPT_SECONDS = 60.0
_Work: TypeAlias = Callable[[], None]


class _KeptThread:
    """Does one piece of work after the other, and ends when there has been none for a minute."""

    def __init__(self) -> None:
        self._given: SimpleQueue[_Work] = SimpleQueue()
        threading.Thread(target=self._run, name=NAME, daemon=True).start()

    def give(self, work: _Work) -> None:
        """Only to one that nobody else can give work to."""
        self._given.put(work)

    def _run(self) -> None:
        while True:
            try:
                self._given.get(timeout=_KEPT_SECONDS)()
            except Empty:
                if _no_longer_free(self):
                    return


_free: deque[_KeptThread] = deque()
if hasattr(os, "register_at_fork"):  # where processes fork, which takes no threads along
    os.register_at_fork(after_in_child=_free.clear)


def run(work: _Work, done: Callable[[], object]) -> None:
    """Do `work` in a thread that is free or new, and then call `done` there. Neither may raise."""
    try:
        thread = _free.pop()
    except IndexError:
        thread = _KeptThread()

    def work_and_be_free() -> None:
        work()
        _free.append(thread)  # before `done`: who waits for that may have the next work at once
        done()

    thread.give(work_and_be_free)


def _no_longer_free(thread: _KeptThread) -> bool:
    """False when somebody has taken it a moment ago, to give it work."""
    try:
        _free.remove(thread)
    except ValueError:
        return False
    return True
