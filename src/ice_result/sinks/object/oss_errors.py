"""What the SDK of OSS raises, told in our own errors.

The SDK is not imported here: its exceptions are known by attributes [read in the source of oss2 2.19]. `status` is
the HTTP status, or negative where there was none; what the connection raised is in `exception` (see oss_session.py).
"""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple, TypeVar

from ice_result.errors import (
    ARCHIVED,
    CLOCK_SKEW,
    KEYS_EXPIRED,
    NO_SUCH_BUCKET,
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NoSuchBucketError,
    NotFoundError,
    RejectedError,
    Rule,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
    first_rule,
    seconds_to_wait,
)

SERVICE = "OSS"
_TOO_MANY_CALLS = re.compile(r".*LimitExceeded|.*Busy|SlowDown|Throttling.*|TooManyRequests")
_RULES = (
    # Of keys that have expired, OSS says both [seen in the field].
    Rule("SecurityTokenExpired|InvalidSecurityToken", KeysExpiredError, KEYS_EXPIRED),
    Rule("RequestTimeTooSkewed", ClockSkewError, CLOCK_SKEW),
    Rule("AccessDenied|InvalidAccessKeyId|SecurityToken", ForbiddenError),
    # The service's own words for this one show what was signed.
    Rule(
        "SignatureDoesNotMatch",
        ForbiddenError,
        "the secret is not that of the access key, or the region is not the bucket's",
    ),
    Rule("InvalidDigest", UnavailableError),  # what arrived is not what was sent: send it again
    Rule("RequestTimeout", TimedOutError),
    Rule("NoSuchBucket$", NoSuchBucketError, NO_SUCH_BUCKET),
    Rule("NoSuch", NotFoundError),
    Rule("InvalidObjectState", RejectedError, ARCHIVED),
)
_KINDS_BY_STATUS: dict[int, type[ServiceError]] = {
    -5: RejectedError,  # SelectOperationClientError
    -4: UnavailableError,  # OpenApiFormatError: a reply the SDK cannot read
    -3: UnavailableError,  # InconsistentError: the checksums differ
    -1: RejectedError,  # ClientError: the SDK refuses to send it
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    408: TimedOutError,
    429: ThrottledError,
    501: RejectedError,
}
_FIRST_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503
_REDIRECTS = range(300, 400)
T = TypeVar("T")


class OtherRegionError(ForbiddenError):
    """The bucket lies in another region than the one we call: `endpoint` is where."""

    def __init__(self, operation: str, answer: _Answer, endpoint: str) -> None:
        detail = f"the bucket is in another region: it must be addressed using {endpoint or 'its own endpoint'}"
        super().__init__(
            operation,
            service=SERVICE,
            code=answer.code,
            status=answer.status,
            detail=detail,
            request_id=answer.request_id,
        )
        self.endpoint = endpoint


class _Answer(NamedTuple):
    status: int
    code: str
    message: str
    request_id: str
    retry_after_seconds: float | None


def translate(error: Exception, operation: str) -> Exception:
    """Our error for what a call through the SDK raised. What is no answer of any kind, a defect, stays as it is."""
    cause = getattr(error, "exception", None)
    if isinstance(cause, Exception):
        return _of_connection(cause, operation)
    if isinstance(getattr(error, "status", None), int):
        return _of_answer(error, operation)
    if isinstance(error, (ValueError, LookupError)):  # from the SDK's parsing of headers and bodies
        return UnavailableError(
            operation, service=SERVICE, detail=f"a reply that cannot be read ({type(error).__name__})"
        )
    return error


def _of_connection(error: Exception, operation: str) -> IceResultError:
    import urllib3  # noqa: PLC0415  loaded with the SDK

    name = "SSLError" if isinstance(error, ssl.SSLError) else type(error).__name__
    refused = urllib3.exceptions.NewConnectionError  # which is one of the timeouts, by inheritance
    if isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError)) and not isinstance(error, refused):
        return TimedOutError(operation, service=SERVICE, detail=f"no reply in time ({name})")
    # An impossible URL or header, whose text would show the header. A certificate's error is a ValueError too.
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return RejectedError(operation, service=SERVICE, detail=f"no such request can be sent ({name})")
    return UnavailableError(operation, service=SERVICE, detail=f"{name}: {error}")


def _of_answer(error: Exception, operation: str) -> IceResultError:
    answer = _Answer(
        status=_attribute(error, "status", 0),
        code=_attribute(error, "code", ""),
        message=_attribute(error, "message", "") or _attribute(error, "body", ""),
        request_id=_attribute(error, "request_id", ""),
        retry_after_seconds=seconds_to_wait(getattr(error, "headers", {}).get("Retry-After")),
    )
    if "must be addressed using" in answer.message:
        details: dict[str, str | None] = _attribute(error, "details", {})
        return OtherRegionError(operation, answer, details.get("Endpoint") or "")
    rule = first_rule(_RULES, answer.code)
    return (rule.kind if rule else _kind_by_status(answer))(
        operation,
        service=SERVICE,
        code=answer.code,
        status=answer.status if answer.status > 0 else None,
        detail=(rule.advice if rule else "") or _detail(answer),
        request_id=answer.request_id,
        retry_after_seconds=answer.retry_after_seconds,
    )


def _kind_by_status(answer: _Answer) -> type[ServiceError]:
    if answer.status == _SERVICE_UNAVAILABLE and _TOO_MANY_CALLS.fullmatch(answer.code):
        return ThrottledError
    default = UnavailableError if answer.status >= _FIRST_SERVER_ERROR else RejectedError
    return _KINDS_BY_STATUS.get(answer.status, default)


def _detail(answer: _Answer) -> str:
    if answer.status in _REDIRECTS:
        return "redirected, which is not followed: check the endpoint"
    return answer.message


def _attribute(error: Exception, name: str, default: T) -> T:
    """An attribute of the SDK's, which may be missing or None; `default` also says of what type it must be."""
    value = getattr(error, name, default)
    return value if isinstance(value, type(default)) else default
