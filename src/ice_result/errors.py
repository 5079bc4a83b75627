"""Every exception this package raises on purpose.

    IceResultError
    ├── SettingsError          the environment or the command line is wrong; lists every problem
    │   ├── MissingKeysError   no access keys are set
    │   ├── MissingExtraError  the packages of an extra are not installed
    │   └── InvalidArgumentError  an argument of a function of the library cannot be used; also a ValueError
    ├── NotJsonError           a text that should be JSON is not, or is beyond the limits
    ├── OutOfTimeError         work on the event had not begun when time was over  (transient)
    ├── JobNotFinishedError    the job is still running                            (transient)
    ├── TooLargeError          a response, its Result or its number of files exceeds a limit
    ├── InvalidResponseError   ICE answered, but not with a job                    (transient)
    ├── ServiceError           a call to a cloud service failed
    │   ├── ThrottledError     too many calls                                      (transient)
    │   ├── UnavailableError   5xx, a reset connection, a reply cut short          (transient)
    │   ├── TimedOutError      no complete reply in time                           (transient)
    │   ├── KeysExpiredError   the access keys have expired                        (transient)
    │   ├── ClockSkewError     this machine's clock is wrong                       (transient)
    │   ├── ForbiddenError     credentials or permissions
    │   │   └── KeysRefusedError    no keys, or none that the service knows
    │   ├── NotFoundError      no such job, queue or object
    │   ├── NoSuchBucketError  no such bucket
    │   ├── NoSuchTableError   no such table
    │   └── RejectedError      the service refuses the request as it is
    ├── NotNotifiedError       a target has not acknowledged a notification        (transient)
    ├── NotificationRefusedError  a target refuses a notification, and will again
    ├── StorageError           the local file system or database refused
    └── ParkingError           an event could be neither finished nor parked       (transient)

`transient` says whether the same call may succeed later, and so whether it is worth a retry.
`reason` is the short token used for folders of parked events, metrics and logs.
No message contains a secret: `redact` cleans every text from outside.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from ice_result.core.redaction import redact

_LONGEST_DETAIL = 300


class IceResultError(Exception):
    """Root of the tree: catch this to catch every error of this package."""

    transient: ClassVar[bool] = False
    reason: ClassVar[str] = "error"

    @property
    def cause(self) -> str:
        """The answer, without what was tried: the same for another call that fails in the same way."""
        return str(self).rpartition(": ")[2]

    @override
    def __init_subclass__(cls, reason: str | None = None, *, transient: bool | None = None) -> None:
        cls.reason = cls.reason if reason is None else reason
        cls.transient = cls.transient if transient is None else transient


class SettingsError(IceResultError, reason="settings"):
    """An unusable configuration; `problems` has every (variable, explanation) found."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {explanation}" for name, explanation in problems))
        self.problems = problems


class MissingKeysError(SettingsError):
    """Access keys that are missing or incomplete: `problem` says which."""

    def __init__(self, problem: str) -> None:
        super().__init__([("no access keys", problem)])
        self.problem = problem


class MissingExtraError(SettingsError):
    """Packages that are not installed: `needed_by` needs the extra that `command` installs."""

    def __init__(self, needed_by: str, extra: str) -> None:
        self.problem = f"needs the extra {extra}"
        self.command = f"pip install '.[{extra}]' in a clone of the repository"  # it is not in a package index
        super().__init__([(needed_by, f"{self.problem}: {self.command}")])


class InvalidArgumentError(SettingsError, ValueError):
    """An argument of a function of the library that cannot be used."""

    def __init__(self, name: str, explanation: str) -> None:
        super().__init__([(name, explanation)])


class NotJsonError(IceResultError, reason="malformed"):
    """A text that is not JSON, or is larger or deeper than is read."""


class OutOfTimeError(IceResultError, reason="out_of_time", transient=True):
    """An event whose work had not begun when the time of the run was over."""


class JobNotFinishedError(IceResultError, reason="not_finished", transient=True):
    """A job that was still running when the time to wait for it had passed."""


class TooLargeError(IceResultError, reason="too_large"):
    """A response that is larger than `limit`, the most that is worked on."""

    def __init__(self, what: str, found: int | None, limit: int, unit: str) -> None:
        """Make the message. `found` is None if the count stopped at the limit."""
        super().__init__(f"{what}: {f'more than {limit}' if found is None else found} {unit}, at most {limit} are read")
        self.limit = limit


