"""What OSS and its SDK can say, and what becomes of it."""

from __future__ import annotations

import inspect

import oss2
import pytest
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
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
from ice_result.sinks.object.errors import OtherRegionError, translate_oss

TRIED = "write oss://records/key"
SPECIAL: dict[str, tuple[object, ...]] = {
    "ClientError": ("bad argument",),
    "RequestError": (ProtocolError("refused"),),
    "InconsistentError": ("checksums differ", "ID-1"),
    "OpenApiFormatError": ("not JSON",),
    "OpenApiServerError": (500, "ID-1", "sorry", "InternalError"),
    "SelectOperationFailed": (400, "InvalidExpression", "bad SQL"),
    "SelectOperationClientError": ("short read", "ID-1"),
}
KINDS: dict[str, type[ServiceError]] = {
    "ClientError": RejectedError,
    "RequestError": UnavailableError,
    "InconsistentError": UnavailableError,
    "OpenApiFormatError": UnavailableError,
    "OpenApiServerError": UnavailableError,
    "OssError": RejectedError,
    "ServerError": RejectedError,
    "AccessDenied": ForbiddenError,
    "InvalidDigest": UnavailableError,
    "NoSuchBucket": NoSuchBucketError,
    "SignatureDoesNotMatch": KeysRefusedError,
    "WORMConfigurationLocked": ForbiddenError,
}
CLASSES = sorted(
    (
        kind
        for _, kind in inspect.getmembers(oss2.exceptions, inspect.isclass)
        if issubclass(kind, oss2.exceptions.OssError)
    ),
    key=lambda kind: str(kind.__name__),
)


def answer(status: int, code: str | None, message: str | None = "sorry", **details: str) -> Exception:
    error: Exception = oss2.exceptions.ServerError(
        status, {"x-oss-request-id": "ID-1"}, b"", {"Code": code, "Message": message, **details}
    )
    return error


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_the_sdk_has_one_of_ours(kind: type[Exception]) -> None:
    """Each of oss2's exceptions becomes one of our service errors: not found, refused, or worth another try."""
    status = getattr(kind, "status", 400)
    code = getattr(kind, "code", "Other")
    headers = {"x-oss-request-id": "ID-1", "x-oss-next-append-position": "1"}
    arguments = SPECIAL.get(kind.__name__, (status, headers, b"", {"Code": code}))

    ours = translate_oss(kind(*arguments), TRIED)

    usual = NotFoundError if status == 404 else RejectedError
    assert type(ours) is KINDS.get(kind.__name__, usual)
    assert str(ours).startswith(f"OSS: {TRIED}")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", ForbiddenError),
        (403, "InvalidAccessKeyId", KeysRefusedError),
        (403, "InvalidSecurityToken", KeysExpiredError),
        (403, "SecurityTokenExpired", KeysExpiredError),
        (400, "SecurityTokenNotSupported", KeysRefusedError),
        (403, "RequestTimeTooSkewed", ClockSkewError),
        (403, "UserDisable", ForbiddenError),
        (403, "", ForbiddenError),
        (404, "NoSuchBucket", NoSuchBucketError),
        (404, "NoSuchBucketPolicy", NotFoundError),
        (403, "InvalidObjectState", RejectedError),
        (404, "NoSuchKey", NotFoundError),
        (404, "", NotFoundError),
        (400, "RequestTimeout", TimedOutError),
        (503, "QpsLimitExceeded", ThrottledError),
        (503, "UploadTrafficRateLimitExceeded", ThrottledError),
        (503, "ServerBusy", ThrottledError),
        (503, "SlowDown", ThrottledError),
        (429, "", ThrottledError),
        (503, "", UnavailableError),
        (500, "InternalError", UnavailableError),
        (502, None, UnavailableError),
        (501, "NotImplemented", RejectedError),
        (400, "InvalidArgument", RejectedError),
        (400, "BucketLimitExceeded", RejectedError),
        (409, "FileAlreadyExists", RejectedError),
        (418, None, RejectedError),
    ],
)
def test_answers_are_known_by_code_then_by_status(status: int, code: str | None, kind: type[ServiceError]) -> None:
    """What decides about retries is the code where there is one, and the status for all others."""
    ours = translate_oss(answer(status, code), TRIED)

    assert type(ours) is kind


