"""One pool of threads for all work that goes on beside other work, or that may have to be given up.

A thread that has ended its task is used for the next one: to start a thread for each would cost CPU and memory anew. A
pool of `concurrent.futures` would not do, because Python waits at its end for the threads of such a pool, however long
what they wait for takes.

A call to a service may hang, or its reply may drip for hours: a socket timeout only bounds the silence between two
bytes. Each call is an `Attempt`, which knows by when it must end and which connection it uses. Whoever waits for a task
looks every few milliseconds for attempts whose time is over, and ends their connections:

    waiter   start ── wait · · · · · · · · · · · · · · · time is over: shut the socket ── TimedOutError
    thread      └──── connect ── send ── recv · · · · · · · · · · · · ┘ raises

A thread that waits for no connection, as for the address of a host, cannot be ended so: its task is left behind.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar, cast

from ice_result.core.deadline import Deadline

if TYPE_CHECKING:
    import socket

S = TypeVar("S")
T = TypeVar("T")
_Inbox: TypeAlias = "SimpleQueue[Callable[[], None]]"
_LOOK_SECONDS = 0.02
_LEFT_BEHIND_AFTER_SECONDS = 0.1  # since its connection was ended
_lock = threading.Lock()
_attempts: set[Attempt] = set()
_this_thread = threading.local()


class Connection(Protocol):
    """A connection of `http.client`; `used_by` is the attempt that used it last."""

    used_by: Attempt | None

    @property
    def sock(self) -> socket.socket | None:
        """Its socket, while it is open."""
        ...


class Attempt:
    """One attempt of a call: `deadline` is by when it must end. `what` names the call for messages."""

    def __init__(self, deadline: Deadline, what: tuple[str, str]) -> None:
        self.deadline = deadline
        self.seconds = deadline.left()
        self.what = what
        self.is_over = False
        self._seen_overdue_at: float | None = None
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None

    def use(self, connection: Connection) -> None:
        """Note that the attempt uses this connection from now on, so that ending the attempt ends it.

        The socket is kept apart: a connection lets go of it before a last reply. Raises ConnectionAbortedError when
        the time of the attempt is over.
        """
        with _lock:
            if self.is_over:
                raise ConnectionAbortedError("the call has been given up")
            connection.used_by = self
            self._connection, self._socket = connection, connection.sock

    def give_up_if_overdue(self) -> None:
        """Give the attempt up when its time is over. A reply that is there at that moment has time to be read."""
        if self.is_over or self.deadline.left():
            return
        now = time.monotonic()
        if self._seen_overdue_at is None:
            self._seen_overdue_at = now
        elif now - self._seen_overdue_at >= _LOOK_SECONDS:
            self.give_up()

    def give_up(self) -> None:
        """End the connection in use. Nothing happens to one that serves another attempt by now."""
        with _lock:
            self.is_over = True
            if self._socket and self._connection and self._connection.used_by is self:
                _shut_down(self._socket)


@contextmanager
def attempt(deadline: Deadline, what: tuple[str, str]) -> Iterator[Attempt]:
    """Make one attempt of a call in this thread, whose connections are ended when its time is over."""
    made = Attempt(deadline, what)
    task: Task[object] | None = getattr(_this_thread, "task", None)
    _this_thread.attempt = made
    if task is not None:
        task.attempt = made
    _attempts.add(made)
    try:
        yield made
    finally:
        _attempts.discard(made)
        _this_thread.attempt = None
        if task is not None:
            task.attempt = None
        with _lock:
            made._connection = made._socket = None  # noqa: SLF001  the attempt's own end


def use(connection: Connection) -> None:
    """Note that the attempt made in this thread uses the connection. Raises ConnectionAbortedError; see Attempt."""
    made: Attempt | None = getattr(_this_thread, "attempt", None)
    if made is not None:
        made.use(connection)


def end_overdue_attempts() -> None:
    """End the connections of all attempts whose time is over."""
    for made in tuple(_attempts):
        made.give_up_if_overdue()


class LeftBehindError(Exception):
    """A task does not end, though its time is over; `attempt` is what it hangs in, None when it is no call."""

    def __init__(self, hanging: Attempt | None) -> None:
        super().__init__("given up")
        self.attempt = hanging


class Task(Generic[T]):
    """Work in a thread of the pool."""

    def __init__(self, pool: DaemonThreadPool) -> None:
        self.attempt: Attempt | None = None
        self._pool = pool
        self._done = threading.Event()
        self._given_up = False
        self._value: T | None = None
        self._error: BaseException | None = None

    def run(self, work: Callable[[], T]) -> None:
        """Do the work, and keep what comes of it."""
        try:
            self._value = work()
        except BaseException as error:  # noqa: BLE001  handed to whoever waits, whatever it is
            self._error = error

    def end(self) -> None:
        """Tell whoever waits that the work has ended."""
        with _lock:
            self._pool.left_behind -= self._given_up
            self._done.set()

    def is_done(self) -> bool:
        """Tell whether the work has ended."""
        return self._done.is_set()

    def result(self, deadline: Deadline | None = None) -> T:
        """Return the value of the work, or raise its error, once it has ended.

        Work that hangs in a call is waited for until that call's time is over; any other, until `deadline`. Raises
        LeftBehindError then.
        """
        overdue_looks = 0
        while not self._done.wait(_LOOK_SECONDS):
            end_overdue_attempts()
            hanging = self.attempt
            if hanging is None or not hanging.is_over:
                overdue_looks = 0
            else:
                overdue_looks += 1
            if overdue_looks * _LOOK_SECONDS >= _LEFT_BEHIND_AFTER_SECONDS or (deadline and not deadline.left()):
                self._give_up()
                if not self._done.is_set():
                    raise LeftBehindError(hanging)
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def _give_up(self) -> None:
        with _lock:
            if not self._done.is_set() and not self._given_up:
                self._given_up = True
                self._pool.left_behind += 1
        if self.attempt is not None:
            self.attempt.give_up()


class _ThreadEnd(Exception):  # noqa: N818  no error
    """Ends a thread of the pool."""


def _end_thread() -> None:
    raise _ThreadEnd


class DaemonThreadPool:
    """As many threads as there is work at once; each ends when there has been none for it for `idle_seconds`.

    `left_behind` is how many of them are busy with work that was given up.
    """

    def __init__(self, idle_seconds: float = 60.0) -> None:
        self._idle_seconds = idle_seconds
        self._idle: deque[_Inbox] = deque()  # a thread, by the queue in which it is given work
        self.left_behind = 0
        if hasattr(os, "register_at_fork"):  # where processes fork, which takes no threads along
            os.register_at_fork(after_in_child=self._begin_anew)

    def start(self, work: Callable[[], T], ended: Callable[[Task[T]], object] | None = None) -> Task[T]:
        """Begin work in a thread that is idle or new, in a copy of this context; `ended` is called there at the end."""
        context = copy_context()
        task: Task[T] = Task(self)
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="ice-result", daemon=True).start()

        def run() -> None:
            _this_thread.task = task
            context.run(task.run, work)
            _this_thread.task = None
            self._idle.append(inbox)  # first: whoever waits for the task may have the next work at once
            task.end()
            if ended:
                ended(task)

        inbox.put(run)
        return task

    def end_idle(self) -> None:
        """End the threads that have no work, without waiting for their time to be over."""
        with suppress(IndexError):
            while True:
                self._idle.pop().put(_end_thread)

    def _serve(self, inbox: _Inbox) -> None:
        while True:
            try:
                inbox.get(timeout=self._idle_seconds)()
            except Empty:
                try:
                    self._idle.remove(inbox)
                except ValueError:  # somebody has taken the thread a moment ago, to give it work
                    continue
                return
            except _ThreadEnd:
                return

    def _begin_anew(self) -> None:
        global _lock  # noqa: PLW0603  it may have been held by a thread that is not there any more
        _lock = threading.Lock()
        _attempts.clear()
        self._idle.clear()
        self.left_behind = 0


pool = DaemonThreadPool()
"""The threads of this process."""


def start(work: Callable[[], T]) -> Task[T]:
    """Begin work beside this thread's."""
    return pool.start(work)


class AsCompleted(Generic[S, T]):
    """Work on several items at a time; each value comes as soon as it is there."""

    def __init__(self) -> None:
        self._ended: SimpleQueue[tuple[S, Task[T]]] = SimpleQueue()
        self.under_way = 0

    def start(self, item: S, work: Callable[[], T]) -> None:
        """Begin the work on an item."""
        self.under_way += 1
        pool.start(work, lambda task: self._ended.put((item, task)))

    def ended(
        self, most_under_way: int = 0, *, is_time_over: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[S, T]]:
        """Yield what has ended, and wait until no more than `most_under_way` items are left, or the time is over.

        Raises what the work raises.
        """
        while self.under_way:
            try:
                item, task = self._ended.get(self.under_way > most_under_way, _LOOK_SECONDS)
            except Empty:
                if self.under_way <= most_under_way or is_time_over():
                    return
                end_overdue_attempts()
            else:
                self.under_way -= 1
                yield item, task.result()


def _shut_down(connected: socket.socket) -> None:
    """End a connection under the hands of a thread that reads from it; over TLS without a word of goodbye."""
    import socket  # noqa: PLC0415  loaded with the first connection

    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
