"""What boto3 raises, told in our own errors.

The SDK is not imported here: its exceptions are known by the names of their classes, and an answer of the service by
its `response` [read in the source of botocore 1.44].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

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

SERVICE = "S3"
_TOO_MANY_CALLS = re.compile(r"SlowDown|ServerBusy|Throttl.*|TooManyRequests.*|.*LimitExceeded")
_RULES = (
    # The last two are OSS's own.
    Rule("ExpiredToken|TokenRefreshRequired|SecurityTokenExpired|InvalidSecurityToken", KeysExpiredError, KEYS_EXPIRED),
    Rule("RequestTimeTooSkewed|RequestExpired", ClockSkewError, CLOCK_SKEW),
    Rule("AccessDenied|InvalidAccessKeyId|InvalidToken|SecurityToken", ForbiddenError),
    # The service's own words for this one may show what was signed.
    Rule(
        "SignatureDoesNotMatch",
        ForbiddenError,
        "the secret is not that of the access key, or the region is not the bucket's",
    ),
    Rule("BadDigest|InvalidDigest", UnavailableError),  # what arrived is not what was sent: send it again
    Rule("OperationAborted", UnavailableError),  # another write of the same key is under way
    Rule("RequestTimeout", TimedOutError),
    Rule("NoSuchBucket$", NoSuchBucketError, NO_SUCH_BUCKET),
    Rule("NoSuch", NotFoundError),
    Rule("InvalidObjectState", RejectedError, ARCHIVED),
)
_KINDS_BY_STATUS: dict[int, type[ServiceError]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    408: TimedOutError,
    429: ThrottledError,
    501: RejectedError,
}
# The first class of the SDK's that an error belongs to decides: special ones stand before those they derive from.
_KINDS_BY_CLASS: dict[str, type[ServiceError]] = {
    "ConnectTimeoutError": TimedOutError,
    "ReadTimeoutError": TimedOutError,
    "NoCredentialsError": ForbiddenError,
    "PartialCredentialsError": ForbiddenError,
    "CredentialRetrievalError": ForbiddenError,
    "RefreshWithMFAUnsupportedError": ForbiddenError,
    "UnknownCredentialError": ForbiddenError,
    "NoAuthTokenError": ForbiddenError,
    "TokenRetrievalError": ForbiddenError,
    "SSOError": ForbiddenError,
    "LoginError": ForbiddenError,
    "MetadataRetrievalError": ForbiddenError,
    "ConnectionError": UnavailableError,
    "HTTPClientError": UnavailableError,
    "IncompleteReadError": UnavailableError,
    "ChecksumError": UnavailableError,
    "FlexibleChecksumError": UnavailableError,
    "ResponseParserError": UnavailableError,
    "BotoCoreError": RejectedError,
}
_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503


class _Answer(NamedTuple):
    status: int
    code: str
    message: str
    request_id: str
    retry_after_seconds: float | None


def translate(error: Exception, operation: str) -> Exception:
    """Our error for what a call through boto3 raised. What is no answer of any kind, a defect, stays as it is."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return _of_answer(_answer(response), operation)
    names = [kind.__name__ for kind in type(error).__mro__]
    kind = next((kind for name, kind in _KINDS_BY_CLASS.items() if name in names), None)
    if kind is None or isinstance(error, IceResultError):
        return error
    return kind(operation, service=SERVICE, detail=f"{type(error).__name__}: {error}")


def _answer(response: Mapping[str, object]) -> _Answer:
    said, about = _part(response, "Error"), _part(response, "ResponseMetadata")
    status = about.get("HTTPStatusCode")
    code = str(said.get("Code") or "")
    return _Answer(
        status=status if isinstance(status, int) else 0,
        code="" if code.isdecimal() else code,  # the SDK's stand-in where a reply says nothing
        message=str(said.get("Message") or ""),
        request_id=str(about.get("RequestId") or ""),
        retry_after_seconds=seconds_to_wait(_part(about, "HTTPHeaders").get("retry-after")),
    )


def _part(response: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = response.get(name)
    return part if isinstance(part, Mapping) else {}


def _of_answer(answer: _Answer, operation: str) -> IceResultError:
    rule = first_rule(_RULES, answer.code)
    return (rule.kind if rule else _kind_by_status(answer))(
        operation,
        service=SERVICE,
        code=answer.code,
        status=answer.status or None,
        detail=(rule.advice if rule else "") or _detail(answer),
        request_id=answer.request_id,
        retry_after_seconds=answer.retry_after_seconds,
    )


def _kind_by_status(answer: _Answer) -> type[ServiceError]:
    if answer.status == _SERVICE_UNAVAILABLE and _TOO_MANY_CALLS.fullmatch(answer.code):
        return ThrottledError
    unusual = answer.status >= _FIRST_SERVER_ERROR or 0 < answer.status < 300  # noqa: PLR2004  an error within a 200
    return _KINDS_BY_STATUS.get(answer.status, UnavailableError if unusual else RejectedError)


def _detail(answer: _Answer) -> str:
    if 300 <= answer.status < _FIRST_ERROR:  # noqa: PLR2004  HTTP's redirections
        return f"redirected, which is not followed: check the endpoint and the region ({answer.message})"
    return answer.message
