"""Errors of OSS and of S3, whose codes are the same, and of the SDKs that call them.

oss2: exceptions are known by attributes [read in the source of oss2 2.19]. `status` is the HTTP status, or negative
where there was none. `exception` is what the connection raised.

boto3: exceptions are known by the names of their classes, and an answer of the service by its `response` [read in the
source of botocore 1.44].
"""

from __future__ import annotations

from collections.abc import Mapping

from ice_result import errors
from ice_result.core.sdk_errors import (
    REDIRECTED,
    ErrorTable,
    Rule,
    SdkFailure,
    attribute,
    class_names,
    classify,
    seconds_to_wait,
)

OSS, S3 = "OSS", "S3"


class SigningRegionError(errors.RejectedError):
    """A request that was signed for another region than the one of the bucket."""


_CODES = (
    # Of keys that have expired, OSS says both [seen in the field].
    Rule("SecurityTokenExpired|InvalidSecurityToken", errors.KeysExpiredError),
    Rule("RequestTimeTooSkewed", errors.ClockSkewError),
    Rule("AccessDenied", errors.ForbiddenError),
    Rule("InvalidAccessKeyId|SecurityToken", errors.KeysRefusedError),
    # The service's own words for this one show what was signed.
    Rule(
        "SignatureDoesNotMatch",
        errors.KeysRefusedError,
        "the AccessKey secret does not belong to the AccessKey ID, or the region is not the bucket's",
    ),
    # The code alone has many meanings.
    Rule(
        "InvalidArgument",
        SigningRegionError,
        "the region of ICE_RESULT_REGION or --region is not that of the bucket ({message})",
        words="signing region",
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
_OSS_TABLE = ErrorTable(
    OSS,
    rules=(
        *_CODES,
        Rule("", errors.RejectedError, statuses=(-1, -5)),  # ClientError, SelectOperationClientError: never sent
        # InconsistentError (the checksums differ); OpenApiFormatError (a reply that the SDK cannot read)
        Rule("", errors.UnavailableError, statuses=(-3, -4)),
    ),
    classes=(Rule("SSLError", errors.UnavailableError, "SSLError: {message}"),),  # also for a certificate: tried again
)
_S3_TABLE = ErrorTable(
    S3,
    rules=(
        Rule("ExpiredToken|TokenRefreshRequired", errors.KeysExpiredError),
        Rule("RequestExpired", errors.ClockSkewError),
        Rule("InvalidToken", errors.KeysRefusedError),
        Rule("BadDigest", errors.UnavailableError),  # what arrived is not what was sent: send it again
        Rule(
            "AuthorizationHeaderMalformed",
            SigningRegionError,
            "the region of AWS_DEFAULT_REGION is not that of the bucket ({message})",
            words="region",
        ),
        Rule("OperationAborted", errors.UnavailableError),  # another write of the same key is under way
        Rule("Throttl|TooManyRequests", errors.ThrottledError, statuses=(503,)),
        *_CODES,
        Rule("", errors.RejectedError, statuses=(None,)),
        Rule("", errors.RejectedError, f"{REDIRECTED} and the region ({{message}})", statuses=range(300, 400)),
    ),
    classes=(
        Rule("ConnectTimeoutError|ReadTimeoutError", errors.TimedOutError),
        Rule("(No|Partial)CredentialsError|CredentialRetrievalError|UnknownCredentialError", errors.KeysRefusedError),
        Rule("RefreshWithMFAUnsupportedError|NoAuthTokenError|TokenRetrievalError", errors.KeysRefusedError),
        Rule("SSOError|LoginError|MetadataRetrievalError", errors.KeysRefusedError),
        Rule("ConnectionError|HTTPClientError|IncompleteReadError", errors.UnavailableError),
        Rule("ChecksumError|FlexibleChecksumError|ResponseParserError", errors.UnavailableError),
        Rule("BotoCoreError", errors.RejectedError),  # the root of the others
    ),
)


class OtherRegionError(errors.ForbiddenError):
    """A bucket in another region than the one that is called. `endpoint` is the bucket's own."""

    def __init__(self, operation: str, answer: SdkFailure, endpoint: str) -> None:
        detail = (
            f"the bucket is in another region than the one of ICE_RESULT_REGION or --region: it must be addressed "
            f"using {endpoint or 'its own endpoint'}"
        )
        super().__init__(
            operation,
            service=OSS,
            code=answer.code,
            status=answer.status,
            detail=detail,
            request_id=answer.request_id,
        )
        self.endpoint = endpoint


def translate_oss(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through oss2 raised; one of ours, or a defect, comes out unchanged."""
    failure = None if isinstance(error, errors.IceResultError) else _oss_failure(error)
    if failure is None:
        return error
    if "must be addressed using" in failure.message:
        details = attribute(error, "details", dict[str, str | None]())
        return OtherRegionError(operation, failure, details.get("Endpoint") or "")
    return classify(failure, _OSS_TABLE, operation)


def _oss_failure(error: Exception) -> SdkFailure | None:
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


def translate_s3(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through boto3 raised; one of ours, or a defect, comes out unchanged."""
    failure = _s3_failure(error)
    return classify(failure, _S3_TABLE, operation) if failure else error


def _s3_failure(error: Exception) -> SdkFailure | None:
    response = getattr(error, "response", None)
    if not isinstance(response, Mapping):
        known = {"BotoCoreError", "ResponseParserError", "ConnectionError", "HTTPError"}  # the last is urllib3's root
        return SdkFailure(cause=error) if known & class_names(error) else None
    said, about = _part(response, "Error"), _part(response, "ResponseMetadata")
    code, status = str(said.get("Code") or ""), about.get("HTTPStatusCode")
    return SdkFailure(
        code="" if code.isdecimal() else code,  # the SDK's stand-in where a reply says nothing
        status=status if isinstance(status, int) and status else None,
        message=str(said.get("Message") or ""),
        request_id=str(about.get("RequestId") or ""),
        retry_after_seconds=seconds_to_wait(_part(about, "HTTPHeaders").get("retry-after")),
    )


def _part(response: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = response.get(name)
    return part if isinstance(part, Mapping) else {}
