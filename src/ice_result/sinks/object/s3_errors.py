"""Errors of S3, and of boto3, which calls it.

The SDK's exceptions are known by the names of their classes, and an answer of the service by its `response`
[read in the source of botocore 1.44].
"""

from __future__ import annotations

from collections.abc import Mapping

from ice_result import errors
from ice_result.core.sdk_errors import REDIRECTED, ErrorTable, Rule, SdkFailure, class_names, classify, seconds_to_wait
from ice_result.sinks.object import oss_errors

SERVICE = "S3"
_TABLE = ErrorTable(
    SERVICE,
    rules=(
        Rule("ExpiredToken|TokenRefreshRequired", errors.KeysExpiredError),
        Rule("RequestExpired", errors.ClockSkewError),
        Rule("InvalidToken", errors.ForbiddenError),
        Rule("BadDigest", errors.UnavailableError),  # what arrived is not what was sent: send it again
        Rule("OperationAborted", errors.UnavailableError),  # another write of the same key is under way
        Rule("Throttl|TooManyRequests", errors.ThrottledError, statuses=(503,)),
        *oss_errors.RULES,
        Rule("", errors.RejectedError, statuses=(None,)),
        Rule("", errors.RejectedError, f"{REDIRECTED} and the region ({{message}})", statuses=range(300, 400)),
    ),
    classes=(
        Rule("ConnectTimeoutError|ReadTimeoutError", errors.TimedOutError),
        Rule("(No|Partial)CredentialsError|CredentialRetrievalError|UnknownCredentialError", errors.ForbiddenError),
        Rule("RefreshWithMFAUnsupportedError|NoAuthTokenError|TokenRetrievalError", errors.ForbiddenError),
        Rule("SSOError|LoginError|MetadataRetrievalError", errors.ForbiddenError),
        Rule("ConnectionError|HTTPClientError|IncompleteReadError", errors.UnavailableError),
        Rule("ChecksumError|FlexibleChecksumError|ResponseParserError", errors.UnavailableError),
        Rule("BotoCoreError", errors.RejectedError),  # the root of the others
    ),
)


def translate(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through boto3 raised; one of ours, or a defect, comes out unchanged."""
    failure = _failure(error)
    return classify(failure, _TABLE, operation) if failure else error


def _failure(error: Exception) -> SdkFailure | None:
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
