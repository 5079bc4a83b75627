"""Threads for calls that may have to be left behind: a thread that has ended its call is kept for the next one.

To start a thread for each call would cost CPU and memory anew each time. A pool of `concurrent.futures` would not do:
at its end Python waits for its threads, however long what they wait for takes.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import socket

_Work: TypeAlias = Callable[[], object]
_Given: TypeAlias = "SimpleQueue[_Work]"
_this_thread = threading.local()


class Connection(Protocol):
    """A connection of `http.client`; `used_by` is the work that used it last."""

    used_by: UnderWay | None

    @property
    def sock(self) -> socket.socket | None:
        """Its socket, while it is open."""
        ...


def use(connection: Connection) -> None:
    """Note that the work of this thread uses the connection from now on, so that giving up the work ends it.

    Raises ConnectionAbortedError when the work has been given up already.
    """
    under_way: UnderWay | None = getattr(_this_thread, "under_way", None)
    if under_way is not None:
        under_way.use(connection)


class UnderWay:
    """Work in a thread, from its beginning to its end."""

    def __init__(self, threads: KeptThreads) -> None:
        self._threads = threads
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None
        self._given_up = self._ended = False

    def give_up(self) -> None:
        """Nobody waits for the work any more: end the connection it uses. Until it ends, it is left behind."""
        with self._threads.lock:
            if self._ended:
                return
            self._given_up = True
            self._threads.left_behind += 1
            if self._socket and self._connection and self._connection.used_by is self:
                _shut_down(self._socket)

    def use(self, connection: Connection) -> None:
        """See the function of this name. The socket is kept apart: a connection lets go of it before a last reply."""
        with self._threads.lock:
            if self._given_up:
                raise ConnectionAbortedError("the call has been given up")
            connection.used_by = self
            self._connection, self._socket = connection, connection.sock

    def end(self) -> None:
        """The work is done, in whatever way."""
        with self._threads.lock:
            self._ended, self._connection, self._socket = True, None, None
            self._threads.left_behind -= self._given_up


class KeptThreads:
    """As many threads as there is work at once; each ends when there has been none for it for `kept_seconds`.

    `left_behind` is how many of them are busy with work that was given up.
    """

    def __init__(self, kept_seconds: float = 60.0) -> None:
        self._kept_seconds = kept_seconds
        self._free: deque[_Given] = deque()  # a thread, by the queue in which it is given work
        self.lock = threading.Lock()
        self.left_behind = 0
        if hasattr(os, "register_at_fork"):  # where processes fork, which takes no threads along
            os.register_at_fork(after_in_child=self._begin_anew)

    def run(self, work: _Work, done: _Work) -> UnderWay:
        """Do `work` in a thread that is free or new, and then call `done` there. Neither may raise."""
        try:
            given = self._free.pop()
        except IndexError:
            given = SimpleQueue()
            threading.Thread(target=self._serve, args=(given,), name="kept", daemon=True).start()
        under_way = UnderWay(self)

        def work_and_be_free() -> None:
            _this_thread.under_way = under_way
            work()
            under_way.end()
            self._free.append(given)  # before `done`: who waits for that may have the next work at once
            done()

        given.put(work_and_be_free)
        return under_way

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

    def _begin_anew(self) -> None:
        self._free.clear()
        self.lock = threading.Lock()
        self.left_behind = 0


def _shut_down(connected: socket.socket) -> None:
    """End a connection under the hands of a thread that reads from it; over TLS without a word of goodbye."""
    import socket  # noqa: PLC0415  loaded with the first connection

    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
