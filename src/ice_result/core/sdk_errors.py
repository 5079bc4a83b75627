"""The classifier for the errors of all SDKs.

    what an SDK raises ──► SdkFailure ──► classify(failure, table, operation) ──► ServiceError

An SDK has an extractor, which reads its exceptions into an SdkFailure, and an ErrorTable, which says what its codes
and classes mean. Both are beside the client of the service, or in its module. For the next SDK, write them there.

No SDK is imported here or there: exceptions are known by their attributes and by the names of their classes. So it
does not matter whether a connection is one of `http.client`, urllib3 or requests.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple, TypeVar

from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NoSuchBucketError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)

T = TypeVar("T")

REDIRECTED = "the service answers with a redirect, which is not followed: check the endpoint"
UNREADABLE = "a reply that cannot be read"
NEVER_SENT = "this request cannot be sent ({name}): check the endpoint and the keys"
"""Details that are the same at every service. The text of a request that cannot be sent could show a header."""
_ADVICE: dict[type[ServiceError], str] = {
    KeysExpiredError: "the temporary keys have expired, or are no longer valid",
    ClockSkewError: "the clock of this machine is wrong by more than 15 minutes",
    NoSuchBucketError: "there is no bucket of this name: create it, or correct its name",
}


class SdkFailure(NamedTuple):
    """A failed call as the SDK reports it: the answer of the service, or in `cause` the exception in its place."""

    code: str = ""
    status: int | None = None
    """HTTP status; negative where an SDK has numbers of its own for calls without one."""
    message: str = ""
    request_id: str = ""
    retry_after_seconds: float | None = None
    cause: BaseException | None = None
    unreadable: bool = False
    """True when `cause` comes from the SDK's parsing of a reply; otherwise the request itself failed."""


class Rule(NamedTuple):
    """Meaning of failures that fulfil every condition given; the first rule that fits decides."""

    codes: str
    """Pattern for the beginning of the code, or, for an exception, for the whole name of a class it belongs to."""
    kind: type[ServiceError]
    advice: str = ""
    """Detail of the error in place of the service's own words, which it may quote as {message}; see also `_ADVICE`."""
    statuses: Container[int | None] | None = None
    words: str = ""
    """Pattern for a part of the message."""
    told_to_wait: bool = False

    def fits(self, answer: SdkFailure) -> bool:
        """Return True when the answer of a service fulfils every condition."""
        return (
            re.match(self.codes, answer.code) is not None
            and (self.statuses is None or answer.status in self.statuses)
            and re.search(self.words, answer.message) is not None
            and (answer.retry_after_seconds is not None or not self.told_to_wait)
        )


class ErrorTable(NamedTuple):
    """Everything that is special about the errors of one service and its SDK."""

    service: str
    rules: tuple[Rule, ...]
    """Rules for answers; those for all services follow them."""
    classes: tuple[Rule, ...] = ()
    """Rules for exceptions by class; those for all transports follow them."""


_BY_STATUS = (
    Rule("", ThrottledError, statuses=(429,)),
    Rule("", ForbiddenError, statuses=(401, 403)),
    Rule("", RejectedError, REDIRECTED, statuses=range(300, 400)),
    Rule("", RejectedError, statuses=range(400, 500)),
    Rule("", UnavailableError),  # 5xx; an error within a 200; a code without a status
)
_BY_CLASS = (
    Rule("SSLCertVerificationError", RejectedError, "the server's certificate is not trusted: {message}"),
    Rule("TooManyRedirects", RejectedError, REDIRECTED),
    Rule("UnsendableError", RejectedError, NEVER_SENT),  # from our own transport
    Rule("Invalid(URL|Schema|Header)|MissingSchema|LocationValueError|UnicodeEncodeError", RejectedError, NEVER_SENT),
    Rule("NewConnectionError", UnavailableError),  # a refused connection, which in urllib3 is a kind of timeout
    Rule("TimeoutError|Timeout", TimedOutError, "no reply in time ({name})"),
    Rule("UnicodeDecodeError", UnavailableError, f"{UNREADABLE} ({{name}})"),
)


def classify(failure: SdkFailure, table: ErrorTable, operation: str) -> ServiceError:
    """Return our error for a failed call: its code decides, then its status, or else the class of the exception."""
    if failure.cause is None:
        rule = next(rule for rule in (*table.rules, *_BY_STATUS) if rule.fits(failure))
        advice = rule.advice or _ADVICE.get(rule.kind, "{message}")
        kind, detail = rule.kind, advice.format(message=failure.message)
    else:
        kind, detail = _of_exception(failure, failure.cause, table)
    return kind(
        operation,
        service=table.service,
        code=failure.code,
        status=failure.status if failure.status and failure.status > 0 else None,
        detail=detail,
        request_id=failure.request_id,
        retry_after_seconds=failure.retry_after_seconds,
    )


def _of_exception(failure: SdkFailure, cause: BaseException, table: ErrorTable) -> tuple[type[ServiceError], str]:
    for link in links(cause):
        for rule in (*table.classes, *_BY_CLASS):
            if any(re.fullmatch(rule.codes, name) for name in class_names(link)):
                name = type(link).__name__
                shown = rule.advice.format(name=name, message=link)
                return rule.kind, shown or failure.message or f"{name}: {link}"
    name = type(cause).__name__
    if failure.unreadable:
        return UnavailableError, f"{UNREADABLE} ({failure.message or name})"
    if isinstance(cause, ValueError) and not isinstance(cause, OSError):
        return RejectedError, NEVER_SENT.format(name=name)
    return UnavailableError, failure.message or f"{name}: {cause}"


def links(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what is behind it, outermost first; an error of ours is the last one.

    The SDK of ICE keeps the original in an attribute, or in the context only. Behind an error of ours there can be
    a call that failed earlier.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, IceResultError):
            return
        inner = getattr(error, "inner_exception", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def class_names(error: BaseException) -> frozenset[str]:
    """Return the names of all classes that the error belongs to."""
    return frozenset(kind.__name__ for kind in type(error).__mro__)


def attribute(error: BaseException, name: str, default: T) -> T:
    """Return an attribute of an SDK's exception; `default` when it is missing, None or of another type."""
    value = getattr(error, name, default)
    return value if isinstance(value, type(default)) else default


def seconds_to_wait(retry_after: object) -> float | None:
    """Return the seconds that a header Retry-After asks for; None without one, or for a date."""
    return float(retry_after) if isinstance(retry_after, str) and re.fullmatch("[0-9]{1,9}", retry_after) else None
