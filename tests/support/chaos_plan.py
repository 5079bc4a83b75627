"""The plan of a chaos run, and its figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from alicloud_local import FaultKind


@dataclass(frozen=True)
class Plan:
    """Number of jobs, and their faults. `lanes` is the number of functions at work at the same time.

    `http_lanes` of them answer HTTP requests, with one event each. The others get batches, with as many events at most
    as s.yaml hands over at once. Processes are killed one by one, each after a number of calls between the two of
    `kill_every`: a batch that needs many more calls than that would come again for ever. Of every `storm_every`
    seconds, the first `storm_seconds` are a storm: every service answers every call with "too many calls".
    At least `least_kills` processes are killed, there are at least `least_storms`, and each of `kinds` happens to a
    call. `timeout` and `timer_every` are in seconds.
    """

    jobs: int
    seed: int
    largest_batch: int = 20
    lanes: int = 4
    http_lanes: int = 2
    timeout: int = 12
    kill_every: tuple[int, int] = (250, 500)
    timer_every: float = 4.0
    storm_seconds: float = 10.0
    storm_every: float = 60.0
    least_kills: int = 0
    least_storms: int = 0
    kinds: frozenset[FaultKind] = frozenset()


FEWEST = Plan(
    jobs=8,
    seed=4,
    lanes=2,
    http_lanes=1,
    timeout=5,
    kill_every=(30, 60),
    timer_every=0.5,
    storm_seconds=1.0,
    storm_every=5.0,
    least_kills=1,
    least_storms=1,
)
"""A plan of some seconds."""
FEW = Plan(
    jobs=40,
    seed=20260302,
    lanes=4,
    http_lanes=2,
    timeout=5,
    kill_every=(60, 140),
    timer_every=1.0,
    storm_seconds=2.0,
    storm_every=12.0,
    least_kills=2,
    least_storms=2,
)
"""A plan of a minute, with storms of throttling."""


@dataclass
class Figures:
    """Figures of a run. `requests` are HTTP requests with one event each; `batches` have the other events.

    The log begins with `quiet_log_bytes` of the run without faults.
    """

    batches: int = 0
    events: int = 0
    requests: int = 0
    sent_again: int = 0
    lost_over_http: int = 0
    kills: int = 0
    given_back: int = 0
    timers: int = 0
    timers_that_failed: int = 0
    quiet_calls: int = 0
    quiet_log_bytes: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    storms: int = 0
    calls_in_storms: int = 0
    parked: int = 0
    parked_at_most: int = 0
    noted: int = 0
    by_a_person: int = 0
    looked_up_again: int = 0
    told: int = 0
    told_twice: int = 0
    longest_seconds: float = 0.0
    longest_request_seconds: float = 0.0
    quiet_seconds: float = 0.0
    seconds: float = 0.0
