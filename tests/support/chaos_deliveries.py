"""Deliveries to the functions of a chaos run: batches from a queue, and HTTP requests with one event each."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from support.callback_requests import callback
from support.chaos_plan import Plan
from support.forked_functions import ForkedFunctions

OVER_HTTP = 0.5
"""The share of events that come over HTTP: the lanes for it then take about as long as the others [measured]."""
HTTP_DELIVERIES = 3
"""ICE sends an event once and twice more; then it is lost (documented)."""

_MOST_BETWEEN = 4
"""How many other requests come before one is sent again, at most: ICE sends it again soon [assumed]."""


@dataclass(frozen=True)
class Delivery:
    """Payload of one invocation: a batch of messages about jobs, or an HTTP request about one job.

    `left` is how often ICE still sends the request.
    """

    job_ids: tuple[str, ...]
    over_http: bool = False
    left: int = HTTP_DELIVERIES

    @property
    def event(self) -> object:
        """Make a signed request, or messages of an MNS queue by EventBridge, every third of them as ICE's event."""
        if self.over_http:
            return callback(self.job_ids[0], timestamp=int(time.time()))
        return [_message(number, job_id) for number, job_id in enumerate(self.job_ids)]


@dataclass(eq=False)
class Lane:
    """A function. `process_id` is that of its process while it is at work."""

    functions: ForkedFunctions
    over_http: bool = False
    process_id: int | None = None


class Deliveries:
    """Queue of deliveries, and the lanes at work. Any number of threads may use it."""

    def __init__(self, seed: int) -> None:
        self.problems: list[str] = []
        self._moments = random.Random(seed)  # noqa: S311  repeatable
        self._left: dict[bool, list[Delivery]] = {False: [], True: []}
        self._at_work: set[Lane] = set()
        self._change = threading.Condition()

    def shown(self) -> str:
        """Number of deliveries that are left, as a text."""
        return f"{len(self._left[False])} batches and {len(self._left[True])} requests"

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Append deliveries."""
        with self._change:
            for delivery in deliveries:
                self._left[delivery.over_http].append(delivery)

    def next(self, lane: Lane) -> Delivery | None:
        """Return the next delivery for a lane; None when no delivery is left and no lane can give one back."""
        left = self._left[lane.over_http]
        with self._change:
            while not left or self.problems:
                if self.problems or not (self._at_work or any(self._left.values())):
                    self._change.notify_all()
                    return None
                self._change.wait(1.0)
            self._at_work.add(lane)
            return left.pop(0)

    def ended(self, lane: Lane, again: Delivery | None) -> None:
        """Note that the delivery of a lane has ended; `again` is delivered later."""
        with self._change:
            self._at_work.discard(lane)
            if again is not None:
                left = self._left[again.over_http]
                latest = min(len(left), _MOST_BETWEEN) if again.over_http else len(left)
                left.insert(self._moments.randint(0, latest), again)
            self._change.notify_all()


def batches(job_ids: Sequence[str], size: int) -> list[Delivery]:
    """Make batches of all jobs, in order."""
    return [Delivery(tuple(part)) for part in _parts(job_ids, [size])]


def shuffled(job_ids: Sequence[str], plan: Plan, chance: random.Random) -> list[Delivery]:
    """Make batches of all sizes and requests; every fourth event comes twice, every tenth batch twice at once."""
    events = [*job_ids, *chance.sample(job_ids, len(job_ids) // 4)]
    chance.shuffle(events)
    over_http = [plan.http_lanes > 0 and chance.random() < OVER_HTTP for _ in events]
    requests = [Delivery((job_id,), over_http=True) for job_id, http in zip(events, over_http, strict=True) if http]
    others = [job_id for job_id, http in zip(events, over_http, strict=True) if not http]
    largest = max(2, min(plan.largest_batch, plan.jobs // 5))
    parts = _parts(others, [chance.randint(1, largest) for _ in others])
    twice = [(Delivery(tuple(part)), chance.random() < 0.1) for part in parts]
    return [*requests, *(batch for batch, again in twice for _ in range(1 + again))]


def after_failure(delivery: Delivery) -> Delivery:
    """Return the next form of the delivery: after the last request, the event comes through the queue."""
    if not delivery.over_http:
        return delivery
    return replace(delivery, left=delivery.left - 1) if delivery.left > 1 else Delivery(delivery.job_ids)


def _message(number: int, job_id: str) -> object:
    event = {"EventType": "AIProduceComplete", "MessageBody": {"JobId": job_id}}
    body = json.dumps(event)
    return event if number % 3 == 0 else {"requestId": "R", "messageId": f"M-{job_id}", "messageBody": body}


def _parts(items: Sequence[str], sizes: Sequence[int]) -> Iterator[Sequence[str]]:
    """Yield slices of these sizes; the last size applies to the rest."""
    begin, number = 0, 0
    while begin < len(items):
        size = sizes[min(number, len(sizes) - 1)]
        yield items[begin : begin + size]
        begin, number = begin + size, number + 1
