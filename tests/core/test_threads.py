"""Threads for calls that may be left behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from ice_result.core.calls import call_within
from ice_result.core.deadline import Deadline
from ice_result.core.threads import Attempt, DaemonThreadPool, LeftBehindError, attempt, use
from support.fake_clock import FakeTime

T = TypeVar("T")


def thread_of(threads: DaemonThreadPool) -> threading.Thread:
    """The thread in which the next call is made."""
    return threads.start(threading.current_thread).result()


def test_the_next_call_runs_in_the_same_thread() -> None:
    """GIVEN calls one after the other THEN no thread is started for each of them."""
    threads = DaemonThreadPool()
    used = {thread_of(threads) for _ in range(50)}
    assert len(used) == 1
    assert threading.current_thread() not in used


def test_a_thread_that_is_left_behind_serves_again_when_its_call_has_ended() -> None:
    """GIVEN a call that hangs WHEN others follow THEN they run elsewhere; afterwards its thread is taken again."""
    threads, release = DaemonThreadPool(), threading.Event()

    def hang() -> threading.Thread:
        release.wait(30)
        return threading.current_thread()

    hanging = threads.start(hang)
    other = thread_of(threads)
    assert not hanging._done.is_set()
    release.set()
    assert hanging.result() is not other
    both = threads.start(lambda: {thread_of(threads), threading.current_thread()}).result()
    assert both == {other, hanging.result()}


@pytest.mark.parametrize(("seconds", "calls"), [(0.0, 30), (0.001, 300), (60.0, 300)])
def test_every_call_of_many_threads_is_made_once_however_short_threads_are_kept(seconds: float, calls: int) -> None:
    """A thread that is about to end, and one that has just been taken, are not mistaken for each other."""
    threads = DaemonThreadPool(seconds)
    with ThreadPoolExecutor(8) as pool:
        values = [*pool.map(lambda number: threads.start(lambda: number).result(), range(calls))]
    assert values == [*range(calls)]


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.001, 60.0])
def test_each_of_a_thousand_calls_is_made_once_however_short_threads_are_kept(seconds: float) -> None:
    """The same, for long enough that each moment of a thread's end is met."""
    threads = DaemonThreadPool(seconds)
    with ThreadPoolExecutor(8) as pool:
        values = [*pool.map(lambda number: threads.start(lambda: number).result(), range(1000))]
    assert values == [*range(1000)]


def test_a_thread_without_work_ends() -> None:
    """What is not needed any more does not stay for ever, and is given no work afterwards."""
    threads = DaemonThreadPool(0.01)
    thread = thread_of(threads)
    thread.join(30)
    assert not thread.is_alive()
    assert thread_of(threads) is not thread


class Connected:
    """A connection of `http.client`, as far as work in a thread knows it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.used_by: Attempt | None = None


def over(fake_time: FakeTime) -> Deadline:
    return Deadline.after(10, fake_time.clock)


def test_giving_up_leaves_a_connection_alone_that_serves_other_work_by_now() -> None:
    """GIVEN work that gave its connection back and goes on WHEN it is given up THEN the next one's use is not cut."""
    fake_time = FakeTime()
    threads, release, used = DaemonThreadPool(), threading.Event(), threading.Event()
    ours, peer = socket.socketpair()
    with ours, peer:
        connection = Connected(ours)

        def first() -> None:
            with attempt(over(fake_time), ("ICE", "try")):
                use(connection)
                used.set()
                release.wait(30)

        def second() -> None:
            with attempt(Deadline.after(1000, fake_time.clock), ("ICE", "try")):
                use(connection)

        under_way = threads.start(first)
        assert used.wait(30)
        threads.start(second).result()
        fake_time.move(10)
        with pytest.raises(LeftBehindError):
            under_way.result()
        ours.sendall(b"still open")
        assert peer.recv(100) == b"still open"
        release.set()


