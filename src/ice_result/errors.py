"""Every exception this package raises on purpose.

    IceResultError
    ├── SettingsError          the environment or the command line is wrong; lists every problem
    ├── NotJsonError           a text that should be JSON is not, or is beyond the limits
    ├── OutOfTimeError         work on the event had not begun when time was over  (transient)
    ├── JobNotFinishedError    the job is still running                            (transient)
    ├── TooLargeError          a response, its Result or its number of files is beyond what is worked on
    ├── InvalidResponseError   ICE answered, but not with a job                    (transient)
    ├── ServiceError           a call to a cloud service failed
    │   ├── ThrottledError     too many calls                                      (transient)
    │   ├── UnavailableError   5xx, a reset connection, a reply cut short          (transient)
    │   ├── TimedOutError      no complete reply in time                           (transient)
    │   ├── KeysExpiredError   the access keys have expired; others may come       (transient)
    │   ├── ClockSkewError     this machine's clock is wrong                       (transient)
    │   ├── ForbiddenError     credentials or permissions
    │   ├── NotFoundError      no such job, queue or object
    │   ├── NoSuchBucketError  no such bucket
    │   ├── NoSuchTableError   no such table
    │   └── RejectedError      the service refuses the request as it is
    ├── StorageError           the local file system or database refused
    └── ParkingError           an event could be neither finished nor parked       (transient)

`transient` says whether the same call may succeed later, and so whether it is worth a retry.
`reason` is the short token used for folders of parked events, metrics and logs.
No message holds a secret: what comes from outside, and what was tried with it, goes through `redact`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, NamedTuple

from ice_result.core.redaction import redact

_LONGEST_DETAIL = 300


class IceResultError(Exception):
    """The root of the tree; catch this to catch everything of ours."""

    transient: ClassVar[bool] = False
    reason: ClassVar[str] = "error"


class SettingsError(IceResultError):
    """The configuration is unusable; `problems` holds every (variable, explanation) found."""

    reason: ClassVar[str] = "settings"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {explanation}" for name, explanation in problems))
        self.problems = problems


class NotJsonError(IceResultError):
    """A text is not JSON, or is larger or deeper than we read."""

    reason: ClassVar[str] = "malformed"


class OutOfTimeError(IceResultError):
    """The time of this run was over before work on the event began."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "out_of_time"


class JobNotFinishedError(IceResultError):
    """The job was still running when the time to wait for it had passed."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "not_finished"


class TooLargeError(IceResultError):
    """A response is larger than what is worked on: `limit` is how much that is."""

    reason: ClassVar[str] = "too_large"

    def __init__(self, what: str, found: int | None, limit: int, unit: str) -> None:
        """`found` is how many `unit` `what` has; None when they were not counted to the end."""
        super().__init__(f"{what}: {f'more than {limit}' if found is None else found} {unit}, at most {limit} are read")
        self.limit = limit


class InvalidResponseError(IceResultError):
    """ICE, or what stands in for it, answered with something that is not the job asked for."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "invalid_response"


class ServiceError(IceResultError):
    """A call to `service` failed: `code` and `request_id` are the service's own, where it sent them."""

    reason: ClassVar[str] = "service_error"

    def __init__(
        self,
        tried: str,
        *,
        service: str,
        code: str = "",
        status: int | None = None,
        detail: str = "",
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        parts = [f"{service}: {redact(tried)}"]
        answer = " ".join(part for part in (str(status or ""), redact(code)) if part)
        if answer:
            parts.append(answer)
        if detail:
            parts.append(shorten(detail))
        if request_id:
            parts.append(f"request id {redact(request_id)[:64]}")
        super().__init__(": ".join(parts))
        self.service = service
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


class ThrottledError(ServiceError):
    """The service asks us to call less often."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "throttled"


class UnavailableError(ServiceError):
    """The service, or the way to it, is broken for now."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "unavailable"


class TimedOutError(ServiceError):
    """No complete reply came within the time of the call."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "timed_out"


class KeysExpiredError(ServiceError):
    """The temporary keys are no longer valid: the next try signs with new ones, where there are any."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "keys_expired"


class ClockSkewError(ServiceError):
    """The time of the request differs too much from the service's, so that it refuses the signature."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "clock_skew"


class ForbiddenError(ServiceError):
    """The credentials are missing, wrong, or not allowed to do this."""

    reason: ClassVar[str] = "forbidden"


class NotFoundError(ServiceError):
    """The service does not know the thing named; for a job also: it lives in another region."""

    reason: ClassVar[str] = "not_found"


class NoSuchBucketError(ServiceError):
    """The bucket does not exist, or not under this name."""

    reason: ClassVar[str] = "no_such_bucket"


class NoSuchTableError(ServiceError):
    """The instance, or a table in it, does not exist."""

    reason: ClassVar[str] = "no_such_table"


class RejectedError(ServiceError):
    """The service refuses the request, and will refuse it again."""

    reason: ClassVar[str] = "rejected"


class StorageError(IceResultError):
    """A local folder or database could not be read or written."""

    reason: ClassVar[str] = "storage"


class ParkingError(IceResultError):
    """What could not be finished could not be parked either: the platform must deliver it again."""

    transient: ClassVar[bool] = True
    reason: ClassVar[str] = "parking_failed"


class Rule(NamedTuple):
    """Codes that begin like `codes` are errors of this kind; `advice` stands in place of the service's own words."""

    codes: str
    kind: type[ServiceError]
    advice: str = ""


KEYS_EXPIRED = "the temporary keys have expired, or are not valid any more"
NO_SUCH_BUCKET = "there is no bucket of this name: create it, or correct its name"
ARCHIVED = "the object is archived, and must be restored before it can be read"
CLOCK_SKEW = "the clock of this machine is wrong by more than 15 minutes"
"""Advice that is the same at every service."""


def first_rule(rules: Iterable[Rule], code: str) -> Rule | None:
    """The first of the rules that fits a service's code."""
    return next((rule for rule in rules if re.match(rule.codes, code)), None)


def transient_reasons() -> frozenset[str]:
    """The reasons that may pass by themselves."""
    return frozenset(kind.reason for kind in _kinds(IceResultError) if kind.transient)


def is_try(reason: str) -> bool:
    """Whether an event parked for this reason was tried: work on one that is out of time had not begun."""
    return reason != OutOfTimeError.reason


def _kinds(kind: type[IceResultError]) -> Iterator[type[IceResultError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def seconds_to_wait(retry_after: object) -> float | None:
    """What a header Retry-After asks for, in seconds; None without one, or for a date."""
    return float(retry_after) if isinstance(retry_after, str) and re.fullmatch("[0-9]{1,9}", retry_after) else None


def shorten(text: str) -> str:
    """Foreign text made fit for a message: redacted, on one line, printable, at most 300 characters."""
    line = " ".join(redact(text).split())
    shown = line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(character if character.isprintable() else "\ufffd" for character in shown)
