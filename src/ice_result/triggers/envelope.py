"""What an envelope module offers: a way to open one kind of message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from ice_result.errors import shorten
from ice_result.triggers.model import Past, TriggerEvent, TriggerOptions
from ice_result.values import JsonObject, JsonValue

__all__ = ["Contents", "Envelope", "Opened", "describe", "label"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What lies in an envelope, still to be read: a message, an array of messages, or the text of one.

    `field` is where it lay, for the reader of a reason. `message_id` names the message itself, `request_id` only the
    call that carried it. `bare_id` allows a plain string to be a job id. With `past` it was parked before: it is such
    a message, or an array of them.
    """

    field: str
    value: JsonValue
    message_id: str | None = None
    request_id: str | None = None
    bare_id: bool = False
    past: Past | None = None


Opened: TypeAlias = Iterable[Contents | TriggerEvent]
"""What was in a message. Its events have no `event_id` yet, and a `payload` only when it is less than the message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One kind of message: the keys one knows it by and its name, and how to open it (None: it is another kind)."""

    known_by: str
    open: Callable[[JsonObject, TriggerOptions], Opened | None]


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
