"""Steps of a deployment: a thing that must be there, as it is, and the calls that make it as it is to be.

A target is an iterator of steps. A step is read when it is asked for: after the changes of the step before it, if they
are made. So a second run after an interruption finds what the first one made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from ice_result.errors import ForbiddenError, IceResultError, KeysRefusedError

T = TypeVar("T")
MADE_BY_US = "made by ice-result setup"
"""Description or tag of what setup makes; teardown removes nothing else."""
State: TypeAlias = Literal["there", "missing", "differs", "kept", "blocked"]
"""`kept` is what is not ours to remove; `blocked` is ours, and cannot be removed now."""


class Change(NamedTuple):
    """A call that changes something. `permission` is the RAM action it needs; `shown` tells it in one line."""

    permission: str
    shown: str
    make: Callable[[], object]


class Step(NamedTuple):
    """A thing, its state, and the calls that are needed, in their order. `note` explains the state."""

    thing: str
    state: State
    changes: tuple[Change, ...] = ()
    note: str = ""


Target: TypeAlias = Callable[[], Iterator[Step]]


class NotAllowedError(IceResultError, reason="forbidden"):
    """A call that the key may not make. The text names the permission."""


def allowed(permission: str, call: Callable[[], T]) -> T:
    """Return the value of a call. Raises NotAllowedError where the key lacks the permission."""
    try:
        return call()
    except KeysRefusedError:
        raise
    except ForbiddenError as error:
        raise NotAllowedError(f"needs the permission {permission}: {error}") from None


def make(step: Step) -> Iterator[Change]:
    """Make the changes of a step, and yield each before it is made."""
    for change in step.changes:
        yield change
        allowed(change.permission, change.make)
