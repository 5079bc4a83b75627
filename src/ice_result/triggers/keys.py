"""Finding values in a message: keys without regard to case, JSON pointers, JSON inside JSON."""

from __future__ import annotations

from typing import Final

from ice_result.errors import NotJsonError
from ice_result.triggers import texts
from ice_result.values import JsonObject, JsonValue

__all__ = ["MISSING", "Missing", "at_pointer", "value_of"]


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
        return texts.read(value)
    except NotJsonError:
        return MISSING
