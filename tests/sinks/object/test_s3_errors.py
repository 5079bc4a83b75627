"""What S3 and boto3 can say, and what becomes of it."""

from __future__ import annotations

import inspect

import botocore.exceptions
import botocore.parsers
import pytest
import urllib3
from botocore.exceptions import ClientError

from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    KeysExpiredError,
    KeysRefusedError,
    NoSuchBucketError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.sinks.object.errors import translate_s3

TRIED = "write s3://records/key"
CLASSES = sorted(
    (
        kind
        for _, kind in inspect.getmembers(botocore.exceptions, inspect.isclass)
        if issubclass(kind, botocore.exceptions.BotoCoreError)
    ),
    key=lambda kind: str(kind.__name__),
)
TIMED_OUT = {"ConnectTimeoutError", "ReadTimeoutError"}
FORBIDDEN = {
    "CredentialRetrievalError",
    "LoginAuthorizationCodeError",
    "LoginError",
    "LoginInsufficientPermissions",
    "LoginRefreshRequired",
    "LoginTokenLoadError",
    "MetadataRetrievalError",
    "NoAuthTokenError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "RefreshWithMFAUnsupportedError",
    "SSOError",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
    "UnknownCredentialError",
}
UNAVAILABLE = {
    "ChecksumError",
    "ConnectionClosedError",
    "ConnectionError",
    "EndpointConnectionError",
    "FlexibleChecksumError",
    "HTTPClientError",
    "IncompleteReadError",
    "ProxyConnectionError",
    "ResponseStreamingError",
    "SSLError",
}


def instance(kind: type[Exception]) -> Exception:
    """An exception of botocore's, with what its text needs."""
    names = [part.split("}")[0].split("[")[0] for part in str(getattr(kind, "fmt", "")).split("{")[1:]]
    usual = {"error": "broken", "endpoint_url": "http://127.0.0.1", "report": "bad"}
    if kind is botocore.exceptions.WaiterError:
        waited: Exception = kind("bucket_exists", "too long", {})
        return waited
    error: Exception = kind(**{**dict.fromkeys(names, "anything"), **usual})
    return error


def answer(status: int, code: str, message: str = "sorry") -> ClientError:
    about = {"HTTPStatusCode": status, "RequestId": "ID-1"}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": about}, "PutObject")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_the_sdk_has_one_of_ours(kind: type[Exception]) -> None:
    """Each of botocore's exceptions is about time, keys, the connection, or a request that cannot be sent at all."""
    ours = translate_s3(instance(kind), TRIED)

    name = kind.__name__
    expected: type[ServiceError] = RejectedError
    for names, ours_of_them in (
        (TIMED_OUT, TimedOutError),
        (FORBIDDEN, KeysRefusedError),
        (UNAVAILABLE, UnavailableError),
    ):
        expected = ours_of_them if name in names else expected
    assert type(ours) is expected
    assert str(ours).startswith(f"S3: {TRIED}: {name}")
    assert "\n" not in str(ours)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", ForbiddenError),
        (403, "InvalidAccessKeyId", KeysRefusedError),
        (403, "SignatureDoesNotMatch", KeysRefusedError),
        (400, "ExpiredToken", KeysExpiredError),
        (400, "InvalidToken", KeysRefusedError),
        (400, "TokenRefreshRequired", KeysExpiredError),
        (403, "SecurityTokenExpired", KeysExpiredError),
        (403, "InvalidSecurityToken", KeysExpiredError),
        (403, "RequestTimeTooSkewed", ClockSkewError),
        (403, "AllAccessDisabled", ForbiddenError),
        (403, "403", ForbiddenError),
        (401, "", ForbiddenError),
        (404, "NoSuchBucket", NoSuchBucketError),
        (404, "NoSuchBucketPolicy", NotFoundError),
        (403, "InvalidObjectState", RejectedError),
        (404, "NoSuchKey", NotFoundError),
        (404, "404", NotFoundError),
        (400, "RequestTimeout", TimedOutError),
        (408, "", TimedOutError),
        (503, "SlowDown", ThrottledError),
        (503, "ServerBusy", ThrottledError),
        (503, "QpsLimitExceeded", ThrottledError),
        (429, "TooManyRequests", ThrottledError),
        (503, "ServiceUnavailable", UnavailableError),
        (500, "InternalError", UnavailableError),
        (200, "InternalError", UnavailableError),
        (502, "502", UnavailableError),
        (409, "OperationAborted", UnavailableError),
        (400, "BadDigest", UnavailableError),
        (400, "InvalidDigest", UnavailableError),
        (501, "NotImplemented", RejectedError),
        (400, "InvalidArgument", RejectedError),
        (400, "AuthorizationHeaderMalformed", RejectedError),
        (412, "PreconditionFailed", RejectedError),
        (301, "PermanentRedirect", RejectedError),
        (0, "", RejectedError),
    ],
)
def test_answers_are_known_by_code_then_by_status(status: int, code: str, kind: type[ServiceError]) -> None:
    """What decides about retries is the code where there is one, and the status for all others."""
    assert type(translate_s3(answer(status, code), TRIED)) is kind


