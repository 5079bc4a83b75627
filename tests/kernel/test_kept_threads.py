"""Threads for calls that may be left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest

from ice_result import kept_threads
from ice_result.calls import call_within
from ice_result.errors import TimedOutError


@pytest.fixture
def none_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that other tests have left are not taken."""
    monkeypatch.setattr(kept_threads, "_free", deque())


def _call(value: int = 0) -> tuple[int, int]:
    """(the value, the thread that handed it back)."""
    return call_within(30, lambda: (value, threading.get_ident()), service="ICE", tried="try")


def test_the_next_call_runs_in_the_same_thread() -> None:
    """GIVEN calls one after the other THEN no thread is started for each of them."""
    threads = {_call()[1] for _ in range(50)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


@pytest.mark.usefixtures("none_free")
def test_a_thread_that_is_left_behind_serves_again_when_its_call_has_ended() -> None:
    """GIVEN a call that hangs WHEN others follow THEN they run elsewhere; afterwards its thread is taken again."""
    release, hanging = threading.Event(), []

    def hang() -> None:
        hanging.append(threading.get_ident())
        release.wait(30)

    with pytest.raises(TimedOutError):
        call_within(0.1, hang, service="ICE", tried="try")
    other = _call()[1]
    assert other not in hanging
    release.set()
    until = time.monotonic() + 30
    while len(kept_threads._free) < 2:
        assert time.monotonic() < until, "the thread has ended its call, and is not free"
        time.sleep(0.01)
    inner = call_within(30, lambda: (_call()[1], threading.get_ident()), service="ICE", tried="try")
    assert {*inner} == {other, *hanging}


@pytest.mark.usefixtures("none_free")
@pytest.mark.parametrize("seconds", [0.0, 0.001, 60.0])
def test_every_call_of_many_threads_is_made_once_however_short_threads_are_kept(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that is about to end, and one that has just been taken, are not mistaken for each other."""
    monkeypatch.setattr(kept_threads, "_KEPT_SECONDS", seconds)
    with ThreadPoolExecutor(8) as pool:
        values = [value for value, _ in pool.map(_call, range(1000))]
    assert values == [*range(1000)]


@pytest.mark.usefixtures("none_free")
def test_a_thread_without_work_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not needed any more does not stay for ever."""
    monkeypatch.setattr(kept_threads, "_KEPT_SECONDS", 0.01)
    thread = call_within(30, threading.current_thread, service="ICE", tried="try")
    thread.join(30)
    assert not thread.is_alive()
    assert not kept_threads._free


def test_a_fork_starts_threads_of_its_own() -> None:
    """GIVEN a thread kept here WHEN the process forks THEN calls of the child do not wait for it."""
    _call()
    child = os.fork()
    if not child:
        os._exit(_call(7)[0])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_call_that_was_left_behind_does_not_hold_the_end_of_the_process() -> None:
    """A reply that drips for hours must not keep a command from ending."""
    program = (
        "import time\n"
        "from ice_result.calls import call_within\n"
        "try: call_within(0.1, lambda: time.sleep(600), service='ICE', tried='try')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ICE: try: no complete reply within 0.1 s\n"
    assert not done.stderr
