"""A pool of threads for work that runs in parallel, and for calls that may have to be given up.

A thread that has finished its task is used for the next one, which saves the CPU and memory of a new thread.
`concurrent.futures` cannot be used: at exit, Python waits for the threads of its pools, even for one that hangs.

A call to a service may hang, or its reply may drip for hours: a socket timeout limits only the silence between two
bytes. Each call is an `Attempt`, which has a deadline and knows its connection. A thread that waits for a task checks
every few milliseconds for attempts after their deadline, and shuts their connections down:

    waiter   start ── wait · · · · · · · · · · · · · · · time is over: shut the socket ── TimedOutError
    thread      └──── connect ── send ── recv · · · · · · · · · · · · ┘ raises

A thread that hangs outside a connection, for example in the lookup of a host name, cannot be ended: its task is left
behind.
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
_Inbox: TypeAlias = "SimpleQueue[Callable[[], None] | None]"  # None ends the thread
_LOOK_SECONDS = 0.02
_LEFT_BEHIND_AFTER_SECONDS = 0.1  # after its connection was shut down
_lock = threading.Lock()
_attempts: set[Attempt] = set()
_this_thread = threading.local()


class Connection(Protocol):
    """A connection of `http.client`. `used_by` is the last attempt that used it."""

    used_by: Attempt | None

    @property
    def sock(self) -> socket.socket | None:
        """Socket of an open connection; None for a closed one."""
        ...


class Attempt:
    """An attempt of a call, which must end by `deadline`. `what` is the service and the operation, for messages."""

    def __init__(self, deadline: Deadline, what: tuple[str, str]) -> None:
        self.deadline = deadline
        self.seconds = deadline.left()
        self.what = what
        self.is_over = False
        self._seen_overdue_at: float | None = None
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None

    def use(self, connection: Connection) -> None:
        """Note that the attempt uses this connection, which is then shut down when the attempt is given up.

        The socket is stored separately: a connection drops it before it reads the last reply. Raises
        ConnectionAbortedError when the attempt has been given up.
        """
        with _lock:
            if self.is_over:
                raise ConnectionAbortedError("the call has been given up")
            connection.used_by = self
            self._connection, self._socket = connection, connection.sock

    def give_up_if_overdue(self) -> None:
        """Give the attempt up after its deadline. A reply that has arrived by then has time to be read."""
        if self.is_over or self.deadline.left():
            return
        now = time.monotonic()
        if self._seen_overdue_at is None:
            self._seen_overdue_at = now
        elif now - self._seen_overdue_at >= _LOOK_SECONDS:
            self.give_up()

    def give_up(self) -> None:
        """Shut down the connection in use, unless another attempt uses it by now."""
        with _lock:
            self.is_over = True
            if self._socket and self._connection and self._connection.used_by is self:
                _shut_down(self._socket)


@contextmanager
def attempt(deadline: Deadline, what: tuple[str, str]) -> Iterator[Attempt]:
    """Run the block as one attempt of a call. Its connection is shut down after the deadline."""
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
    """Note that the attempt of this thread uses the connection. Raises ConnectionAbortedError; see Attempt."""
    made: Attempt | None = getattr(_this_thread, "attempt", None)
    if made is not None:
        made.use(connection)


def end_overdue_attempts() -> None:
    """Shut down the connections of all attempts after their deadlines."""
    for made in tuple(_attempts):
        made.give_up_if_overdue()


class LeftBehindError(Exception):
    """Error of a task that does not end in time. `attempt` is the call in which it hangs; None outside a call."""

    def __init__(self, hanging: Attempt | None) -> None:
        super().__init__("given up")
        self.attempt = hanging


class _Waitable(Protocol):
    def wait(self) -> None: ...


class Task(Generic[T]):
    """A piece of work in a thread of the pool."""

    def __init__(self, pool: DaemonThreadPool) -> None:
        self.attempt: Attempt | None = None
        self._pool = pool
        self._done = threading.Event()
        self._given_up = False
        self._value: T | None = None
        self._error: BaseException | None = None

    def run(self, work: Callable[[], T]) -> None:
        """Do the work, and store its value or its error."""
        try:
            self._value = work()
        except BaseException as error:  # noqa: BLE001  raised again in the thread that waits
            self._error = error

    def end(self) -> None:
        """Wake the threads that wait for the end of the work."""
        with _lock:
            self._pool.left_behind -= self._given_up
            self._pool.under_way.discard(self)
            self._done.set()

    def result(self, deadline: Deadline | None = None) -> T:
        """Wait for the end of the work. Returns its value, or raises its error.

        Raises LeftBehindError when the work hangs: in a call, after the deadline of the call; elsewhere, after
        `deadline`.
        """
        self.wait(deadline)
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def wait(self, deadline: Deadline | None = None) -> None:
        """Wait for the end of the work, whatever it is. Raises LeftBehindError as `result` does."""
        overdue_looks = 0
        while not self._done.wait(_LOOK_SECONDS):
            end_overdue_attempts()
            hanging = self.attempt
            overdue_looks = overdue_looks + 1 if hanging and hanging.is_over else 0
            if overdue_looks * _LOOK_SECONDS >= _LEFT_BEHIND_AFTER_SECONDS or (deadline and not deadline.left()):
                self._give_up()
                if not self._done.is_set():
                    raise LeftBehindError(hanging)

    def _give_up(self) -> None:
        with _lock:
            if not self._done.is_set() and not self._given_up:
                self._given_up = True
                self._pool.left_behind += 1
                self._pool.under_way.discard(self)
        if self.attempt is not None:
            self.attempt.give_up()


class DaemonThreadPool:
    """A pool with as many threads as there are tasks at the same time. A thread ends after `idle_seconds` without work.

    `left_behind` is the number of threads that are busy with work that was given up. `under_way` has the other tasks
    that have not ended.
    """

    def __init__(self, idle_seconds: float = 60.0) -> None:
        self._idle_seconds = idle_seconds
        self._idle: deque[_Inbox] = deque()  # one queue of work for each idle thread
        self.left_behind = 0
        self.under_way: set[_Waitable] = set()
        if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
            os.register_at_fork(after_in_child=self._begin_anew)

    def start(self, work: Callable[[], T], ended: Callable[[Task[T]], object] | None = None) -> Task[T]:
        """Start work in an idle or a new thread, with a copy of this context. `ended` is called there at the end."""
        context = copy_context()
        task: Task[T] = Task(self)
        try:
            self.under_way.add(task)
            inbox = self._inbox_of_a_thread()

            def run() -> None:
                _this_thread.task = task
                context.run(task.run, work)
                _this_thread.task = None
                self._idle.append(inbox)  # first: the thread that waits for the task may start the next one at once
                task.end()
                if ended:
                    ended(task)

            inbox.put(run)
        except BaseException:  # Ctrl-C while a thread is started: `close` would wait for a task that never runs
            self.under_way.discard(task)
            raise
        return task

    def _inbox_of_a_thread(self) -> _Inbox:
        with suppress(IndexError):
            return self._idle.pop()
        inbox: _Inbox = SimpleQueue()
        thread = threading.Thread(target=self._serve, args=(inbox,), name="ice-result", daemon=True)
        try:
            thread.start()
        except BaseException:
            inbox.put(None)
            raise
        return inbox

    def close(self) -> None:
        """Wait until every task has ended or hangs, and end the idle threads. New tasks can be started afterwards."""
        while tasks := tuple(self.under_way):
            for task in tasks:
                with suppress(LeftBehindError):
                    task.wait()
        self.end_idle()

    def end_idle(self) -> None:
        """End the idle threads now."""
        with suppress(IndexError):
            while True:
                self._idle.pop().put(None)

    def _serve(self, inbox: _Inbox) -> None:
        while True:
            try:
                work = inbox.get(timeout=self._idle_seconds)
            except Empty:
                try:
                    self._idle.remove(inbox)
                except ValueError:  # another thread has just taken this one, to give it work
                    continue
                return
            if work is None:
                return
            work()
            del work  # an idle thread would keep what its last task made

    def _begin_anew(self) -> None:
        global _lock  # noqa: PLW0603  a thread that the fork did not copy may have held it
        _lock = threading.Lock()
        _attempts.clear()
        self._idle.clear()
        self.under_way.clear()
        self.left_behind = 0


pool = DaemonThreadPool()
"""The pool of this process."""


class AsCompleted(Generic[S, T]):
    """Parallel work on several items. Each value is yielded as soon as its work has ended."""

    def __init__(self) -> None:
        self._ended: SimpleQueue[tuple[S, Task[T]]] = SimpleQueue()
        self.under_way = 0

    def start(self, item: S, work: Callable[[], T]) -> None:
        """Start the work on an item."""
        self.under_way += 1
        pool.start(work, lambda task: self._ended.put((item, task)))

    def ended(
        self, most_under_way: int = 0, *, is_time_over: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[S, T]]:
        """Yield the items that have ended, until at most `most_under_way` are left or the time is over.

        Raises the error of the work.
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
    """Shut down a connection that another thread reads from. Over TLS, no closing message is sent."""
    import socket  # noqa: PLC0415  loaded with the first connection

    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
