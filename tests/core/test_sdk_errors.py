"""The classifier that all SDKs share: answers by rule and status, exceptions by class, whatever the transport."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys

import oss2
import pytest
import requests
import urllib3
from urllib3.connection import HTTPConnection

from ice_result.core.http_transport import UnsendableError
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, classify, links, seconds_to_wait
from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    KeysExpiredError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.sinks.object.errors import translate_oss

TABLE = ErrorTable(
    "Post",
    rules=(
        Rule("NoLetter", NotFoundError, "no such letter ({message})"),
        Rule("Busy$", ThrottledError, statuses=(503,)),
        Rule("Refused", ClockSkewError, words="^clock"),
        Rule("Refused", KeysExpiredError),
        Rule("", ThrottledError, told_to_wait=True),
    ),
    classes=(Rule("StampError", ForbiddenError, "no stamp"), Rule("PostError", UnavailableError)),
)


class PostError(Exception):
    """The root of an SDK's errors."""


class StampError(PostError):
    """A special one."""


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (SdkFailure("NoLetter.Here", 404, "{gone}"), NotFoundError, "404 NoLetter.Here: no such letter ({gone})"),
        (SdkFailure("Busy", 503, "wait"), ThrottledError, "503 Busy: wait"),
        (SdkFailure("Busy", 400, "no"), RejectedError, "400 Busy: no"),
        (
            SdkFailure("Refused", 403, "clock is late"),
            ClockSkewError,
            "403 Refused: the clock of this machine is wrong",
        ),
        (SdkFailure("Refused", 403, "old keys"), KeysExpiredError, "403 Refused: the temporary keys have expired"),
        (SdkFailure("Other", 503, "wait", retry_after_seconds=2.0), ThrottledError, "503 Other: wait"),
        (SdkFailure("", 429), ThrottledError, "429"),
        (SdkFailure("", 401, "who?"), ForbiddenError, "401: who?"),
        (SdkFailure("", 403), ForbiddenError, "403"),
        (
            SdkFailure("Moved", 307, "there"),
            RejectedError,
            "307 Moved: the service answers with a redirect, which is not followed",
        ),
        (SdkFailure("", 404), RejectedError, "404"),
        (SdkFailure("", 500, "sorry", "R-1"), UnavailableError, "500: sorry: request id R-1"),
        (SdkFailure("Odd", 200), UnavailableError, "200 Odd"),
        (SdkFailure("Odd", -3), UnavailableError, "Odd"),
        (SdkFailure("Odd"), UnavailableError, "Odd"),
    ],
)
def test_an_answer_is_known_by_the_first_rule_that_fits_and_then_by_its_status(
    failure: SdkFailure, kind: type[ServiceError], message: str
) -> None:
    """Rules look at code, status, words and the time to wait; advice stands in place of the service's words."""
    error = classify(failure, TABLE, "send a letter")
    assert type(error) is kind
    assert str(error).startswith(f"Post: send a letter: {message}")
    assert error.retry_after_seconds == failure.retry_after_seconds


@pytest.mark.parametrize(
    ("cause", "kind", "message"),
    [
        (StampError("x"), ForbiddenError, "no stamp"),
        (PostError("torn"), UnavailableError, "PostError: torn"),
        (TimeoutError("timed out"), TimedOutError, "no reply in time (TimeoutError)"),
        (requests.ReadTimeout("slow"), TimedOutError, "no reply in time (ReadTimeout)"),
        (urllib3.exceptions.ConnectTimeoutError("slow"), TimedOutError, "no reply in time (ConnectTimeoutError)"),
        (urllib3.exceptions.NewConnectionError(HTTPConnection("h"), "no"), UnavailableError, "NewConnectionError: "),
        (ssl.SSLCertVerificationError("self-signed"), RejectedError, "the server's certificate is not trusted: "),
        (requests.TooManyRedirects("x"), RejectedError, "the service answers with a redirect, which is not followed"),
        (requests.exceptions.InvalidURL("SECRET"), RejectedError, "this request cannot be sent (InvalidURL)"),
        (ValueError("SECRET"), RejectedError, "this request cannot be sent (ValueError)"),
        (socket.gaierror(-2, "unknown"), UnavailableError, "gaierror: "),
        (http.client.IncompleteRead(b""), UnavailableError, "IncompleteRead: "),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "no"), UnavailableError, "a reply that cannot be read"),
    ],
)
def test_an_exception_is_known_by_its_class(cause: Exception, kind: type[ServiceError], message: str) -> None:
    """First by the table of the SDK; then the same for every transport."""
    error = classify(SdkFailure(cause=cause), TABLE, "send a letter")
    assert type(error) is kind
    assert str(error).startswith(f"Post: send a letter: {message}")
    assert "SECRET" not in str(error)


