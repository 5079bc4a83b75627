from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ice_result.calls import Caller, Clock, Deadline, Pace, call_within
from ice_result.errors import (
    IceResultError,
    InvalidResponseError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from support.fake_clock import FakeTime


def fake_caller(fake_time: FakeTime, attempts: int = 5) -> Caller:
    return Caller("ICE", attempts=attempts, clock=fake_time.clock, jitter=lambda: 1.0, pace=Pace(fake_time.clock))


def failing(*errors: IceResultError | None) -> Callable[[], str]:
    """A call that raises these in turn, or answers where there is None."""
    turns: Iterator[IceResultError | None] = iter(errors)

    def call() -> str:
        error = next(turns)
        if error is not None:
            raise error
        return "answer"

    return call


def unavailable() -> UnavailableError:
    return UnavailableError("try", service="ICE")


def throttled(retry_after_seconds: float | None = None) -> ThrottledError:
    return ThrottledError("try", service="ICE", retry_after_seconds=retry_after_seconds)


def test_a_deadline_counts_down_to_zero() -> None:
    """What is left shrinks with time, and is never negative."""
    fake_time = FakeTime()
    deadline = Deadline.after(10, fake_time.clock)
    fake_time.sleep(4)
    assert deadline.left() == 6
    fake_time.sleep(100)
    assert deadline.left() == 0


def test_a_deadline_without_a_clock_is_real() -> None:
    """By default time is the machine's."""
    before = time.monotonic()
    deadline = Deadline.after(10)
    assert before + 10 <= deadline.at <= time.monotonic() + 10


def test_call_within_hands_back_value_and_error() -> None:
    """What the call returns or raises comes out in the caller's thread."""
    assert call_within(5, lambda: 42, service="ICE", tried="try") == 42
    with pytest.raises(ZeroDivisionError):
        call_within(5, lambda: 1 / 0, service="ICE", tried="try")


def test_call_within_leaves_a_call_behind_that_takes_too_long() -> None:
    """GIVEN a call that hangs WHEN its time is over THEN the caller goes on at once."""
    release, ended = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait()
        ended.set()

    with pytest.raises(TimedOutError, match=r"ICE: try: no complete reply within 0\.1 s"):
        call_within(0.1, hang, service="ICE", tried="try")
    assert not ended.is_set()
    release.set()
    assert ended.wait(30)


def test_call_within_waits_by_the_clock_it_is_given() -> None:
    """GIVEN a clock that stands still WHEN a call hangs THEN it is given up as soon as the clock has moved."""
    fake_time, release = FakeTime(), threading.Event()

    def hang() -> None:
        fake_time.move(100)
        release.wait()

    with pytest.raises(TimedOutError, match="no complete reply within 100"):
        call_within(100, hang, service="ICE", tried="try", clock=fake_time.clock)
    release.set()


def test_an_attempt_that_hangs_leaves_time_for_others() -> None:
    """An attempt has the time of an attempt, or six tenths of what is left, but a second at least."""
    asked: list[float] = []

    def give_up(_: threading.Event, seconds: float) -> bool:
        asked.append(round(seconds, 2))
        fake_time.move(seconds)
        return False

    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time), clock=replace(fake_time.clock, wait=give_up), jitter=lambda: 0.0)
    with pytest.raises(TimedOutError):
        caller.call("try", lambda: None, Deadline.after(20, fake_time.clock))
    assert asked == [10.0, 6.0, 2.4, 1.0, 0.6]


def test_call_within_does_not_begin_without_time() -> None:
    """A deadline that has passed sends no request that nobody would read the answer of."""
    called = threading.Event()
    with pytest.raises(TimedOutError, match="no time was left"):
        call_within(0.0, called.set, service="ICE", tried="try")
    assert not called.wait(0.05)


def test_transient_errors_are_tried_again_with_growing_pauses() -> None:
    """0.2 s doubles with every attempt, up to the longest."""
    fake_time = FakeTime()
    call = failing(unavailable(), InvalidResponseError("no job"), unavailable(), None)
    assert fake_caller(fake_time).call("try", call, Deadline.after(60, fake_time.clock)) == "answer"
    assert fake_time.slept == [0.2, 0.4, 0.8]


def test_pauses_do_not_grow_beyond_the_longest() -> None:
    """However many attempts there are, no pause exceeds `longest_backoff_seconds`."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time, attempts=8), longest_backoff_seconds=1.0)
    with pytest.raises(UnavailableError):
        caller.call("try", failing(*[unavailable() for _ in range(8)]), Deadline.after(60, fake_time.clock))
    assert fake_time.slept == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]


def test_jitter_spreads_the_pauses() -> None:
    """Full jitter: a pause is anything between nothing and its ceiling."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time), jitter=lambda: 0.25)
    caller.call("try", failing(unavailable(), None), Deadline.after(60, fake_time.clock))
    assert fake_time.slept == [0.05]


