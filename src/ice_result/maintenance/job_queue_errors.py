"""What the SDK of MNS raises, told in our own errors.

The SDK is not imported here: its exceptions are known by attributes [read in the source of aliyun-mns-sdk 1.3]. `type`
is the service's code, or the SDK's own word for what broke; what the connection raised is in the context only.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from ice_result.errors import (
    CLOCK_SKEW,
    KEYS_EXPIRED,
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NotFoundError,
    RejectedError,
    Rule,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
    first_rule,
)

SERVICE = "MNS"


class Failure(NamedTuple):
    """Why MNS did not take one message of a batch."""

    code: str
    message: str


Failures: TypeAlias = Mapping[int, Failure]
"""By position in the batch."""


class _Answer(NamedTuple):
    code: str
    message: str
    status: int | None = None
    request_id: str = ""


# The first that fits counts. All are documented but TimeExpired and those of security tokens, which are inferred.
_RULES = (
    Rule("TooManyRequests|Throttling", ThrottledError),
    Rule("QueueNotExist", NotFoundError, "no such queue in this account and region"),
    Rule("SignatureDoesNotMatch", ForbiddenError, "the secret is not that of the access key"),
    Rule("InvalidAccessKeyId", ForbiddenError, "no such access key, or it is disabled"),
    Rule("SecurityTokenExpired|InvalidSecurityToken", KeysExpiredError, KEYS_EXPIRED),
    Rule("(\\w*)SecurityToken", ForbiddenError, "the temporary keys do not match"),
    Rule("TimeExpired", ClockSkewError, CLOCK_SKEW),
    Rule("AccessDenied|(Missing|Invalid)AuthorizationHeader", ForbiddenError),
    Rule("Internal(Server)?Error|ServiceUnavailable", UnavailableError),
    Rule("InvalidDegist", UnavailableError, "what arrived is not what was sent"),  # spelled so by MNS
)
_OK = range(200, 300)
_REDIRECTED = range(300, 400)
_CLIENT_ERRORS = range(400, 500)
_TOO_MANY_REQUESTS = 429
_UNAUTHORIZED = (401, 403)


def refused_parts(error: Exception, count: int) -> Failures | None:
    """Which messages of a batch of `count` were refused, and why; None when the error is not of that kind.

    The SDK hands over what became of each message, in the order they were sent.
    """
    outcomes = getattr(error, "sub_errors", None)
    if not isinstance(outcomes, list) or len(outcomes) != count:
        return None
    return {
        position: Failure(str(outcome["ErrorCode"]), str(outcome.get("ErrorMessage", "")))
        for position, outcome in enumerate(outcomes)
        if "ErrorCode" in outcome
    }


def partial(refused: Failures, operation: str) -> ServiceError:
    """The error of a batch of which these were refused: a transient one if one of them may yet be taken."""
    told = [
        _of_code(_Answer(code, f"{len(refused)} refused: {message}"), operation) for code, message in refused.values()
    ]
    return next((error for error in told if error.transient), told[0])


def incomplete(told: int, sent: int, operation: str) -> ServiceError:
    """The error of a reply that does not speak of every message."""
    return UnavailableError(operation, service=SERVICE, detail=f"the reply tells of {told} messages, {sent} were sent")


def translate(error: Exception, operation: str, status: int) -> Exception:
    """Our error for what a call through the SDK raised; `status` is the HTTP status, or negative without a reply.

    One of ours comes out as it was, and so does what is no failure of a call, a defect.
    """
    code = getattr(error, "type", None)
    if isinstance(error, IceResultError) or not (isinstance(code, str) or isinstance(error, (ValueError, LookupError))):
        return error
    if hasattr(error, "host_id"):
        return _of_code(_Answer(str(code), _text(error, "message"), status, _text(error, "req_id")), operation)
    if status > 0:
        return _of_status(status, operation)
    return _of_connection(error.__context__ or error, operation)


def _of_code(answer: _Answer, operation: str) -> ServiceError:
    rule = first_rule(_RULES, answer.code)
    return (rule.kind if rule else _kind_by_status(answer.status))(
        operation,
        service=SERVICE,
        code=answer.code,
        status=answer.status,
        detail=(rule.advice if rule else "") or answer.message,
        request_id=answer.request_id,
    )


def _of_status(status: int, operation: str) -> ServiceError:
    """A reply that is not one of MNS: a gateway's page, or the answer of something else."""
    if status in _REDIRECTED:
        detail = "redirected, which is not followed: check the endpoint"
        return RejectedError(operation, service=SERVICE, status=status, detail=detail)
    kind = UnavailableError if status in _OK else _kind_by_status(status)
    return kind(operation, service=SERVICE, status=status, detail="a reply that cannot be read")


def _kind_by_status(status: int | None) -> type[ServiceError]:
    if status == _TOO_MANY_REQUESTS:
        return ThrottledError
    if status in _UNAUTHORIZED:
        return ForbiddenError
    return UnavailableError if status is not None and status not in _CLIENT_ERRORS else RejectedError


def _of_connection(broken: BaseException, operation: str) -> ServiceError:
    name = type(broken).__name__
    if isinstance(broken, ssl.SSLCertVerificationError):
        return RejectedError(operation, service=SERVICE, detail=f"the server's certificate is not trusted: {broken}")
    if isinstance(broken, TimeoutError):
        return TimedOutError(operation, service=SERVICE, detail=f"no reply in time ({name})")
    if isinstance(broken, UnicodeDecodeError):
        return UnavailableError(operation, service=SERVICE, detail="a reply that cannot be read")
    if isinstance(broken, ValueError) or hasattr(broken, "type"):  # an impossible header, which its text would show
        return RejectedError(operation, service=SERVICE, detail=f"no such request can be sent ({name}): check the keys")
    return UnavailableError(operation, service=SERVICE, detail=f"{name}: {broken}")


def _text(error: Exception, name: str) -> str:
    value = getattr(error, name, None)
    return value if isinstance(value, str) else ""
