"""Errors of Tablestore, and of the SDK that calls it.

The SDK's exceptions are known by attributes [read in the source of tablestore 6.4]. An answer of the service has
`code`; what the SDK itself finds fault with has `http_status`, None when nothing was sent yet. What the connection
raised comes bare, from urllib3. The codes are those of Tablestore's documentation.
"""

from __future__ import annotations

from ice_result import errors
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, attribute, class_names, classify

SERVICE = "Tablestore"
CONDITION_FAILED = "OTSConditionCheckFail"
ALREADY_THERE = "OTSObjectAlreadyExist"
_TABLE = ErrorTable(
    SERVICE,
    rules=(
        Rule("OTSAuthFailed", errors.ClockSkewError, words="^Mismatch between system time"),  # documented
        Rule("OTSAuthFailed", errors.KeysExpiredError, words="(?i)expired"),  # inferred
        Rule("OTSAuthFailed|OTSNoPermissionAccess", errors.ForbiddenError),
        Rule("OTSRequestTimeTooSkewed", errors.ClockSkewError),
        Rule("OTSObjectNotExist", errors.NoSuchTableError, "no such table: run `ice-result setup --tables`"),
        Rule("OTSQuotaExhausted|OTSServerBusy|OTSNotEnoughCapacityUnit|OTSOperationThrottled", errors.ThrottledError),
        Rule("OTSCapacityUnitExhausted|OTSTooFrequentReservedThroughputAdjustment", errors.ThrottledError),
        Rule("OTSInternalServerError|OTSServerUnavailable|OTSPartitionUnavailable", errors.UnavailableError),
        Rule("OTSTableNotReady|OTSRowOperationConflict|OTSOperationConflict", errors.UnavailableError),
        Rule("OTSTimeout|OTSRequestTimeout", errors.TimedOutError),
        Rule(f"{CONDITION_FAILED}|{ALREADY_THERE}|OTSMethodNotAllowed|OTSParameterInvalid", errors.RejectedError),
        Rule("OTSRequestBodyTooLarge|OTSUnsupportOperation|OTSOutOf|OTSInvalid", errors.RejectedError),
        Rule("", errors.NotFoundError, statuses=(404,)),
        Rule("", errors.TimedOutError, statuses=(408,)),
        Rule("", errors.RejectedError, statuses=(None,)),  # not sent; or a row of a batch
    ),
    classes=(Rule("SSLError", errors.UnavailableError, "SSLError: {message}"),),  # also for a certificate: tried again
)


def translate(error: Exception, operation: str) -> Exception:
    """Return our error for what a call through the SDK raised; one of ours, or a defect, comes out unchanged."""
    failure = None if isinstance(error, errors.IceResultError) else _failure(error)
    return classify(failure, _TABLE, operation) if failure else error


def of_row(code: str, message: str, operation: str) -> errors.ServiceError:
    """Return the error of one row in a batch that was accepted as a whole."""
    return classify(SdkFailure(code=code, message=message), _TABLE, operation)


def _failure(error: Exception) -> SdkFailure | None:
    names = class_names(error)
    if "HTTPError" in names:  # the root of urllib3's
        return SdkFailure(cause=error)
    if isinstance(getattr(error, "code", None), str) or hasattr(error, "http_status"):
        return SdkFailure(
            code=attribute(error, "code", ""),
            status=attribute(error, "http_status", 0) or None,
            message=attribute(error, "message", ""),
            request_id=attribute(error, "request_id", ""),
        )
    if names & {"DecodeError", "ValueError", "LookupError"}:  # from the SDK's parsing
        return SdkFailure(cause=error, unreadable=True)
    return None
