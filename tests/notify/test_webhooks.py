"""Webhooks over real sockets, verified by the official library of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from typing_extensions import override

from alicloud_local.http_server import Connection, Reply, Request
from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.deadline import Deadline
from ice_result.errors import (
    IceResultError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.notify.http import Webhook, open_webhook, sign
from ice_result.notify.model import Notification
from ice_result.notify.registry import NotifyContext, open_target
from ice_result.notify.urls import notify_url
from ice_result.notify.webhook_secrets import webhook_secret
from support.certificate_authority import tls_of_an_authority
from support.fake_clock import FakeTime, limited
from support.notifications import a_notification
from support.webhook_receiver import Answer, WebhookReceiver

OLD, NEW = b"o" * 24, b"n" * 64
GARBAGE = b"SSH-2.0-OpenSSH_9.6\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
HUGE = Reply(200, {}, b"x" * 1_000_000)


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def target(receiver: WebhookReceiver, *keys: bytes, fake_time: FakeTime | None = None) -> Webhook:
    """A target that makes three attempts, and waits in no time between them."""
    clock = (fake_time or FakeTime()).clock
    caller = ServiceCaller("webhook", attempts=3, clock=clock, rate=RateLimiter(clock))
    return Webhook(receiver.url, keys or (NEW,), caller=caller)


def test_a_request_is_accepted_by_the_official_verifier() -> None:
    """GIVEN two secrets WHEN a notification is sent THEN either verifies it, and a third one does not."""
    with WebhookReceiver() as receiver:
        target(receiver, NEW, OLD).send(a_notification())
    (request,) = receiver.requests

    assert (request.method, request.path) == ("POST", "/hooks/ice")
    assert request.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert request.headers["webhook-id"] == "n-1"
    for key in (NEW, OLD):
        assert Verifier(whsec(key)).verify(request.body, dict(request.headers)) == json.loads(request.body)
    with pytest.raises(WebhookVerificationError):
        Verifier(whsec(b"x" * 32)).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(whsec(NEW)).verify(request.body + b" ", dict(request.headers))


def test_the_body_is_a_cloudevent_for_the_official_library() -> None:
    """GIVEN a request THEN the CloudEvents SDK reads the event from its headers and body."""
    with WebhookReceiver() as receiver:
        target(receiver).send(a_notification(name="片头"))
    (request,) = receiver.requests
    event = from_http_event(HTTPMessage(headers=dict(request.headers), body=request.body))

    assert (event.get_id(), event.get_type()) == ("n-1", "ice-result.job.recorded.v1")
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["name"] == "片头"


def test_the_signature_is_that_of_the_specification() -> None:
    """GIVEN the example of the specification of Standard Webhooks THEN the signature is the one it states."""
    secret = webhook_secret("host=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    sent = Notification("msg_p5jXN8AQM9LWM0D4loKWxJek", "ice-result.test.v1", "", b'{"test": 2432232314}')
    assert sign(sent, 1614265330, [secret.key]) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_attempt_has_its_own_time_and_the_same_id(fake_time: FakeTime) -> None:
    """GIVEN a receiver that fails once THEN both requests verify, with one id."""
    with WebhookReceiver(Reply(500)) as receiver:
        target(receiver, fake_time=fake_time).send(a_notification())
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "n-1"
    for request in (first, second):
        Verifier(whsec(NEW)).verify(request.body, dict(request.headers))
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_acknowledges(status: int) -> None:
    """GIVEN any 2xx THEN one request is all; the body of the reply does not matter."""
    body = b"" if status == 204 else b"thanks"
    head = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with WebhookReceiver(head + body) as receiver:
        target(receiver).send(a_notification())
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Reply(301, {"Location": "http://127.0.0.1:1/"}),
            RejectedError,
            "301: it answers with a redirect, which is not",
        ),
        (Reply(307, {"Location": "https://example.com/"}), RejectedError, "redirect, which is not followed"),
        (Reply(304), RejectedError, "redirect"),
        (Reply(400, {}, b"no such\nfield"), RejectedError, "400: no such field"),
        (Reply(401, {}, b""), RejectedError, "401: Unauthorized"),
        (Reply(404, {}, b"x" * 5000), RejectedError, "404: " + "x" * 120 + "$"),
        (Reply(410, {}, b"bye"), RejectedError, "410: it is gone: remove this target"),
        (Reply(422, {}, b"token=abcdefgh12345678"), RejectedError, r"token=\[redacted\]"),
        (Reply(418, {}, b"\xff\x00\x1b[31m"), RejectedError, "418"),
    ],
)
def test_a_refusal_for_good_is_not_tried_again(answer: Reply, kind: type[ServiceError], words: str) -> None:
    """GIVEN a redirect, 410, or another 4xx THEN one request is made, and the message says why in a short line."""
    with WebhookReceiver(answer) as receiver:
        with pytest.raises(kind, match=words) as caught:
            target(receiver).send(a_notification())
        assert len(receiver.requests) == 1
    assert not caught.value.transient
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(f"webhook: notify {receiver.url}: ")


class Echo(WebhookReceiver):
    """A receiver that refuses, and sends back what it got and what it knows, in one of these forms."""

    def __init__(self, form: Callable[[str], str], *, in_status_line: bool = False) -> None:
        super().__init__()
        self._form = form
        self._in_status_line = in_status_line

    @override
    def _respond(self, request: Request, connection: Connection) -> bool:
        text = self._form(f"expected {whsec(KEY)} ({whsec(KEY)[6:]}), got {request.headers['webhook-signature']}")
        head = f"HTTP/1.1 401 {text}" if self._in_status_line else "HTTP/1.1 401 No"
        body = "" if self._in_status_line else text
        self.answers.append(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return super()._respond(request, connection)


KEY = bytes(range(200, 250))  # with + and / in base64
ECHOES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON of PHP": lambda text: json.dumps({"error": text}).replace("/", "\\/"),
    "percent-encoded": lambda text: quote(text, safe=""),
    "for URLs, without padding": lambda text: text.replace("+", "-").replace("/", "_").replace("=", ""),
    "cut within the secret": lambda text: "x" * 80 + text,
    "many": lambda text: text * 40,
}


@pytest.mark.parametrize("in_status_line", [False, True])
@pytest.mark.parametrize("form", ECHOES)
def test_what_a_receiver_sends_back_of_secrets_and_signatures_is_not_shown(form: str, *, in_status_line: bool) -> None:
    """GIVEN a refusal that contains the secret and the signature THEN neither is in the error, nor a piece of them."""
    with Echo(ECHOES[form], in_status_line=in_status_line) as receiver:
        with pytest.raises(IceResultError) as caught:
            target(receiver, KEY).send(a_notification())
        (request,) = receiver.requests
    told = re.sub(r"[^A-Za-z0-9]", "", repr(caught.value))
    for secret in (whsec(KEY)[6:], request.headers["webhook-signature"][3:]):
        letters = re.sub(r"[^A-Za-z0-9]", "", secret)
        assert not any(letters[at : at + 8] in told for at in range(len(letters) - 8))


@pytest.mark.parametrize(
    "answer", [Reply(429), Reply(500), Reply(502), Reply(503), Reply(504, {}, b"<html>"), GARBAGE, CUT, "reset", b""]
)
def test_a_temporary_failure_is_tried_again(answer: Answer) -> None:
    """GIVEN 429, 5xx, a reply that is none, or half of one THEN the next attempt is accepted."""
    with WebhookReceiver(answer) as receiver:
        target(receiver).send(a_notification())
        assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(429), ThrottledError),
        (Reply(503), UnavailableError),
        (GARBAGE, UnavailableError),
        (CUT, UnavailableError),
    ],
)
def test_what_stays_broken_is_reported_as_temporary(answer: Answer, kind: type[IceResultError]) -> None:
    """GIVEN the same failure at each of three attempts THEN the error is temporary, and has no secret."""
    with WebhookReceiver(*[answer] * 3) as receiver:
        with pytest.raises(kind) as caught:
            target(receiver).send(a_notification())
        assert len(receiver.requests) == 3
    assert caught.value.transient
    assert base64.b64encode(NEW).decode() not in repr(caught.value) + repr(caught.value.__context__)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(fake_time: FakeTime, status: int) -> None:
    """GIVEN a reply that asks for 7 seconds THEN the next attempt is not made before."""
    with WebhookReceiver(Reply(status, {"Retry-After": "7"})) as receiver:
        began = fake_time.seconds
        limited(
            Deadline.after(60, fake_time.clock), lambda: target(receiver, fake_time=fake_time).send(a_notification())
        )
        assert fake_time.seconds - began >= 7
        assert len(receiver.requests) == 2


def test_retry_after_may_be_a_date(fake_time: FakeTime) -> None:
    """GIVEN a date that is a minute away THEN the next attempt waits for it; an unreadable one is passed over."""
    later = formatdate(time.time() + 60, usegmt=True)
    with WebhookReceiver(Reply(503, {"Retry-After": later}), Reply(503, {"Retry-After": "soon"})) as receiver:
        began = fake_time.seconds
        target(receiver, fake_time=fake_time).send(a_notification())
        assert 50 <= fake_time.seconds - began <= 75
        assert len(receiver.requests) == 3


def test_a_pause_that_is_longer_than_the_time_left_is_not_waited_for(fake_time: FakeTime) -> None:
    """GIVEN 5 seconds and a reply that asks for 3600 THEN the error comes at once, after one request."""
    with WebhookReceiver(Reply(429, {"Retry-After": "3600"})) as receiver:
        with pytest.raises(ThrottledError):
            limited(
                Deadline.after(5, fake_time.clock), lambda: target(receiver, fake_time=fake_time).send(a_notification())
            )
        assert len(receiver.requests) == 1
        assert fake_time.slept == []


def test_a_receiver_that_hangs_is_given_up_in_time() -> None:
    """GIVEN a second of real time and a receiver that never answers THEN the call ends in TimedOutError."""
    with WebhookReceiver("hang", "hang", "hang") as receiver, pytest.raises(TimedOutError):
        limited(Deadline.after(1), lambda: Webhook(receiver.url, [NEW]).send(a_notification()))


def test_the_size_of_a_reply_is_bounded() -> None:
    """GIVEN an acknowledgement with a megabyte behind it THEN it is one, and the megabyte is not kept."""
    chunked = Reply(200, {}, b"x" * 1_000_000, chunked=True)
    with WebhookReceiver(HUGE, chunked) as receiver:
        for _ in range(2):
            target(receiver).send(a_notification())
        assert len(receiver.requests) == 2


def test_a_connection_is_used_again() -> None:
    """GIVEN three notifications in a row THEN all arrive, each with its own id."""
    with WebhookReceiver() as receiver:
        webhook = target(receiver)
        for number in range(3):
            webhook.send(a_notification(f"n-{number}"))
        assert [request.headers["webhook-id"] for request in receiver.requests] == ["n-0", "n-1", "n-2"]


def test_tls_needs_a_trusted_certificate(tmp_path: Path) -> None:
    """GIVEN a private authority THEN its bundle makes the call; without it the error names the certificate."""
    bundle = tmp_path / "authority.pem"
    with WebhookReceiver(tls=tls_of_an_authority(bundle)) as receiver:
        Webhook(receiver.url, [NEW], ca_bundle=str(bundle)).send(a_notification())
        with pytest.raises(RejectedError, match="certificate is not trusted"):
            Webhook(receiver.url, [NEW]).send(a_notification())
        assert len(receiver.requests) == 1


def test_a_server_without_tls_is_a_temporary_error() -> None:
    """GIVEN https:// and a server that speaks plain HTTP THEN no request is sent, and the error says what broke."""
    with WebhookReceiver() as receiver:
        url = receiver.url.replace("http://", "https://")
        webhook = Webhook(url, [NEW], caller=ServiceCaller("webhook", attempts=1))
        with pytest.raises(UnavailableError, match=ssl.SSLError.__name__):
            webhook.send(a_notification())
        assert receiver.requests == []