class InvalidResponseError(IceResultError, reason="invalid_response", transient=True):
    """An answer, of ICE or of something in its place, that is not the job asked for."""


class ServiceError(IceResultError, reason="service_error"):
    """A failed call to `service`: `code` and `request_id` are the service's own, where it sent them."""

    def __init__(
        self,
        operation: str,
        *,
        service: str,
        code: str = "",
        status: int | None = None,
        detail: str = "",
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        answer = " ".join(part for part in (str(status or ""), redact(code)) if part)
        returned = [part for part in (answer, shorten(detail)) if part]
        parts = [service, redact(operation), *returned]
        if request_id:
            parts.append(f"request id {redact(request_id)[:64]}")
        super().__init__(": ".join(parts))
        self._cause = ": ".join([service, *returned])
        self.service = service
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    @property
    @override
    def cause(self) -> str:
        return self._cause


class ThrottledError(ServiceError, reason="throttled", transient=True):
    """A service that asks for fewer calls."""


class UnavailableError(ServiceError, reason="unavailable", transient=True):
    """A service, or a way to it, that is broken for now."""


class TimedOutError(ServiceError, reason="timed_out", transient=True):
    """A call without a complete reply in its time."""


class KeysExpiredError(ServiceError, reason="keys_expired", transient=True):
    """Temporary keys that are no longer valid: the next attempt uses new keys."""


class ClockSkewError(ServiceError, reason="clock_skew", transient=True):
    """A signature that the service refuses because the time of the request differs too much from its own."""


class ForbiddenError(ServiceError, reason="forbidden"):
    """Credentials that are missing, wrong, or not allowed to do this."""


class KeysRefusedError(ForbiddenError):
    """Credentials that are missing or wrong: new keys are needed, not another permission."""


class NotFoundError(ServiceError, reason="not_found"):
    """A name that the service does not know; a job may also be in another region."""


class NoSuchBucketError(ServiceError, reason="no_such_bucket"):
    """A bucket that does not exist, or not under this name."""


class NoSuchTableError(ServiceError, reason="no_such_table"):
    """An instance, or a table in it, that does not exist."""


class RejectedError(ServiceError, reason="rejected"):
    """A request that the service refuses, and will refuse again."""


class NotNotifiedError(IceResultError, reason="not_notified", transient=True):
    """A job was recorded, but a target could not be notified for now."""


class NotificationRefusedError(IceResultError, reason="notification_refused"):
    """A job was recorded, but a target rejected the notification."""


class StorageError(IceResultError, reason="storage"):
    """A local folder or database that could not be read or written."""


class ParkingError(IceResultError, reason="parking_failed", transient=True):
    """An event that could be neither finished nor parked: the platform must deliver it again."""


INTERNAL = "internal"
"""Reason of an event that a bug in this package stopped."""


def transient_reasons() -> frozenset[str]:
    """Return the reasons of temporary errors."""
    return frozenset(kind.reason for kind in _kinds() if kind.transient)


def parked_reasons() -> frozenset[str]:
    """Return the reasons for which an event may be parked: the reason of every error but the root and ParkingError."""
    ours = (kind for kind in _kinds() if kind.__module__ == __name__)
    return frozenset({INTERNAL, *(kind.reason for kind in ours)} - {IceResultError.reason, ParkingError.reason})


def _kinds() -> list[type[IceResultError]]:
    kinds: list[type[IceResultError]] = [IceResultError]
    for kind in kinds:  # the list grows by the classes below each
        kinds += kind.__subclasses__()
    return kinds


def is_try(reason: str) -> bool:
    """Return True if parking for this reason counts as an attempt."""
    return reason != OutOfTimeError.reason


def describe_defect(error: Exception) -> str:
    """Describe an error that a bug raised. Only the line is named: a whole traceback may contain secrets."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"a defect in ice-result, at {Path(frame.filename).name}:{frame.lineno} {frame.name}: {shorten(str(error))}"


def shorten(text: str) -> str:
    """Make foreign text fit for a message: redacted, on one line, printable, at most 300 characters."""
    line = " ".join(redact(text).split())
    shown = line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(character if character.isprintable() else "\ufffd" for character in shown)
