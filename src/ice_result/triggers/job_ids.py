"""From a value to a job id, or to the words for what is wrong with it."""

from __future__ import annotations

from ice_result.triggers.envelope import describe
from ice_result.triggers.keys import MISSING, Missing, at_pointer
from ice_result.triggers.model import JobEvent, Malformed
from ice_result.values import JobId, JsonObject, JsonValue

__all__ = ["LONGEST_JOB_ID", "job_event", "lookup"]

LONGEST_JOB_ID = 128
_EXPECTED = f"expected a job id, a text of 1 to {LONGEST_JOB_ID} printable characters"


def job_event(value: JsonValue, field: str) -> JobEvent | Malformed:
    """The event for the job id `value`, which lay in `field`; Malformed when it cannot be one."""
    if isinstance(value, str) and 1 <= len(value) <= LONGEST_JOB_ID and value.isprintable():
        return JobEvent(job_id=JobId(value))
    unprintable = isinstance(value, str) and not value.isprintable()
    found = describe(value) + (", some of them unprintable" if unprintable else "")
    return Malformed(reason=f"{field}: found {found}; {_EXPECTED}")


def lookup(message: JsonObject, pointers: tuple[str, ...]) -> JobEvent | Malformed | Missing:
    """The event for the first good job id at `pointers`; else the first bad one's problem; else MISSING."""
    problem: Malformed | Missing = MISSING
    for pointer in pointers:
        value = at_pointer(message, pointer)
        if isinstance(value, Missing):
            continue
        event = job_event(value, pointer)
        if isinstance(event, JobEvent):
            return event
        problem = event if isinstance(problem, Missing) else problem
    return problem