@pytest.mark.parametrize("kind", [RejectedError, NotFoundError])
def test_permanent_errors_are_raised_at_once(kind: type[RejectedError | NotFoundError]) -> None:
    """What will not change by asking again is not asked again."""
    fake_time = FakeTime()
    with pytest.raises(kind):
        fake_caller(fake_time).call("try", failing(kind("try", service="ICE")), Deadline.after(60, fake_time.clock))
    assert fake_time.slept == []


def test_defects_are_not_retried() -> None:
    """An error that is not ours is a mistake in the program: it comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        fake_caller(FakeTime()).call("try", lambda: 1 // 0, Deadline.after(60))


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    """Three attempts are three calls."""
    fake_time = FakeTime()
    last = throttled()
    with pytest.raises(ThrottledError) as raised:
        fake_caller(fake_time, attempts=3).call(
            "try", failing(unavailable(), unavailable(), last), Deadline.after(60, fake_time.clock)
        )
    assert raised.value is last


def test_no_pause_outlasts_the_deadline() -> None:
    """GIVEN a pause longer than what is left WHEN a call fails THEN its error is raised without waiting."""
    fake_time = FakeTime()
    with pytest.raises(UnavailableError):
        fake_caller(fake_time).call("try", failing(unavailable()), Deadline.after(0.15, fake_time.clock))
    assert fake_time.slept == []


def test_a_passed_deadline_calls_nothing() -> None:
    """Without time there is no call, and no retry."""
    fake_time = FakeTime()
    with pytest.raises(TimedOutError):
        fake_caller(fake_time).call("try", failing(), Deadline.after(0, fake_time.clock))


def test_the_service_says_how_long_to_wait() -> None:
    """A pause asked for is kept, when it is longer than ours."""
    fake_time = FakeTime()
    caller = fake_caller(fake_time)
    caller.call("try", failing(throttled(3.0), None), Deadline.after(60, fake_time.clock))
    assert fake_time.slept == [3.0]
    with pytest.raises(ThrottledError):
        caller.call("try", failing(throttled(100.0)), Deadline.after(60, fake_time.clock))


def test_throttling_holds_back_every_thread() -> None:
    """GIVEN one caller is told to wait WHEN another calls THEN it waits for the same moment."""
    fake_time = FakeTime()
    pace = Pace(fake_time.clock)
    pace.throttled(5.0)
    pace.wait_turn(Deadline.after(60, fake_time.clock))
    assert fake_time.slept == [5.0]


def test_after_throttling_calls_are_spaced_and_recover() -> None:
    """Every throttling doubles the spacing up to 2 s; every success takes a fifth off, until there is none."""
    fake_time = FakeTime()
    deadline = Deadline.after(1e6, fake_time.clock)
    pace = Pace(fake_time.clock)
    for _ in range(10):
        pace.throttled(0.0)
    pace.wait_turn(deadline)
    pace.wait_turn(deadline)
    assert fake_time.slept == [2.0]
    for _ in range(30):
        pace.succeeded()
    pace.wait_turn(deadline)  # the turn that was given away before
    fake_time.slept.clear()
    for _ in range(5):
        pace.wait_turn(deadline)
    assert fake_time.slept == []


def test_turns_are_not_waited_for_beyond_the_deadline() -> None:
    """A thread whose time ends before its turn stops waiting then."""
    fake_time = FakeTime()
    pace = Pace(fake_time.clock)
    pace.throttled(100.0)
    pace.wait_turn(Deadline.after(2.0, fake_time.clock))
    assert fake_time.slept == [2.0]


def test_many_threads_share_one_pace() -> None:
    """GIVEN 16 threads and 50 ms between calls WHEN all call at one moment THEN each waits for a turn of its own."""
    pauses: list[float] = []
    at_one_moment = Clock(now=lambda: 1000.0, sleep=pauses.append)
    pace = Pace(at_one_moment)
    pace.throttled(0.0)
    together = threading.Barrier(16)

    def turn(_: int) -> None:
        together.wait(30)
        pace.wait_turn(Deadline.after(10, at_one_moment))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(turn, range(16)))
    assert sorted(round(pause, 2) for pause in pauses) == [round(0.05 * number, 2) for number in range(1, 16)]
