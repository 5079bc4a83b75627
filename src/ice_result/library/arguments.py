"""Arguments that the functions of the library share, checked before the first call."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ice_result.errors import InvalidArgumentError, shorten
from ice_result.settings import Section, Settings
from ice_result.triggers import JobEvent, job_event

T = TypeVar("T")


def environment_of(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the environment that is given, or else that of the process. Raises InvalidArgumentError."""
    if environment is None:
        return os.environ
    require("environment", environment, Mapping, "a mapping of names to texts, such as os.environ")
    for name, value in environment.items():
        require("environment", name, str, "names that are texts")
        require(f"environment: {name}", value, str, "a text")
    return environment


def read_settings(environment: Mapping[str, str] | None, section: Section) -> Settings:
    """Read a section of the settings from `environment`, or else from os.environ. Raises SettingsError."""
    return Settings.from_environment(environment_of(environment), section)


def event_of(job_id: str) -> JobEvent:
    """Make the event of a job. Raises InvalidArgumentError for a text that cannot be a job id."""
    require("job id", job_id, str, "a job id, a text")
    event = job_event(job_id, "job id")
    if event.kind == "malformed":
        raise InvalidArgumentError("job id", event.reason.removeprefix("job id: "))
    return event


def time_in_seconds(seconds: float) -> float:
    """Check a time limit. Raises InvalidArgumentError when it is not a positive number."""
    expected = "a number greater than 0"
    require("seconds", seconds, (int, float), expected)
    if isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise InvalidArgumentError("seconds", f"found {seconds!r}; expected {expected}")
    return seconds


def require(name: str, value: object, kind: type | tuple[type, ...], expected: str) -> None:
    """Check that a value is of this kind: not every program is checked by its types. Raises InvalidArgumentError."""
    if not isinstance(value, kind):
        raise InvalidArgumentError(name, f"found {shorten(repr(value))}; expected {expected}")


def one_of(name: str, value: T, known: Sequence[str]) -> T:
    """Check that a value is None or one of the `known` words. Raises InvalidArgumentError."""
    if value is not None and value not in known:
        raise InvalidArgumentError(name, f"{value!r} is not one of {', '.join(known)}")
    return value
