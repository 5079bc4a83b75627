"""The contract with the SDK: whatever class it raises, ours comes out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import alibabacloud_ice20201109.client  # noqa: F401  defines every class there is
import pytest
import requests
import Tea.exceptions as tea
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba import exceptions as dara
from darabonba.policy.retry import RetryPolicyContext

from ice_result.core.gateway_errors import translate
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    KeysRefusedError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.jobs import IceClient

SECRET = "S3cr3tV4lue"
WORDS = f"Authorization: ACS3-HMAC-SHA256 Credential=x,Signature={SECRET}, x-acs-security-token:{SECRET} http://b/k?Signature={SECRET}"
ROOTS: tuple[type[Exception], ...] = (
    *(tea.TeaException, tea.ValidateException, tea.RetryError),
    *(dara.ValidateException, dara.RetryError, CredentialException, requests.RequestException),
)
OURS = ("Tea", "darabonba", "alibabacloud", "requests")


def subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(OURS):
            yield from subclasses(child)


CLASSES = sorted(
    {kind for root in ROOTS for kind in subclasses(root)}, key=lambda kind: (kind.__module__, kind.__name__)
)


def make(kind: type[Exception]) -> Exception:
    """An exception of this class, with secrets wherever it can hold a text."""
    make_it: Callable[..., Exception] = kind
    if issubclass(kind, dara.ResponseException):
        return make_it(code="Whatever", message=WORDS, status_code=400, data={"Message": WORDS}, description=WORDS)
    if issubclass(kind, dara.UnretryableException):
        return make_it(RetryPolicyContext(exception=dara.RetryError(WORDS)))
    if issubclass(kind, tea.UnretryableException):
        return make_it(None, ValueError(WORDS))
    if issubclass(kind, tea.TeaException):
        return make_it({"code": "Whatever", "message": WORDS, "data": {"statusCode": 403, "Message": WORDS}})
    if issubclass(kind, requests.exceptions.JSONDecodeError):
        return make_it(WORDS, WORDS, 0)
    return make_it(WORDS)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_class_of_the_sdk_becomes_one_of_our_errors(kind: type[Exception]) -> None:
    """GIVEN any class of the SDK or its transport WHEN it is translated THEN the error is ours, without secrets."""
    error = translate(make(kind), "query job-1", IceClient.errors)
    assert isinstance(error, ServiceError)
    assert type(error) is not ServiceError
    assert str(error).startswith("ICE: query job-1: ")
    assert SECRET not in str(error)


def wrapped(error: Exception) -> Exception:
    """As the SDK wraps it: an UnretryableException of a RetryError, which has the original in its context only."""
    try:
        try:
            raise error
        except OSError as caught:
            raise dara.RetryError(str(caught))  # noqa: B904  as the SDK does
    except Exception as retry:  # noqa: BLE001  whatever it is by now
        outermost: Exception = dara.UnretryableException(RetryPolicyContext(exception=retry))
    return outermost


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ReadTimeout("read timed out"), TimedOutError),
        (requests.ConnectTimeout("connect timed out"), TimedOutError),
        (TimeoutError("timed out"), TimedOutError),
        (requests.ConnectionError("refused"), UnavailableError),
        (ConnectionResetError(104, "reset"), UnavailableError),
        (requests.exceptions.ChunkedEncodingError("cut short"), UnavailableError),
        (requests.exceptions.ProxyError("no proxy"), UnavailableError),
        (requests.exceptions.SSLError("EOF"), UnavailableError),
        (ssl.SSLCertVerificationError("self-signed"), RejectedError),
        (requests.exceptions.InvalidURL(WORDS), RejectedError),
        (requests.exceptions.InvalidHeader(WORDS), RejectedError),
        (UnicodeEncodeError("latin-1", WORDS, 0, 1, "no"), RejectedError),
        (tea.RequiredArgumentException("endpoint"), RejectedError),
        (CredentialException(WORDS), KeysRefusedError),
        (RuntimeError(f"Failed to parse the value as json format, Value: {WORDS}"), UnavailableError),
        (AttributeError("'list' object has no attribute 'get'"), UnavailableError),
        (NotFoundError("x", service="ICE"), NotFoundError),
    ],
)
def test_what_the_sdk_wraps_is_told_by_what_it_was(error: Exception, kind: type[IceResultError]) -> None:
    """The SDK keeps only the text of what broke: what it was is found behind it."""
    ours = translate(wrapped(error), "query job-1", IceClient.errors)
    assert type(ours) is kind
    assert SECRET not in str(ours)


def test_an_error_of_ours_comes_out_as_it_was() -> None:
    """GIVEN credentials that cannot be found WHEN the SDK asks for them THEN our error is the one that is raised."""
    ours = ForbiddenError("find credentials", service="RAM")
    assert translate(wrapped(ours), "query job-1", IceClient.errors) is ours


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClientException(code="ParameterMissing", message="'config' can not be unset"), RejectedError),
        (ClientException(code="InvalidCredentials", message="set them up"), KeysRefusedError),
        (ServerException(code="None", message="code: 500, None request id: None", status_code=500), UnavailableError),
        (ThrottlingException(code="Other", message="wait", status_code=503, retry_after=250), ThrottledError),
        (tea.TeaException({"code": "Unheard.Of"}), UnavailableError),
    ],
)
def test_answers_without_all_their_parts(error: Exception, kind: type[ServiceError]) -> None:
    """A code, a status or a time to wait alone is enough to tell."""
    ours = translate(error, "query job-1", IceClient.errors)
    assert type(ours) is kind
    assert "None: request" not in str(ours)


def test_an_error_that_is_its_own_cause_ends() -> None:
    """A circle of causes is walked once."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert type(translate(first, "query job-1", IceClient.errors)) is UnavailableError
