"""Every error of the Tablestore SDK, and every code of the service, as one of ours: raised by the SDK's own classes."""

from __future__ import annotations

import inspect
import ssl
import warnings

import pytest
import urllib3

from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    KeysRefusedError,
    NoSuchTableError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.sinks.table.tablestore_client import of_row, translate

CODES: dict[str, type[ServiceError]] = {
    "OTSAuthFailed": KeysRefusedError,
    "OTSNoPermissionAccess": ForbiddenError,
    "OTSObjectNotExist": NoSuchTableError,
    "OTSQuotaExhausted": ThrottledError,
    "OTSServerBusy": ThrottledError,
    "OTSNotEnoughCapacityUnit": ThrottledError,
    "OTSOperationThrottled": ThrottledError,
    "OTSInternalServerError": UnavailableError,
    "OTSServerUnavailable": UnavailableError,
    "OTSPartitionUnavailable": UnavailableError,
    "OTSTableNotReady": UnavailableError,
    "OTSRowOperationConflict": UnavailableError,
    "OTSTimeout": TimedOutError,
    "OTSRequestTimeout": TimedOutError,
    "OTSParameterInvalid": RejectedError,
    "OTSInvalidPK": RejectedError,
    "OTSOutOfRowSizeLimit": RejectedError,
    "OTSOutOfColumnCountLimit": RejectedError,
    "OTSConditionCheckFail": RejectedError,
    "OTSObjectAlreadyExist": RejectedError,
    "OTSRequestBodyTooLarge": RejectedError,
    "OTSMethodNotAllowed": RejectedError,
}


@pytest.fixture(scope="module")
def sdk() -> dict[str, type[Exception]]:
    """The SDK's classes of errors, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # it warns when its C parts are not for this Python
        import tablestore.error  # noqa: PLC0415  as said

    return dict(inspect.getmembers(tablestore.error, inspect.isclass))


def test_every_class_of_the_sdk_is_known(sdk: dict[str, type[Exception]]) -> None:
    """A new one in the SDK would show here."""
    assert set(sdk) == {"OTSError", "OTSClientError", "OTSServiceError"}


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_a_code_of_the_service_decides(code: str, kind: type[ServiceError], sdk: dict[str, type[Exception]]) -> None:
    """Whatever the status; the request id is kept. The same code may be that of one row in a batch."""
    error = translate(sdk["OTSServiceError"](503, code, "Why not.", "rid-1"), "write x")

    assert type(error) is kind
    assert str(error).startswith(f"Tablestore: write x: 503 {code}: ")
    assert str(error).endswith(": request id rid-1")
    assert type(of_row(code, "Why not.", "write x")) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Mismatch between system time and x-ots-date: Mon, 02 Mar 2026 08:15:30 GMT.", ClockSkewError),  # documented
        ("The security token has expired.", KeysExpiredError),  # inferred
        ("Signature mismatch.", KeysRefusedError),
        ("The AccessKeyID is disabled.", KeysRefusedError),
    ],
)
def test_the_words_of_a_failed_authentication_decide(
    message: str, kind: type[ServiceError], sdk: dict[str, type[Exception]]
) -> None:
    """A wrong clock and keys that have expired have the code that wrong keys have too."""
    assert type(translate(sdk["OTSServiceError"](403, "OTSAuthFailed", message), "write x")) is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(400, RejectedError), (403, ForbiddenError), (404, NotFoundError), (500, UnavailableError)]
)
def test_a_code_nobody_documented_goes_by_its_status(
    status: int, kind: type[ServiceError], sdk: dict[str, type[Exception]]
) -> None:
    """The code is still in the message."""
    error = translate(sdk["OTSServiceError"](status, "OTSNew", "New."), "write x")

    assert type(error) is kind
    assert "OTSNew: New." in str(error)


def test_a_missing_table_says_what_to_do(sdk: dict[str, type[Exception]]) -> None:
    """For a call, and for a row in a batch."""
    missing = sdk["OTSServiceError"](404, "OTSObjectNotExist", "Requested table does not exist.")

    assert "run `ice-result setup --tables --yes`" in str(translate(missing, "write x"))
    assert "run `ice-result setup --tables --yes`" in str(of_row("OTSObjectNotExist", "", "write x"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (None, RejectedError),
        (200, UnavailableError),
        (400, RejectedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (408, TimedOutError),
        (429, ThrottledError),
        (502, UnavailableError),
    ],
)
def test_what_the_sdk_finds_fault_with(
    status: int | None, kind: type[ServiceError], sdk: dict[str, type[Exception]]
) -> None:
    """Our request before it is sent; a reply that is not Tablestore's, as a proxy's page, by its status."""
    error = translate(sdk["OTSClientError"]("MD5 mismatch in response.", status), "write x")

    assert type(error) is kind
    assert "MD5 mismatch" in str(error)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("h"), "/", "Read timed out."), TimedOutError),
        (urllib3.exceptions.ConnectTimeoutError("no"), TimedOutError),
        (urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("h"), "refused"), UnavailableError),
        (urllib3.exceptions.ProtocolError("Connection aborted."), UnavailableError),
        (urllib3.exceptions.SSLError(ssl.SSLError("bad certificate")), UnavailableError),
        (urllib3.exceptions.LocationParseError("x"), RejectedError),
        (IndexError("out of range"), UnavailableError),
        (ValueError("no such tag"), UnavailableError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_the_connection_raises(raised: Exception, kind: type[ServiceError]) -> None:
    """Timeouts, connections that break, and replies that cannot be read."""
    assert type(translate(raised, "write x")) is kind


def test_ours_and_defects_stay_as_they_are() -> None:
    """No keys is our own error; a mistake in the program must show as one."""
    ours, defect = IceResultError("mine"), AttributeError("none")

    assert translate(ours, "write x") is ours
    assert translate(defect, "write x") is defect
