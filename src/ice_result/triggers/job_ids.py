"""Job ids: their form, and the places in a message where they are looked for."""

from __future__ import annotations

from typing import Final

from ice_result.core.redaction import clean
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import NotJsonError
from ice_result.triggers.model import JobEvent, Malformed
from ice_result.triggers.texts import describe, read_text, short_text

LONGEST_JOB_ID = 128
_BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_BLANKS += "\u2028\u2029\u202f\u205f\u3000" + "\u200b\u200c\u200d\u2060\ufeff"
"""White space, and characters without width: an id copied from a page brings them along."""


def job_event(value: JsonValue, field: str) -> JobEvent | Malformed:
    """Make the event of the job id `value`, found in `field`. Malformed where it cannot be a job id.

    Blanks around an id do not belong to it. Ids are written and logged: none may contain a secret.
    """
    flaw = ""
    if isinstance(value, str):
        value = without_blanks(value)
        if not value.isprintable():
            flaw = ", some of them unprintable"
        elif clean(value) != value:
            flaw = " with a secret"
        elif 1 <= len(value) <= LONGEST_JOB_ID:
            return JobEvent(job_id=JobId(value))
    expected = f"a job id, a text of 1 to {LONGEST_JOB_ID} printable characters"
    return Malformed(reason=f"{field}: found {describe(value)}{flaw}; expected {expected}")


def without_blanks(text: str) -> str:
    """Strip blanks of every kind, and characters without width."""
    return text.strip(_BLANKS)


def find_job_id(message: JsonObject, pointers: tuple[str, ...]) -> JobEvent | Malformed | None:
    """Look for a job id at each pointer: the first good one counts, else the problem of the first bad one."""
    problem: Malformed | None = None
    for pointer in pointers:
        value = at_pointer(message, pointer)
        if isinstance(value, Missing):
            continue
        event = job_event(value, pointer)
        if isinstance(event, JobEvent):
            return event
        problem = problem or event
    return problem


def function_name(message: JsonObject) -> str | None:
    """Look for the name of the job's function: a hint, since the body of the event is not published [inferred]."""
    for pointer in ("/MessageBody/FunctionName", "/FunctionName"):
        value = at_pointer(message, pointer)
        if isinstance(value, str) and value.strip():
            return short_text(value)
    return None


class Missing:
    """The type of MISSING, the sign for no value, which differs from null."""


MISSING: Final = Missing()


def at_pointer(message: JsonValue, pointer: str) -> JsonValue | Missing:
    """Follow an RFC 6901 pointer, also into strings that are JSON themselves. MISSING for an invalid pointer.

    Keys are compared without regard to case: neither the body of the event nor its spelling is published.
    """
    first, *tokens = pointer.split("/")
    if first:
        return MISSING
    value: JsonValue | Missing = message
    for token in tokens:
        if isinstance(value, str):
            try:
                value = read_text(value)
            except NotJsonError:
                return MISSING
        match value:
            case dict():
                value = value_of(value, token.replace("~1", "/").replace("~0", "~"))
            case list() if token.isdecimal() and token.isascii() and str(int(token[:9])) == token:
                value = value[int(token)] if int(token) < len(value) else MISSING
            case _:
                return MISSING
    return value


def value_of(message: JsonObject, name: str) -> JsonValue | Missing:
    """Return the value under `name`, or else under the first key that differs from it only in case."""
    if name in message:
        return message[name]
    wanted = name.casefold()
    for key in message:
        if key.casefold() == wanted:
            return message[key]
    return MISSING
