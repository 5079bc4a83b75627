"""Errors of OSS, and of the SDK that calls it.

The SDK's exceptions are known by attributes [read in the source of oss2 2.19]. `status` is the HTTP status, or negative
where there was none. `exception` is what the connection raised.
"""

from __future__ import annotations

from ice_result import errors
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, attribute, classify, seconds_to_wait

SERVICE = "OSS"
RULES = (
    # Of keys that have expired, OSS says both [seen in the field].
    Rule("SecurityTokenExpired|InvalidSecurityToken", errors.KeysExpiredError),
    Rule("RequestTimeTooSkewed", errors.ClockSkewError),
    Rule("AccessDenied|InvalidAccessKeyId|SecurityToken", errors.ForbiddenError),
    # The service's own words for this one show what was signed.
    Rule(
        "SignatureDoesNotMatch",
        errors.ForbiddenError,
        "the secret is not that of the access key, or the region is not the bucket's",
    ),
    Rule("InvalidDigest", errors.UnavailableError),  # what arrived is not what was sent: send it again
    Rule("RequestTimeout", errors.TimedOutError),
    Rule("NoSuchBucket$", errors.NoSuchBucketError),
    Rule("NoSuch", errors.NotFoundError),
    Rule(
        "InvalidObjectState", errors.RejectedError, "the object is archived, and must be restored before it can be read"
    ),
    Rule("(.*LimitExceeded|.*Busy|SlowDown|Throttling.*|TooManyRequests)$", errors.ThrottledError, statuses=(503,)),
    Rule("", errors.NotFoundError, statuses=(404,)),
    Rule("", errors.TimedOutError, statuses=(408,)),
    Rule("", errors.RejectedError, statuses=(501,)),
)
"""Rules for answers of OSS, whose codes are those of S3."""
_TABLE = ErrorTable(
    SERVICE,
    rules=(
        *RULES,
        Rule("", errors.RejectedError, statuses=(-1, -5)),  # ClientError, SelectOperationClientError: never sent
        # InconsistentError (the checksums differ); OpenApiFormatError (a reply that the SDK cannot read)
        Rule("", errors.UnavailableError, statuses=(-3, -4)),
    ),
    classes=(Rule("SSLError", errors.UnavailableError, "SSLError: {message}"),),  # also for a certificate: tried again
)


class OtherRegionError(errors.ForbiddenError):
    """The bucket lies in another region than the one we call: `endpoint` is where."""

    def __init__(self, operation: str, answer: SdkFailure, endpoint: str) -> None:
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


def translate(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through the SDK raised; one of ours, or a defect, comes out unchanged."""
    failure = None if isinstance(error, errors.IceResultError) else _failure(error)
    if failure is None:
        return error
    if "must be addressed using" in failure.message:
        details = attribute(error, "details", dict[str, str | None]())
        return OtherRegionError(operation, failure, details.get("Endpoint") or "")
    return classify(failure, _TABLE, operation)


def _failure(error: Exception) -> SdkFailure | None:
    cause = getattr(error, "exception", None)
    if isinstance(cause, Exception):
        return SdkFailure(cause=cause)
    if isinstance(getattr(error, "status", None), int):
        return SdkFailure(
            code=attribute(error, "code", ""),
            status=attribute(error, "status", 0),
            message=attribute(error, "message", "") or attribute(error, "body", ""),
            request_id=attribute(error, "request_id", ""),
            retry_after_seconds=seconds_to_wait(getattr(error, "headers", {}).get("Retry-After")),
        )
    if isinstance(error, (ValueError, LookupError)):  # from the SDK's parsing of headers and bodies
        return SdkFailure(cause=error, unreadable=True)
    return None