def test_a_reply_that_cannot_be_read_is_no_bad_request() -> None:
    """GIVEN a ValueError of the SDK's parsing THEN another try may help; one without a reply is the request's fault."""
    error = classify(SdkFailure(cause=ValueError("SECRET"), unreadable=True), TABLE, "send")
    assert type(error) is UnavailableError
    assert str(error) == "Post: send: a reply that cannot be read (ValueError)"


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        (TimeoutError("timed out"), TimedOutError, "no reply in time"),
        (ConnectionResetError(104, "reset"), UnavailableError, "ConnectionResetError"),
        (ConnectionRefusedError(111, "refused"), UnavailableError, "ConnectionRefusedError"),
        (ssl.SSLCertVerificationError("self-signed"), UnavailableError, "SSLError: "),
        (http.client.RemoteDisconnected("no reply"), UnavailableError, "RemoteDisconnected"),
        (http.client.BadStatusLine("x"), UnavailableError, "BadStatusLine"),
        (http.client.InvalidURL("SECRET"), RejectedError, "this request cannot be sent"),
        (UnicodeEncodeError("latin-1", "SECRET", 0, 1, "no"), RejectedError, "this request cannot be sent"),
    ],
)
def test_below_an_sdk_the_standard_library_may_be_the_transport(
    broken: Exception, kind: type[ServiceError], words: str
) -> None:
    """What `http.client` raises, in the wrapping of oss2, is told as what urllib3 raises."""
    error = translate_oss(oss2.exceptions.RequestError(broken), "read oss://b/k")
    assert type(error) is kind
    assert words in str(error)
    assert "SECRET" not in str(error)


def test_a_request_that_cannot_be_sent_is_known_behind_an_error_of_the_sdk() -> None:
    """GIVEN the SDK of ICE, which wraps errors of its session THEN the request is at fault, and is not sent again."""
    wrapped = PostError("unretryable")
    vars(wrapped)["inner_exception"] = UnsendableError("a line break in a header")
    error = classify(SdkFailure(cause=wrapped), ErrorTable("Post", rules=()), "send a letter")
    assert type(error) is RejectedError
    assert str(error).startswith("Post: send a letter: this request cannot be sent (UnsendableError)")


def test_what_lies_behind_an_error_of_ours_is_not_looked_at() -> None:
    """GIVEN a call made while an earlier one's error is handled THEN the earlier one says nothing of this one."""
    earlier = ForbiddenError("park", service="OSS")
    earlier.__context__ = ssl.SSLCertVerificationError("of the earlier call")
    broken = ConnectionResetError(104, "reset")
    broken.__context__ = earlier
    assert list(links(broken)) == [broken, earlier]
    assert type(classify(SdkFailure(cause=broken), TABLE, "send")) is UnavailableError


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), ("0", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), (None, None)]
)
def test_a_time_to_wait_is_a_number_of_seconds(header: object, seconds: float | None) -> None:
    """Retry-After in another form says nothing."""
    assert seconds_to_wait(header) == seconds


def test_classifying_imports_no_transport() -> None:
    """A cold start pays for no library that the configuration does not use."""
    modules = "ice_result.core.gateway_errors, ice_result.sinks.object.errors, ice_result.core.mns_errors"
    check = (
        f"import sys, {modules}; print([n for n in ('ssl', 'http.client', 'urllib3', 'requests') if n in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