def test_work_that_was_given_up_begins_no_connection() -> None:
    """GIVEN work that waits for the address of a host WHEN it is given up THEN it connects to nothing afterwards."""
    fake_time = FakeTime()
    threads, release = DaemonThreadPool(), threading.Event()
    refused: list[str] = []
    ended = threading.Event()
    ours, peer = socket.socketpair()
    with ours, peer:

        def connect_late() -> None:
            with attempt(over(fake_time), ("ICE", "try")):
                fake_time.move(10)
                release.wait(30)
                try:
                    use(Connected(ours))
                except ConnectionAbortedError as error:
                    refused.append(str(error))

        under_way = threads.start(connect_late, lambda _: ended.set())
        with pytest.raises(LeftBehindError) as raised:
            under_way.result()
        assert raised.value.attempt is not None
        assert raised.value.attempt.what == ("ICE", "try")
        assert threads.left_behind == 1
        release.set()
        assert ended.wait(30)
    assert refused == ["the call has been given up"]
    assert threads.left_behind == 0


def test_the_connection_of_an_attempt_whose_time_is_over_is_ended() -> None:
    """GIVEN work that reads what never comes WHEN its time is over THEN whoever waits for it ends its connection."""
    fake_time = FakeTime()
    ours, peer = socket.socketpair()
    with ours, peer:

        def read() -> bytes:
            with attempt(over(fake_time), ("ICE", "try")) as made:
                use(Connected(ours))
                fake_time.move(10)
                read = ours.recv(100)
                assert made.is_over
                return read

        assert DaemonThreadPool().start(read).result() == b""


def test_work_that_has_ended_is_not_left_behind() -> None:
    """GIVEN work that ends at the moment when it is given up THEN it counts no more."""
    threads, ended = DaemonThreadPool(), threading.Event()
    under_way = threads.start(lambda: None, lambda _: ended.set())
    assert ended.wait(30)
    under_way.result(Deadline.after(0))
    assert threads.left_behind == 0


def test_a_fork_starts_threads_of_its_own() -> None:
    """GIVEN a thread kept here WHEN the process forks THEN calls of the child do not wait for it."""
    threads = DaemonThreadPool()
    thread_of(threads)
    child = os.fork()
    if not child:
        os._exit(threads.start(lambda: 7).result())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_calls_with_a_deadline_start_no_thread_each() -> None:
    """GIVEN one call after the other THEN far fewer threads serve them than there are calls."""
    used = {call_within(30, threading.current_thread, service="ICE", operation="try") for _ in range(50)}
    assert len(used) < 10
    assert threading.current_thread() not in used


def test_a_call_that_was_left_behind_does_not_hold_the_end_of_the_process() -> None:
    """A reply that drips for hours must not keep a command from ending."""
    program = (
        "import time\n"
        "from ice_result.core.calls import call_within\n"
        "try: call_within(0.1, lambda: time.sleep(600), service='ICE', operation='try')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ICE: try: no complete reply within 0.1 s\n"
    assert not done.stderr


def test_a_thread_is_free_again_when_its_call_is_done() -> None:
    """WHEN the next call is made at the very moment that one is done THEN no thread is started for it."""
    threads, finished = DaemonThreadPool(), threading.Event()
    used: list[int] = []

    def work() -> None:
        used.append(threading.get_ident())

    threads.start(work, lambda _: threads.start(work, lambda _: finished.set()))
    assert finished.wait(30)
    assert len({*used}) == 1


def test_closing_waits_for_work_under_way_and_for_none_that_was_given_up() -> None:
    """Also for work that fails, and for work that other work starts."""
    threads, release, ended = DaemonThreadPool(), threading.Event(), list[str]()

    def inner() -> None:
        release.wait(30)
        ended.append("inner")

    def fail() -> None:
        threads.start(inner)
        ended.append("outer")
        raise ValueError

    never = threading.Event()
    hanging = threads.start(never.wait)
    with pytest.raises(LeftBehindError):
        hanging.result(Deadline.after(0.05))
    threads.start(fail)
    threading.Timer(0.2, release.set).start()

    threads.close()

    assert ended == ["outer", "inner"]
    assert not threads.under_way
    never.set()


def test_closing_does_not_wait_for_work_that_an_interrupt_kept_from_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN Ctrl-C while a thread is started WHEN the threads are closed THEN they end, and so does the new one."""
    pool, start, begun = DaemonThreadPool(), threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        begun.append(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.start(lambda: None)
    assert not pool.under_way
    pool.close()
    begun[0].join(30)
    assert not begun[0].is_alive()
    assert pool.start(lambda: 7).result() == 7
