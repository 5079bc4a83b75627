"""What the SDK of Tablestore raises, told in our own errors.

The SDK is not imported here: its exceptions are known by attributes [read in the source of tablestore 6.4]. An answer
of the service has `code`; what the SDK itself finds fault with has `http_status`, None when nothing was sent yet.
What the connection raised comes bare, from urllib3. The codes are those of Tablestore's documentation.
"""

from __future__ import annotations

from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NoSuchTableError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)

SERVICE = "Tablestore"
CONDITION_FAILED = "OTSConditionCheckFail"
ALREADY_THERE = "OTSObjectAlreadyExist"
_KINDS_BY_CODE: dict[str, type[ServiceError]] = {
    "OTSAuthFailed": ForbiddenError,
    "OTSNoPermissionAccess": ForbiddenError,
    "OTSRequestTimeTooSkewed": ClockSkewError,
    "OTSObjectNotExist": NoSuchTableError,
    "OTSQuotaExhausted": ThrottledError,
    "OTSServerBusy": ThrottledError,
    "OTSNotEnoughCapacityUnit": ThrottledError,
    "OTSOperationThrottled": ThrottledError,
    "OTSCapacityUnitExhausted": ThrottledError,
    "OTSTooFrequentReservedThroughputAdjustment": ThrottledError,
    "OTSInternalServerError": UnavailableError,
    "OTSServerUnavailable": UnavailableError,
    "OTSPartitionUnavailable": UnavailableError,
    "OTSTableNotReady": UnavailableError,
    "OTSRowOperationConflict": UnavailableError,
    "OTSOperationConflict": UnavailableError,
    "OTSTimeout": TimedOutError,
    "OTSRequestTimeout": TimedOutError,
    CONDITION_FAILED: RejectedError,
    ALREADY_THERE: RejectedError,
    "OTSInvalidPK": RejectedError,
    "OTSMethodNotAllowed": RejectedError,
    "OTSParameterInvalid": RejectedError,
    "OTSRequestBodyTooLarge": RejectedError,
    "OTSUnsupportOperation": RejectedError,
}
_AUTHENTICATION_FAILED = "OTSAuthFailed"
_CLOCK_SKEW = "Mismatch between system time"  # as documented; how keys that have expired are told is inferred
_PREFIXES_OF_REJECTIONS = ("OTSOutOf", "OTSInvalid")
_KINDS_BY_STATUS: dict[int, type[ServiceError]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    408: TimedOutError,
    429: ThrottledError,
}
_CLIENT_ERRORS = range(400, 500)


def translate(error: Exception, operation: str) -> Exception:
    """Our error for what a call through the SDK raised. What is no answer of any kind, a defect, stays as it is."""
    import urllib3  # noqa: PLC0415  as above

    if isinstance(error, IceResultError):
        return error
    if isinstance(error, urllib3.exceptions.HTTPError):
        return _of_connection(error, operation)
    if isinstance(getattr(error, "code", None), str):
        return _of_answer(error, operation)
    if hasattr(error, "http_status"):
        return _of_sdk(error, operation)
    if type(error).__name__ in {"DecodeError", "ValueError", "IndexError", "KeyError"}:  # from the SDK's parsing
        return UnavailableError(
            operation, service=SERVICE, detail=f"a reply that cannot be read ({type(error).__name__})"
        )
    return error


def of_row(code: str, message: str, operation: str) -> ServiceError:
    """The error of one row in a batch, which else went through."""
    detail = "no such table: run `ice-result setup --tables`" if code == "OTSObjectNotExist" else message
    return _kind(code, None, message)(operation, service=SERVICE, code=code, detail=detail)


def _of_answer(error: Exception, operation: str) -> ServiceError:
    code, status = _text(error, "code"), getattr(error, "http_status", None)
    detail = (
        "no such table: run `ice-result setup --tables`" if code == "OTSObjectNotExist" else _text(error, "message")
    )
    return _kind(code, status, _text(error, "message"))(
        operation, service=SERVICE, code=code, status=status, detail=detail, request_id=_text(error, "request_id")
    )


def _of_sdk(error: Exception, operation: str) -> ServiceError:
    """What the SDK refuses to send; or a reply that is not Tablestore's, as a gateway's page, or fails its checks."""
    status = getattr(error, "http_status", None)
    if status is None:
        return RejectedError(operation, service=SERVICE, detail=_text(error, "message"))
    return _kind("", status)(operation, service=SERVICE, status=status, detail=_text(error, "message"))


def _of_connection(error: Exception, operation: str) -> ServiceError:
    import urllib3  # noqa: PLC0415  as above

    name = type(error).__name__
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return TimedOutError(operation, service=SERVICE, detail=f"no reply in time ({name})")
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return RejectedError(operation, service=SERVICE, detail="no such request can be sent: check the endpoint")
    return UnavailableError(operation, service=SERVICE, detail=f"{name}: {error}")


def _kind(code: str, status: int | None, message: str = "") -> type[ServiceError]:
    if code == _AUTHENTICATION_FAILED and message.startswith(_CLOCK_SKEW):
        return ClockSkewError
    if code == _AUTHENTICATION_FAILED and "expired" in message.lower():
        return KeysExpiredError
    if code in _KINDS_BY_CODE:
        return _KINDS_BY_CODE[code]
    if code.startswith(_PREFIXES_OF_REJECTIONS):
        return RejectedError
    if status in _KINDS_BY_STATUS:
        return _KINDS_BY_STATUS[status]
    return RejectedError if status is None or status in _CLIENT_ERRORS else UnavailableError


def _text(error: Exception, name: str) -> str:
    value = getattr(error, name, "")
    return value if isinstance(value, str) else ""
