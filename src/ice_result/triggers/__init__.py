"""First stage: a payload → the jobs that it names, and a reason for every other message in it."""

from __future__ import annotations

from ice_result.triggers.job_ids import job_event, without_blanks
from ice_result.triggers.model import (
    Callback,
    Ignored,
    JobEvent,
    Malformed,
    ParkableEvent,
    Past,
    Triggered,
    TriggerEvent,
    TriggerOptions,
    Try,
    Unread,
)
from ice_result.triggers.parsing import parse, parse_again

__all__ = [
    "Callback",
    "Ignored",
    "JobEvent",
    "Malformed",
    "ParkableEvent",
    "Past",
    "TriggerEvent",
    "TriggerOptions",
    "Triggered",
    "Try",
    "Unread",
    "job_event",
    "parse",
    "parse_again",
    "without_blanks",
]
