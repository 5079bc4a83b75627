"""Answers as they come over the wire, the odd ones included, from a server that says whatever it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typing_extensions import override

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    InvalidResponseError,
    KeysExpiredError,
    KeysRefusedError,
    NotFoundError,
    RejectedError,
    ServiceError,
    ThrottledError,
    UnavailableError,
)
from ice_result.jobs import IceClient
from support.fake_clock import limited
from support.ice_queries import query

JOB = JobId("job-1")
SECRET = "S3cr3tV4lue"
WORDS = f"see http://b.oss-cn-shanghai.aliyuncs.com/k?Signature={SECRET} x-acs-security-token:{SECRET}"


@contextmanager
def server(status: int, body: bytes, headers: dict[str, str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def ask(status: int, body: bytes, headers: dict[str, str] | None = None) -> JsonObject:
    """One call, without a retry, to a server that answers so."""
    credentials = Credentials()
    credentials.use(Keys("id", SECRET, SECRET))
    with server(status, body, headers or {}) as endpoint:
        client = IceClient(
            region="cn-shanghai",
            endpoint=parse_endpoint(endpoint),
            credentials=credentials,
            caller=ServiceCaller("ICE", 1),
        )
        return limited(Deadline.after(10), lambda: query(client, JOB))


CODES: list[tuple[str, int, type[ServiceError]]] = [
    ("Throttling", 400, ThrottledError),
    ("Throttling.User", 400, ThrottledError),
    ("Throttling.Api", 503, ThrottledError),
    ("FlowControlError", 400, ThrottledError),
    ("Whatever", 429, ThrottledError),
    ("InvalidParameter.JobNotFound", 400, NotFoundError),
    ("JobNotFound", 404, NotFoundError),
    ("InvalidParameter.Some.JobNotFoundAtAll", 400, NotFoundError),
    ("Forbidden", 403, ForbiddenError),
    ("Forbidden.RAM", 403, ForbiddenError),
    ("Forbidden.SubscriptionRequired", 400, ForbiddenError),
    ("NoPermission", 403, ForbiddenError),
    ("Unauthorized", 400, ForbiddenError),
    ("AccessDenied", 400, ForbiddenError),
    ("Whatever", 401, ForbiddenError),
    ("Whatever", 403, ForbiddenError),
    ("InvalidAccessKeyId.NotFound", 404, KeysRefusedError),
    ("InvalidAccessKeyId.Inactive", 400, KeysRefusedError),
    ("InvalidCredentials", 400, KeysRefusedError),
    ("SignatureDoesNotMatch", 400, KeysRefusedError),
    ("IncompleteSignature", 400, KeysRefusedError),
    ("InvalidSecurityToken.Expired", 400, KeysExpiredError),
    ("InvalidSecurityToken", 400, KeysExpiredError),
    ("InvalidSecurityToken.MismatchWithAccessKey", 400, KeysRefusedError),
    ("MissingSecurityToken", 400, KeysRefusedError),
    ("InvalidTimeStamp.Expired", 400, ClockSkewError),
    ("InvalidTimeStamp.Format", 400, RejectedError),
    ("InvalidSecurityToken.Malformed", 400, KeysRefusedError),
    ("SignatureNonceUsed", 400, UnavailableError),
    ("ServiceUnavailable", 503, UnavailableError),
    ("ServiceUnavailable", 400, UnavailableError),
    ("InternalError", 500, UnavailableError),
    ("InternalServerError", 500, UnavailableError),
    ("SystemBusy", 400, UnavailableError),
    ("Whatever", 500, UnavailableError),
    ("Whatever", 599, UnavailableError),
    ("IdempotentParameterMismatch", 400, RejectedError),
    ("InvalidParameter", 400, RejectedError),
    ("InvalidParameter.FunctionNotSupported", 400, RejectedError),
    ("InvalidAction.NotFound", 404, RejectedError),
    ("MissingJobId", 400, RejectedError),
    ("UnsupportedOperation", 400, RejectedError),
    ("Whatever", 400, RejectedError),
    ("Whatever", 404, RejectedError),
]


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_every_code_becomes_one_of_our_errors(code: str, status: int, kind: type[ServiceError]) -> None:
    """The code decides before the status; code, status and request id are kept, and no secret is."""
    body = json.dumps({"Code": code, "Message": WORDS, "RequestId": "R-1", "HostId": "ice"}).encode()
    with pytest.raises(ServiceError) as raised:
        ask(status, body)
    error = raised.value
    assert type(error) is kind
    assert (error.code, error.status, error.request_id) == (code, status, "R-1")
    assert SECRET not in str(error)
    assert f"{status} {code}" in str(error)


def test_the_services_own_words_are_kept_where_they_help() -> None:
    """A refusal that we have no better words for is quoted."""
    body = json.dumps({"Code": "NoPermission", "Message": "You are not authorized.", "RequestId": "R-1"}).encode()
    with pytest.raises(ForbiddenError) as raised:
        ask(403, body)
    assert str(raised.value) == (
        "ICE: QueryIProductionJob job-1 in cn-shanghai: 403 NoPermission: You are not authorized.: request id R-1"
    )


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "IncompleteSignature"])
def test_what_was_signed_is_never_quoted(code: str) -> None:
    """GIVEN a message with the string to sign WHEN it is told THEN none of it is."""
    words = f"server string to sign is:ACS3-HMAC-SHA256 x-acs-security-token:{SECRET}"
    with pytest.raises(ForbiddenError) as raised:
        ask(400, json.dumps({"Code": code, "Message": words, "RequestId": "R-1"}).encode())
    assert "string to sign" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling.User", 400, ThrottledError),
        ("Whatever", 400, ThrottledError),
        ("SystemBusy", 503, UnavailableError),
    ],
)
def test_the_time_to_wait_is_read_in_milliseconds(code: str, status: int, kind: type[ServiceError]) -> None:
    """`x-acs-retry-after` says how long; whatever the error is, its pause is at least that."""
    body = json.dumps({"Code": code, "Message": "slow down", "RequestId": "R-1"}).encode()
    with pytest.raises(kind) as raised:
        ask(status, body, {"x-acs-retry-after": "1500"})
    assert raised.value.retry_after_seconds == 1.5


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, b"<html>502 Bad Gateway</html>", UnavailableError),
        (503, b"", UnavailableError),
        (500, b"[]", UnavailableError),
        (500, b"{}", UnavailableError),
        (403, b'{"Code": null}', ForbiddenError),
        (400, b'{"Code": 7, "Message": ["x"]}', RejectedError),
        (400, b'{"code": "Throttling", "message": "in small letters"}', ThrottledError),
        (200, b"", InvalidResponseError),
        (200, b"<html>Welcome to the hotel</html>", InvalidResponseError),
        (200, b"[1]", InvalidResponseError),
        (200, b'{"JobId": "job-1", "Sta', InvalidResponseError),
        (200, b"\xff\xfe", UnavailableError),
        (200, b"[" * 100_000, InvalidResponseError),
    ],
)
def test_what_is_no_answer_of_ice_is_an_error(status: int, body: bytes, kind: type[IceResultError]) -> None:
    """Pages of gateways, empty bodies, halves of JSON: never a job, never a crash."""
    with pytest.raises(IceResultError) as raised:
        ask(status, body)
    assert type(raised.value) is kind
    assert "job-1" in str(raised.value)


def test_what_json_cannot_hold_is_made_null() -> None:
    """GIVEN NaN and half a character in a response WHEN it is read THEN it can be written down."""
    body = ask(200, b'{"JobId": "job-1", "Status": "Success", "Name": "\\ud800", "Priority": NaN}')
    assert body == {"JobId": "job-1", "Status": "Success", "Name": "\ufffd", "Priority": None}


def test_a_reply_cut_short_is_unavailable() -> None:
    """Fewer bytes than were announced are not taken for the answer."""
    with pytest.raises(UnavailableError, match="the connection ended before the whole reply was there"):
        ask(200, b'{"Status": "Success"}', {"Content-Length": "100"})
