"""Steps of a deployment: a thing that must be there, as it is, and the calls that make it as it is to be.

A target is an iterator of steps. A step is read when it is asked for: after the changes of the step before it, if they
are made. So a second run after an interruption finds what the first one made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from ice_result.core.deadline import current_deadline
from ice_result.errors import ForbiddenError, IceResultError, KeysRefusedError, NotFoundError, ServiceError

T = TypeVar("T")
State: TypeAlias = Literal["exists", "missing", "differs", "kept", "blocked"]
"""`kept` is what is not ours to remove; `blocked` is ours, and cannot be removed now."""
_PAUSES = (1.0, 2.0, 4.0)  # seconds before a target is read again
_OUTDATED = re.compile("EntityAlreadyExists|DeleteConflict|QueueAlreadyExist")


class Change(NamedTuple):
    """A call that changes something. `shown` is its description; `permission` is the RAM action it needs, if any."""

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
    """A call that the keys may not make. The text names the permission."""


class InUseError(IceResultError, reason="in_use"):
    """A thing that others use, or that is not of the form expected: a change would take something from them."""


class WrongAccountError(IceResultError, reason="wrong_account"):
    """Keys of another account than the one that is named: nothing may be read or changed with them."""


class _OutdatedError(Exception):
    """A change that does not fit what is there by now."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error)
        self.error = error


def allowed(permission: str, call: Callable[[], T]) -> T:
    """Return the value of a call. Raises NotAllowedError where the keys lack the permission."""
    try:
        return call()
    except KeysRefusedError:
        raise
    except ForbiddenError as error:
        raise NotAllowedError(f"needs the permission {permission}: {error}") from None


def run(target: Target, *, write: bool) -> Iterator[Step | Change]:
    """Yield each step of a target, and behind it each change, which with `write` is made when the next is asked for.

    A change that does not fit is not yet an error: the reply of an earlier try may have been lost, and what was made a
    moment ago may not be seen everywhere. The target is read again then, up to three times.
    """
    for pause in (*_PAUSES, None):
        try:
            for step in target():
                yield step
                for change in step.changes:
                    yield change
                    if write:
                        _make(change)
        except _OutdatedError as outdated:
            if pause is None:
                raise outdated.error from None
            current_deadline().clock.sleep(pause)
        else:
            return


def _make(change: Change) -> None:
    try:
        allowed(change.permission, change.make)
    except ServiceError as error:
        if isinstance(error, NotFoundError) or _OUTDATED.match(error.code):
            raise _OutdatedError(error) from None
        raise
