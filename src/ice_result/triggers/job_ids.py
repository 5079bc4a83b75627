"""From a value to a job id, or to the words for what is wrong with it."""

from __future__ import annotations

from ice_result.redaction import clean
from ice_result.triggers.envelope import describe, label
from ice_result.triggers.keys import MISSING, Missing, at_pointer
from ice_result.triggers.model import JobEvent, Malformed
from ice_result.values import JobId, JsonObject, JsonValue

__all__ = ["LONGEST_JOB_ID", "function_name", "job_event", "lookup", "without_blanks"]

LONGEST_JOB_ID = 128
_BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_BLANKS += "\u2028\u2029\u202f\u205f\u3000" + "\u200b\u200c\u200d\u2060\ufeff"
"""White space, and what has no width: it comes along when an id is copied from a page."""
_EXPECTED = f"expected a job id, a text of 1 to {LONGEST_JOB_ID} printable characters"


def job_event(value: JsonValue, field: str) -> JobEvent | Malformed:
    """The event for the job id `value`, which lay in `field`; Malformed when it cannot be one.

    Blanks around an id are no part of it.
    """
    value = without_blanks(value) if isinstance(value, str) else value
    flaw = _flaw(value) if isinstance(value, str) else ""
    if isinstance(value, str) and 1 <= len(value) <= LONGEST_JOB_ID and not flaw:
        return JobEvent(job_id=JobId(value))
    found = describe(value) + flaw
    return Malformed(reason=f"{field}: found {found}; {_EXPECTED}")


def without_blanks(text: str) -> str:
    """`text` without the blanks around it, of every kind, and without what has no width there."""
    return text.strip(_BLANKS)


def _flaw(text: str) -> str:
    """What is wrong in a text, whatever its length. Job ids are written and logged: no secret may be one."""
    if not text.isprintable():
        return ", some of them unprintable"
    return " with a secret" if clean(text) != text else ""


def function_name(message: JsonObject) -> str | None:
    """What an event calls the function of its job: a hint, since the body of the event is not published [inferred]."""
    for pointer in ("/MessageBody/FunctionName", "/FunctionName"):
        value = at_pointer(message, pointer)
        if isinstance(value, str) and value.strip():
            return label(value)
    return None


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
