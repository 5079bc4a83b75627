"""The event log: one line of JSON for each event, and one for each invocation.

The lines go to the logger `ice_result.event_log`. In the function, the platform's handler collects them; the command
line shows none; a program that uses the library decides itself. A line has the ids of an event and no other part of
its payload, and every text from an event or a service goes through `redact`.

A field has the name that OpenTelemetry's semantic conventions give it, where there is one: `faas.invocation_id`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ice_result.core.calls import Retries
from ice_result.core.json_text import dump, valid_text
from ice_result.core.types import JsonObject
from ice_result.errors import shorten

_LEVELS = {"parked": logging.WARNING, "failed": logging.ERROR}
EVENT_LOG = "ice_result.event_log"
"""Name of the logger of these lines."""
INVOCATION_ID = "faas.invocation_id"
"""Field with the id of the invocation, which the platform gives it."""
HTTP_STATUS = "http.response.status_code"
_ERROR_TYPE = "error.type"
_log = logging.getLogger(EVENT_LOG)
_log.addHandler(logging.NullHandler())  # without it, Python prints warnings to standard error


class StageTimer:
    """Measures the stages of one event: `<stage>_seconds` for each stage, and `seconds` in all; and counts."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._stages: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """Measure the block, also when it raises."""
        began = self._now()
        try:
            yield
        finally:
            self._stages[f"{stage}_seconds"] = self._now() - began

    def count(self, name: str, number: int) -> None:
        """Add to the count of this name."""
        self._counts[name] = self._counts.get(name, 0) + number

    @property
    def stages(self) -> JsonObject:
        """Measured seconds, rounded to the millisecond, and the counts."""
        whole = {"seconds": self._now() - self._began, **self._stages}
        return {**{name: round(seconds, 3) for name, seconds in whole.items()}, **self._counts}


def write_job(outcome: str, facts: JsonObject, timer: StageTimer, retries: Retries) -> None:
    """Write the line of one event. `facts` are its ids and the reason, by name.

    The reason of an event that could not be finished begins with a token, which gets a field of its own.
    """
    ours: JsonObject = {"kind": "job", "outcome": outcome, **timer.stages, "retries": retries.count}
    if outcome in _LEVELS:
        ours[_ERROR_TYPE] = str(facts.get("reason")).partition(":")[0]
    _write(_LEVELS.get(outcome, logging.INFO), ours, facts)


def write_invocation(ours: JsonObject, facts: JsonObject, timer: StageTimer, *, level: int) -> None:
    """Write the line of one invocation of the function. `ours` are facts of the function itself, and its counts."""
    _write(level, {"kind": "invocation", **ours, **timer.stages}, facts)


def write_input_bucket(bucket: str, problem: str, message: str) -> None:
    """Write the line of a bucket with inputs that cannot be looked up, so that outputs are not compared with them."""
    _write(logging.WARNING, {"kind": "input_bucket", _ERROR_TYPE: problem}, {"bucket": bucket, "reason": message})


def _write(level: int, ours: JsonObject, facts: JsonObject) -> None:
    """Write a line of our own words and numbers, and of facts whose texts may come from outside."""
    if _log.isEnabledFor(level):
        shown: JsonObject = {
            name: shorten(valid_text(value)) if isinstance(value, str) else value
            for name, value in facts.items()
            if value is not None
        }
        _log.log(level, "%s", dump({**ours, **shown}))
