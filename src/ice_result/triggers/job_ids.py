"""Values in a message: texts that hold JSON, keys in any case, JSON pointers, and job ids."""

from __future__ import annotations

import base64
import re
from typing import Final

from ice_result.core import json_text
from ice_result.core.redaction import clean
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers import mns_xml
from ice_result.triggers.model import JobEvent, Malformed


def label(value: JsonValue) -> str | None:
    """An id or a type as a sender wrote it, fit for a log line; None when there is none."""
    return shorten(value) or None if isinstance(value, str) else None


def describe(value: JsonValue) -> str:
    """What a value is, in words and without its content, which may hold anything."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"an object with the keys {shorten(', '.join(value))}" if value else "an object without keys"


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\s]")


def read(text: str) -> JsonValue:
    """The value of a text that is JSON, or base64 of a JSON object or array; of an XML notification, its fields.

    MNS leaves it to sender and receiver who decodes, so a body may arrive either way (seen live). The base64 of
    anything smaller than an object is taken for an ordinary word. Raises NotJsonError, with both reasons.
    """
    try:
        return _load(text)
    except NotJsonError as not_json:
        decoded = from_base64(text)
        if decoded is None:
            raise
        return _load_decoded(decoded, not_json)


def _load_decoded(decoded: bytes, not_json: NotJsonError) -> JsonValue:
    try:
        value = _load(decoded)
    except NotJsonError as error:
        raise NotJsonError(f"{not_json}; nor base64 of JSON: {error}") from error
    if not isinstance(value, (dict, list)):
        raise not_json
    return value


def _load(text: str | bytes) -> JsonValue:
    try:
        return json_text.load(text)
    except NotJsonError:
        decoded = json_text.decode(text) if isinstance(text, bytes) else text
        if not mns_xml.is_xml(decoded):
            raise
        return mns_xml.load(decoded)


def json_lines(text: str) -> list[tuple[int, str]]:
    """The lines of a text of several JSON objects, one a line, with their numbers; none of any other text.

    The first line decides: it is JSON by itself, so that the text as a whole is not one JSON text with a mistake.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        first = json_text.load(lines[0][1]) if lines[1:] else None
    except NotJsonError:
        return []
    return lines if isinstance(first, (dict, list)) else []


def from_base64(text: str) -> bytes | None:
    """The bytes that `text` is base64 of; None when it is none."""
    if _NOT_BASE64.search(text):
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except ValueError:
        return None


class Missing:
    """The type of MISSING: no value at all, which null is not."""


MISSING: Final = Missing()


def value_of(message: JsonObject, name: str) -> JsonValue | Missing:
    """The value under `name`; when no key is spelled so, under the first that differs in case only."""
    if name in message:
        return message[name]
    wanted = name.casefold()
    return next((value for key, value in message.items() if key.casefold() == wanted), MISSING)


def at_pointer(message: JsonValue, pointer: str) -> JsonValue | Missing:
    """The value at an RFC 6901 pointer, through strings that are JSON themselves; MISSING for a pointer that is none.

    Keys are compared without regard to case: the body of the event is not published, and neither is its spelling.
    """
    first, *tokens = pointer.split("/")
    if first:
        return MISSING
    value: JsonValue | Missing = message
    for token in tokens:
        value = _step(value, token.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: JsonValue | Missing, token: str) -> JsonValue | Missing:
    match _unfolded(value):
        case dict() as message:
            return value_of(message, token)
        case list() as items if token.isdecimal() and token.isascii() and str(int(token[:9])) == token:
            return items[int(token)] if int(token) < len(items) else MISSING
        case _:
            return MISSING


def _unfolded(value: JsonValue | Missing) -> JsonValue | Missing:
    if not isinstance(value, str):
        return value
    try:
        return read(value)
    except NotJsonError:
        return MISSING


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
