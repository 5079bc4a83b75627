"""What is logged: one JSON object a line, a line for what became of each event and one for the whole invocation.

The lines go to the logger `ice_result.event_log`: through the platform's own handler in the function, nowhere on the
command line, and with a library's user wherever he sends them. Nothing of an event's payload is in them but its ids,
and every text goes through `redact`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ice_result.core.calls import Retries
from ice_result.core.json_text import dump, valid_text
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import shorten

_LEVELS = {"parked": logging.WARNING, "failed": logging.ERROR}
_log = logging.getLogger("ice_result.event_log")
_log.addHandler(logging.NullHandler())  # without it, Python would print warnings that nobody asked for


class StageTimer:
    """How long each stage took: `<stage>_seconds` by stage, and `seconds` in all."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """Time what is done inside, whether it succeeds or not."""
        began = self._now()
        try:
            yield
        finally:
            self._stages[f"{stage}_seconds"] = self._now() - began

    @property
    def stages(self) -> JsonObject:
        """To the millisecond."""
        whole = {"seconds": self._now() - self._began, **self._stages}
        return {name: round(seconds, 3) for name, seconds in whole.items()}


def write_job(outcome: str, facts: JsonObject, timer: StageTimer, retries: Retries) -> None:
    """The line of one event that has come to its end. `facts` are its ids and the reason, by name."""
    line: JsonObject = {"kind": "job", "outcome": outcome, **facts, **timer.stages, "retries": retries.count}
    _write(_LEVELS.get(outcome, logging.INFO), line)


def write_invocation(facts: JsonObject, timer: StageTimer, *, level: int = logging.INFO) -> None:
    """The line of one call of the function."""
    _write(level, {"kind": "invocation", **facts, **timer.stages})


def _write(level: int, line: JsonObject) -> None:
    if _log.isEnabledFor(level):
        _log.log(level, "%s", dump({name: _shown(value) for name, value in line.items() if value is not None}))


def _shown(value: JsonValue) -> JsonValue:
    return shorten(valid_text(value)) if isinstance(value, str) else value