def test_a_target_is_opened_with_the_secrets_of_its_host() -> None:
    """GIVEN secrets of several hosts THEN only those of the target's own sign its requests."""
    secrets = tuple(
        webhook_secret(f"{host}={whsec(key)}") for host, key in (("127.0.0.1", NEW), ("other.example", OLD))
    )
    with WebhookReceiver() as receiver:
        url = notify_url(f"{receiver.url}?outcome=job_failed")
        opened = open_target(url, NotifyContext(secrets=secrets))
        assert isinstance(opened, type(open_webhook(url, NotifyContext())))
        opened.load()
        opened.send(a_notification())
    (request,) = receiver.requests
    assert request.query == ""
    assert len(request.headers["webhook-signature"].split()) == 1
    Verifier(whsec(NEW)).verify(request.body, dict(request.headers))
    assert opened.name == receiver.url


def test_this_machine_needs_no_secret() -> None:
    """GIVEN http:// on this machine without a secret THEN the request has no signature."""
    with WebhookReceiver() as receiver:
        Webhook(receiver.url).send(a_notification())
    assert "webhook-signature" not in receiver.requests[0].headers


def test_nobody_listens() -> None:
    """GIVEN a closed port THEN the error is temporary, and nothing hangs."""
    with WebhookReceiver() as receiver:
        url = receiver.url
    with pytest.raises(UnavailableError, match="refused"):
        Webhook(url, [NEW], caller=ServiceCaller("webhook", attempts=1)).send(a_notification())


@given(
    st.binary(min_size=24, max_size=64),
    st.text("abcdefABC0123456789_-", min_size=1),
    st.integers(0, 2**33),
    st.text(st.characters(codec="utf-8")),
)
def test_the_official_library_signs_alike(key: bytes, identifier: str, timestamp: int, text: str) -> None:
    """GIVEN any key, id, time and body THEN our signature is that of the official library."""
    notification = Notification(identifier, "ice-result.test.v1", "", text.encode())
    when = datetime.fromtimestamp(timestamp, timezone.utc)
    assert sign(notification, timestamp, [key]) == Verifier(whsec(key)).sign(identifier, when, text)