def test_a_message_has_code_status_and_request_id() -> None:
    """An operator can look the error up, and ask support about it."""
    ours = translate_oss(answer(400, "InvalidArgument", "no such thing"), TRIED)

    assert str(ours) == f"OSS: {TRIED}: 400 InvalidArgument: no such thing: request id ID-1"
    assert isinstance(ours, ServiceError)
    assert (ours.code, ours.status, ours.request_id) == ("InvalidArgument", 400, "ID-1")


@pytest.mark.parametrize(("header", "seconds"), [("3", 3.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)])
def test_the_time_that_a_service_asks_for_is_kept(header: str, seconds: float | None) -> None:
    """Retry-After in seconds, as HTTP has it; in another form it says nothing."""
    error = oss2.exceptions.ServerError(503, {"Retry-After": header}, b"", {"Code": "QpsLimitExceeded"})
    ours = translate_oss(error, TRIED)
    assert isinstance(ours, ThrottledError)
    assert ours.retry_after_seconds == seconds


def test_a_wrong_signature_is_told_without_what_was_signed() -> None:
    """The service's message holds the string to sign, and with it the token: it says what to check instead."""
    ours = translate_oss(answer(403, "SignatureDoesNotMatch", "we signed x-oss-security-token:TOKEN"), TRIED)

    assert "TOKEN" not in str(ours)
    assert "the AccessKey secret does not belong to the AccessKey ID" in str(ours)


def test_a_bucket_in_another_region_is_told_with_its_endpoint() -> None:
    """A wrong region looks like a lack of permission; the answer says where the bucket is."""
    message = "The bucket you are attempting to access must be addressed using the specified endpoint."
    ours = translate_oss(answer(403, "AccessDenied", message, Endpoint="oss-cn-beijing.aliyuncs.com"), TRIED)

    assert isinstance(ours, OtherRegionError)
    assert ours.endpoint == "oss-cn-beijing.aliyuncs.com"
    assert "another region than the one of ICE_RESULT_REGION or --region: it must be addressed using oss-cn" in str(
        ours
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectTimeoutError("slow"), TimedOutError),
        (ReadTimeoutError(HTTPConnectionPool("host"), "/key", "slow"), TimedOutError),
        (NewConnectionError(HTTPConnection("host"), "refused"), UnavailableError),
        (SSLError("no trust"), UnavailableError),
        (IncompleteRead(1, 2), UnavailableError),
        (ValueError("line break in TOKEN\n"), RejectedError),
    ],
)
def test_broken_connections_are_worth_another_try(error: Exception, kind: type[ServiceError]) -> None:
    """What cannot be sent is not, and is told without what it was: that might be a header with the token."""
    ours = translate_oss(oss2.exceptions.RequestError(error), TRIED)

    assert type(ours) is kind
    assert "TOKEN" not in str(ours)


@pytest.mark.parametrize(
    "error", [ValueError("time data"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), LookupError()]
)
def test_a_reply_that_cannot_be_read_is_worth_another_try(error: Exception) -> None:
    """The SDK's parsing of headers and error bodies raises what Python raises."""
    assert isinstance(translate_oss(error, TRIED), UnavailableError)


def test_our_own_errors_and_defects_stay_as_they_are() -> None:
    """Missing credentials are told as such, and a mistake in our code is never taken for an answer of OSS."""
    ours = ForbiddenError("find credentials", service="RAM")
    defect = AttributeError("no such attribute")

    assert translate_oss(ours, TRIED) is ours
    assert translate_oss(defect, TRIED) is defect
    assert issubclass(OtherRegionError, IceResultError)


def test_a_region_that_is_not_the_buckets_names_the_variable() -> None:
    """GIVEN the answer of OSS to a signature for another region THEN the variable and the option are named."""
    ours = translate_oss(answer(400, "InvalidArgument", "Invalid signing region in Authorization header."), TRIED)
    assert isinstance(ours, RejectedError)
    assert "the region of ICE_RESULT_REGION or --region is not that of the bucket (Invalid signing region" in str(ours)
    other = translate_oss(answer(400, "InvalidArgument", "Invalid part number."), TRIED)
    assert "ICE_RESULT_REGION" not in str(other)
