from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ice_result.core.calls import RateLimiter, ServiceCaller, call_within
from ice_result.core.deadline import Deadline, current_deadline
from ice_result.errors import (
    IceResultError,
    InvalidResponseError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from support.fake_clock import FakeTime, limited


def fake_caller(fake_time: FakeTime, attempts: int = 5) -> ServiceCaller:
    return ServiceCaller(
        "ICE", attempts=attempts, clock=fake_time.clock, jitter=lambda: 1.0, rate=RateLimiter(fake_time.clock)
    )


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


def test_parts_of_a_deadline_are_of_the_same_time() -> None:
    """A share of what is left, and a number of seconds at most: both pass by the clock of the whole."""
    fake_time = FakeTime()
    deadline = Deadline.after(10, fake_time.clock)
    fake_time.sleep(2)
    for part, seconds in ((deadline.part(0.5), 4), (deadline.within(3), 3), (deadline.within(100), 8)):
        assert part.left() == seconds
        assert part.clock is fake_time.clock


def test_a_deadline_without_a_clock_is_real() -> None:
    """By default time is the machine's."""
    before = time.monotonic()
    deadline = Deadline.after(10)
    assert before + 10 <= deadline.at <= time.monotonic() + 10


def test_call_within_hands_back_value_and_error() -> None:
    """What the call returns or raises comes out in the caller's thread."""
    assert call_within(5, lambda: 42, service="ICE", operation="try") == 42
    with pytest.raises(ZeroDivisionError):
        call_within(5, lambda: 1 / 0, service="ICE", operation="try")


def test_call_within_leaves_a_call_behind_that_takes_too_long() -> None:
    """GIVEN a call that hangs WHEN its time is over THEN the caller goes on at once."""
    release, ended = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait()
        ended.set()

    with pytest.raises(TimedOutError, match=r"ICE: try: no complete reply within 0\.1 s"):
        call_within(0.1, hang, service="ICE", operation="try")
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
        call_within(100, hang, service="ICE", operation="try", clock=fake_time.clock)
    release.set()


def test_an_attempt_that_hangs_leaves_time_for_others() -> None:
    """An attempt has the time of an attempt, or six tenths of what is left, but a second at least."""
    asked: list[float] = []
    fake_time = FakeTime()

    def hang() -> None:
        left = current_deadline().left()
        asked.append(round(left, 2))
        fake_time.move(left)
        raise TimedOutError("try", service="ICE")

    caller = replace(fake_caller(fake_time), jitter=lambda: 0.0)
    with pytest.raises(TimedOutError):
        limited(Deadline.after(20, fake_time.clock), lambda: caller.call("try", hang))
    assert asked == [10.0, 6.0, 2.4, 1.0, 0.6]


def test_call_within_does_not_begin_without_time() -> None:
    """A deadline that has passed sends no request that nobody would read the answer of."""
    called = threading.Event()
    with pytest.raises(TimedOutError, match="no time was left"):
        call_within(0.0, called.set, service="ICE", operation="try")
    assert not called.wait(0.05)


def test_transient_errors_are_tried_again_with_growing_pauses() -> None:
    """0.2 s doubles with every attempt, up to the longest."""
    fake_time = FakeTime()
    call = failing(unavailable(), InvalidResponseError("no job"), unavailable(), None)
    assert fake_caller(fake_time).call("try", call) == "answer"
    assert fake_time.slept == [0.2, 0.4, 0.8]


def test_pauses_do_not_grow_beyond_the_longest() -> None:
    """However many attempts there are, no pause exceeds `longest_backoff_seconds`."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time, attempts=8), longest_backoff_seconds=1.0)
    with pytest.raises(UnavailableError):
        caller.call("try", failing(*[unavailable() for _ in range(8)]))
    assert fake_time.slept == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]


def test_jitter_spreads_the_pauses() -> None:
    """Full jitter: a pause is anything between nothing and its ceiling."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time), jitter=lambda: 0.25)
    caller.call("try", failing(unavailable(), None))
    assert fake_time.slept == [0.05]


@pytest.mark.parametrize("kind", [RejectedError, NotFoundError])
def test_permanent_errors_are_raised_at_once(kind: type[RejectedError | NotFoundError]) -> None:
    """What will not change by asking again is not asked again."""
    fake_time = FakeTime()
    with pytest.raises(kind):
        fake_caller(fake_time).call("try", failing(kind("try", service="ICE")))
    assert fake_time.slept == []


def test_defects_are_not_retried() -> None:
    """An error that is not ours is a mistake in the program: it comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        fake_caller(FakeTime()).call("try", lambda: 1 // 0)


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    """Three attempts are three calls."""
    fake_time = FakeTime()
    last = throttled()
    with pytest.raises(ThrottledError) as raised:
        fake_caller(fake_time, attempts=3).call("try", failing(unavailable(), unavailable(), last))
    assert raised.value is last


def test_no_pause_outlasts_the_deadline() -> None:
    """GIVEN a pause longer than what is left WHEN a call fails THEN its error is raised without waiting."""
    fake_time = FakeTime()
    with pytest.raises(UnavailableError):
        limited(
            Deadline.after(0.15, fake_time.clock), lambda: fake_caller(fake_time).call("try", failing(unavailable()))
        )
    assert fake_time.slept == []


def test_a_passed_deadline_calls_nothing() -> None:
    """Without time there is no call, and no retry."""
    fake_time = FakeTime()
    with pytest.raises(TimedOutError):
        limited(Deadline.after(0, fake_time.clock), lambda: fake_caller(fake_time).call("try", failing()))


def test_the_service_says_how_long_to_wait() -> None:
    """A pause asked for is kept, when it is longer than ours."""
    fake_time = FakeTime()
    caller = fake_caller(fake_time)
    caller.call("try", failing(throttled(3.0), None))
    assert fake_time.slept == [3.0]
    with pytest.raises(ThrottledError):
        limited(Deadline.after(60, fake_time.clock), lambda: caller.call("try", failing(throttled(100.0))))


def test_a_pause_that_cannot_be_waited_for_stops_no_later_call() -> None:
    """GIVEN a service that asks for an hour WHEN another call comes after that THEN it is made at once."""
    fake_time = FakeTime()
    caller = fake_caller(fake_time)
    with pytest.raises(ThrottledError):
        limited(Deadline.after(60, fake_time.clock), lambda: caller.call("try", failing(throttled(3600.0))))
    assert limited(Deadline.after(1, fake_time.clock), lambda: caller.call("try", failing(None))) == "answer"
    assert fake_time.slept == []


def test_throttling_holds_back_every_thread() -> None:
    """GIVEN one caller is told to wait WHEN another calls THEN it waits for the same moment."""
    fake_time = FakeTime()
    pace = RateLimiter(fake_time.clock)
    pace.throttled(5.0, fake_time.seconds)
    assert pace.take_turn() == 1005.0
    assert fake_time.slept == [5.0]


def throttled_often(fake_time: FakeTime, times: int = 10) -> RateLimiter:
    """A pace after so many calls, one after the other, that were too many."""
    pace = RateLimiter(fake_time.clock)
    for _ in range(times):
        pace.throttled(0.0, fake_time.seconds)
    return pace


@pytest.mark.parametrize(("times", "seconds"), [(1, 0.05), (2, 0.1), (3, 0.2), (6, 1.6), (7, 2.0), (100, 2.0)])
def test_every_throttling_doubles_the_spacing(times: int, seconds: float) -> None:
    """Calls are 50 ms apart after the first throttling, and never more than 2 s."""
    fake_time = FakeTime()
    pace = throttled_often(fake_time, times)
    for _ in range(3):
        pace.take_turn()
    assert fake_time.slept == pytest.approx([seconds] * 2)


def test_calls_under_way_together_slow_the_next_ones_down_once() -> None:
    """GIVEN 32 calls that began at one moment WHEN all of them are throttled THEN the spacing is that of the first."""
    fake_time = FakeTime()
    pace = RateLimiter(fake_time.clock)
    turns = [pace.take_turn() for _ in range(32)]
    fake_time.move(0.02)
    for turn in turns:
        pace.throttled(0.0, turn or 0.0)
    fake_time.move(1)
    for _ in range(2):
        pace.take_turn()
    assert fake_time.slept == pytest.approx([0.05])


def test_after_a_storm_twenty_calls_bring_back_the_speed() -> None:
    """GIVEN the widest spacing WHEN twenty calls go through THEN that takes less than 5 s, and twenty more 0.3 s."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time), rate=throttled_often(fake_time))
    seconds: list[float] = []
    for _ in range(2):
        began = fake_time.seconds
        for _ in range(20):
            caller.call("try", failing(None))
        seconds.append(fake_time.seconds - began)
    assert 2 < seconds[0] < 5
    assert seconds[1] < 0.3


@pytest.mark.parametrize("kind", [RejectedError, NotFoundError])
def test_after_a_storm_refusals_bring_back_the_speed_as_answers_do(kind: type[RejectedError | NotFoundError]) -> None:
    """GIVEN the widest spacing WHEN twenty calls are answered with a lasting refusal THEN that takes less than 5 s."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time), rate=throttled_often(fake_time))
    began = fake_time.seconds
    for _ in range(20):
        with pytest.raises(kind):
            caller.call("try", failing(kind("try", service="ICE")))
    assert 2 < fake_time.seconds - began < 5


def test_after_a_storm_errors_that_pass_bring_back_no_speed() -> None:
    """GIVEN the widest spacing WHEN calls fail as unavailable THEN they stay two seconds apart."""
    fake_time = FakeTime()
    caller = replace(fake_caller(fake_time, attempts=1), rate=throttled_often(fake_time))
    for _ in range(4):
        with pytest.raises(UnavailableError):
            caller.call("try", failing(unavailable()))
    assert fake_time.slept[-3:] == [2.0, 2.0, 2.0]


def test_a_service_that_bears_little_is_not_pushed_again_at_once() -> None:
    """GIVEN a service that took calls 1 s apart but not 0.5 s WHEN calls succeed THEN the spacing shrinks slowly."""
    fake_time = FakeTime()
    pace = throttled_often(fake_time)
    for _ in range(2):
        pace.succeeded(pace.take_turn() or 0.0)  # 2 s, then 1 s apart, then 0.5 s
    pace.throttled(0.0, pace.take_turn() or 0.0)  # that was too much: 1 s again
    fake_time.slept.clear()
    for _ in range(4):
        pace.succeeded(pace.take_turn() or 0.0)
    assert [round(pause, 2) for pause in fake_time.slept] == [1.0, 0.93, 0.86, 0.8]


def test_a_throttling_is_forgotten_after_ten_seconds_of_success() -> None:
    """Then calls are not spaced at all."""
    fake_time = FakeTime()
    pace = throttled_often(fake_time, 1)
    for _ in range(60):
        pace.succeeded(pace.take_turn() or 0.0)
    fake_time.move(10)
    pace.succeeded(pace.take_turn() or 0.0)
    fake_time.slept.clear()
    for _ in range(20):
        pace.succeeded(pace.take_turn() or 0.0)
    assert fake_time.slept in ([], pytest.approx([0.0025]))


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.9, 2.9])
def test_a_turn_that_cannot_be_waited_for_is_not_taken(seconds: float) -> None:
    """GIVEN calls 2 s apart WHEN a thousand come that cannot wait for the next turn THEN none of them moves it.

    A turn must leave a second for the call: one with 2.9 s left cannot wait for 2 s.
    """
    fake_time = FakeTime()
    pace = throttled_often(fake_time)
    pace.take_turn()
    for _ in range(1000):
        assert limited(Deadline.after(seconds, fake_time.clock), pace.take_turn) is None
    assert fake_time.slept == []
    assert pace.take_turn() == 1002.0


def test_a_call_without_a_turn_is_refused_as_throttled_and_not_made() -> None:
    """The reason is the service's, and the message says that nothing was called."""
    fake_time = FakeTime()
    caller = fake_caller(fake_time)
    caller.rate.throttled(5.0, fake_time.seconds)
    with pytest.raises(
        ThrottledError,
        match=r"^ICE: try: not called: the service throttles calls, and no call is allowed before the time limit$",
    ):
        limited(Deadline.after(1.2, fake_time.clock), lambda: caller.call("try", failing()))
    fake_time.move(5)
    assert limited(Deadline.after(1.2, fake_time.clock), lambda: caller.call("try", failing(None))) == "answer"


def test_a_thread_in_the_line_does_not_outwait_its_deadline() -> None:
    """GIVEN one who waits for the next turn WHEN another stands behind it THEN that one goes when its time is over."""
    in_line, release, fake_time = threading.Event(), threading.Event(), FakeTime()

    def sleep(_: float) -> None:
        in_line.set()
        release.wait(30)

    clock = replace(fake_time.clock, sleep=sleep)
    pace = RateLimiter(clock)
    pace.throttled(1.0, fake_time.seconds)
    first = threading.Thread(target=pace.take_turn)
    first.start()
    assert in_line.wait(30)
    fake_time.move(1.0)  # the next turn is in time now, but it is that of the first in the line
    assert limited(Deadline.after(0.05, clock), pace.take_turn) is None
    release.set()
    first.join()


def test_a_success_from_before_the_throttling_shortens_nothing() -> None:
    """GIVEN calls under way together WHEN one is throttled and the others succeed THEN the spacing stays."""
    fake_time = FakeTime()
    pace = RateLimiter(fake_time.clock)
    turns = [pace.take_turn() or 0.0 for _ in range(8)]
    fake_time.move(0.02)
    pace.throttled(0.0, turns[0])
    for turn in turns[1:]:
        pace.succeeded(turn)
    fake_time.move(1)
    for _ in range(2):
        pace.take_turn()
    assert fake_time.slept == pytest.approx([0.05])


def test_a_throttling_is_remembered_for_ten_seconds() -> None:
    """GIVEN the shortest spacing soon after a throttling WHEN calls succeed THEN they stay 2.5 ms apart."""
    fake_time = FakeTime()
    pace = throttled_often(fake_time, 1)
    for _ in range(60):
        pace.succeeded(pace.take_turn() or 0.0)
    assert fake_time.slept[-3:] == pytest.approx([0.0025] * 3)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """GIVEN one call that is to wait 5 s WHEN another is told to wait 1 s THEN nobody calls for 5 s."""
    fake_time = FakeTime()
    pace = RateLimiter(fake_time.clock)
    pace.throttled(5.0, fake_time.seconds)
    pace.throttled(1.0, fake_time.seconds)
    assert pace.take_turn() == 1005.0


def test_a_call_that_gets_no_second_turn_ends_with_what_the_service_said() -> None:
    """GIVEN a throttled call WHEN its next turn would leave no time THEN the service's own words are raised."""
    fake_time = FakeTime()
    told = throttled(2.5)
    with pytest.raises(ThrottledError) as raised:
        limited(Deadline.after(3, fake_time.clock), lambda: fake_caller(fake_time).call("try", failing(told)))
    assert raised.value is told


def test_who_comes_to_the_head_of_the_line_too_late_takes_no_turn() -> None:
    """GIVEN one who waits behind another WHEN the next turn after that is too late THEN it has none, at once."""
    in_line, release, fake_time = threading.Event(), threading.Event(), FakeTime()

    def sleep(seconds: float) -> None:
        in_line.set()
        release.wait(30)
        fake_time.move(seconds)

    clock = replace(fake_time.clock, sleep=sleep)
    pace = RateLimiter(clock)
    for _ in range(10):
        pace.throttled(1.0, fake_time.seconds)
    first = threading.Thread(target=pace.take_turn)
    first.start()
    assert in_line.wait(30)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(limited, Deadline.after(3, clock), pace.take_turn)
        release.set()
        first.join()
        assert second.result(30) is None


def test_many_threads_share_one_pace() -> None:
    """GIVEN 16 threads and 50 ms between calls WHEN all call at one moment THEN each has a turn of its own."""
    fake_time = FakeTime()
    pace = throttled_often(fake_time, 1)
    together = threading.Barrier(16)

    def turn(_: int) -> float | None:
        together.wait(30)
        return limited(Deadline.after(10, fake_time.clock), pace.take_turn)

    with ThreadPoolExecutor(16) as pool:
        turns = sorted(turn or 0.0 for turn in pool.map(turn, range(16)))
    assert turns == pytest.approx([1000 + 0.05 * number for number in range(16)])
