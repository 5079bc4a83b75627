"""HTTP callbacks of ICE: an answer within two seconds in every case, and one write for each job.

ICE waits three seconds for an answer, and sends the event twice more; then the event is lost [documented].

    0 s            1.2 s           1.7 s      1.9 s
    │ work on jobs │ park the rest │          │ 503: ICE sends the event again, a call that hangs is left behind
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import NamedTuple

from ice_result.core import json_text
from ice_result.core.calls import call_within
from ice_result.core.deadline import Deadline
from ice_result.core.types import JsonObject
from ice_result.errors import TimedOutError, UnavailableError
from ice_result.processing.batch import BatchReport, JobOutcome, Pipeline, RunContext
from ice_result.triggers import Ignored, JobEvent, ParkableEvent, Triggered, TriggerEvent

LIMIT_SECONDS = 1.9
_WORKING_SECONDS = 1.2
_PARKING_SECONDS = 0.5
_REMEMBERED_SECONDS = 300.0
_DELIVERIES = 3  # ICE sends an event up to three times [documented]
_OK, _METHOD_NOT_ALLOWED, _INTERNAL_ERROR, _UNAVAILABLE = 200, 405, 500, 503


class _Seen(NamedTuple):
    """Time of the last delivery of an event, and the number of further deliveries that are processed."""

    at: float
    deliveries_left: int


class ReplayCache:
    """Memory of the events that one instance has processed over HTTP in the last five minutes, at most `most` of them.

    A captured request can be sent again while its signature is valid. It is processed once, and then ignored. A job
    that was parked is tried again at each delivery by ICE, three in all, and then ignored as well.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def add(self, event: ParkableEvent, now: float, *, parked: bool = False) -> None:
        """Remember that an event was processed. `now` is in seconds, always of the same clock."""
        before = self._recent(event, now)
        left = (before.deliveries_left if before else _DELIVERIES) - 1 if parked and isinstance(event, JobEvent) else 0
        key = _key(event)
        self._seen.pop(key, None)
        self._seen[key] = _Seen(now, left)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def knows(self, event: ParkableEvent, now: float) -> bool:
        """Return True for a job, or a body without a job id, that needs no more work."""
        seen = self._recent(event, now)
        return seen is not None and seen.deliveries_left <= 0

    def _recent(self, event: ParkableEvent, now: float) -> _Seen | None:
        seen = self._seen.get(_key(event))
        return seen if seen and now - seen.at < _REMEMBERED_SECONDS else None


class CallbackResponder:
    """Answers the HTTP requests of one instance, one after the other."""

    def __init__(self) -> None:
        self._recent = ReplayCache()

    def answer(
        self, pipeline: Pipeline, triggered: Triggered, limit: Deadline, request_id: str
    ) -> tuple[int, BatchReport]:
        """Process the events of a request. Returns the HTTP status and the outcomes by `limit`, or 503 at the limit.

        200 means that every event is recorded, ignored or parked, and need not be sent again. A request that was
        refused has the status of its refusal.
        """
        if triggered.status:
            return triggered.status, BatchReport(jobs=())
        events = [self._unless_known(event, limit.clock.now()) for event in triggered.events]
        end = limit.within(_WORKING_SECONDS)
        run = RunContext(lambda: end, lambda: Deadline.after(_PARKING_SECONDS, limit.clock), request_id)
        try:
            report = call_within(
                limit.left(),
                lambda: pipeline.report(events, run),
                service="ice-result",
                operation="answer over HTTP",
                clock=limit.clock,
            )
        except (TimedOutError, UnavailableError) as error:
            return _UNAVAILABLE, BatchReport(jobs=(JobOutcome(job_id=None, outcome="failed", reason=str(error)),))
        return self._remember(events, report, limit.clock.now()), report

    def _unless_known(self, event: TriggerEvent, now: float) -> TriggerEvent:
        if isinstance(event, Ignored) or not self._recent.knows(event, now):
            return event
        name = f"job {event.job_id}" if isinstance(event, JobEvent) else "this message"
        reason = f"{name} was already processed over HTTP less than {_REMEMBERED_SECONDS:.0f} s ago"
        return Ignored(event_type=event.event_type, event_id=event.event_id, reason=reason)

    def _remember(self, events: list[TriggerEvent], report: BatchReport, now: float) -> int:
        """Remember all events, or none when one of them failed. Returns the status of the answer."""
        if report.count("failed"):
            return _INTERNAL_ERROR
        for event in events:
            if not isinstance(event, Ignored):
                self._recent.add(event, now, parked=report.count("parked") > 0)
        return _OK


def response(status: int, body: JsonObject) -> JsonObject:
    """Make the full response of an HTTP trigger. The platform takes a shorter form for the body itself."""
    allowed: JsonObject = {"Allow": "POST"} if status == _METHOD_NOT_ALLOWED else {}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **allowed},
        "isBase64Encoded": False,
        "body": json.dumps(body, ensure_ascii=False),
    }


def _key(event: ParkableEvent) -> str:
    if isinstance(event, JobEvent):
        return f"job {event.job_id}"
    return hashlib.sha256(json_text.dump(event.payload).encode()).hexdigest()