def test_a_message_has_code_status_and_request_id() -> None:
    """An operator can look the error up, and ask support about it."""
    ours = translate_s3(answer(400, "InvalidArgument", "no such thing"), TRIED)

    assert str(ours) == f"S3: {TRIED}: 400 InvalidArgument: no such thing: request id ID-1"
    assert isinstance(ours, ServiceError)
    assert (ours.code, ours.status, ours.request_id) == ("InvalidArgument", 400, "ID-1")


def test_the_time_that_a_service_asks_for_is_kept() -> None:
    """Retry-After, in seconds."""
    about = {"HTTPStatusCode": 503, "HTTPHeaders": {"retry-after": "3"}}
    ours = translate_s3(ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": about}, "PutObject"), TRIED)
    assert isinstance(ours, ThrottledError)
    assert ours.retry_after_seconds == 3.0


def test_a_wrong_signature_is_told_without_what_was_signed() -> None:
    """The service's message may hold the string to sign, and with it the token."""
    ours = translate_s3(answer(403, "SignatureDoesNotMatch", "we signed x-amz-security-token:TOKEN"), TRIED)

    assert "TOKEN" not in str(ours)
    assert "the AccessKey secret does not belong to the AccessKey ID" in str(ours)


def test_a_redirect_says_what_to_check() -> None:
    """Another region's bucket, or another host: a setting is wrong."""
    ours = translate_s3(answer(301, "PermanentRedirect", "use another endpoint"), TRIED)

    assert "check the endpoint and the region (use another endpoint)" in str(ours)


@pytest.mark.parametrize("response", [{}, {"Error": None}, {"Error": {"Code": None}, "ResponseMetadata": "x"}])
def test_an_answer_that_says_nothing_is_still_an_error_of_ours(response: dict[str, object]) -> None:
    """Servers that only nearly speak S3 exist."""
    error = ClientError({}, "PutObject")
    error.response = response

    assert type(translate_s3(error, TRIED)) is RejectedError


def test_a_reply_that_cannot_be_read_is_worth_another_try() -> None:
    """The SDK's parser has an exception of its own, outside the tree of the others."""
    assert isinstance(translate_s3(botocore.parsers.ResponseParserError("no XML"), TRIED), UnavailableError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("host"), "/key", "slow"), TimedOutError),
        (urllib3.exceptions.SSLError("EOF"), UnavailableError),
        (ConnectionResetError(104, "reset"), UnavailableError),
    ],
)
def test_a_connection_that_breaks_below_the_sdk_is_worth_another_try(
    error: Exception, kind: type[ServiceError]
) -> None:
    """The SDK lets some errors of the connection through while a body is read."""
    assert type(translate_s3(error, TRIED)) is kind


def test_our_own_errors_and_defects_stay_as_they_are() -> None:
    """Missing credentials are told as such, and a mistake in our code is never taken for an answer of S3."""
    ours = ForbiddenError("find credentials", service="RAM")
    defect = AttributeError("no such attribute")

    assert translate_s3(ours, TRIED) is ours
    assert translate_s3(defect, TRIED) is defect


def test_a_wrong_region_names_the_variable() -> None:
    """GIVEN the answer of S3 to a signature for another region THEN the variable of the region is named."""
    told = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
    ours = translate_s3(answer(400, "AuthorizationHeaderMalformed", told), TRIED)
    assert isinstance(ours, RejectedError)
    assert f"the region of AWS_DEFAULT_REGION is not that of the bucket ({told})" in str(ours)
