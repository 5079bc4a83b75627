"""Webhooks: notifications by HTTP, signed as Standard Webhooks requires.

    webhook-id: the id of the notification, the same at each attempt
    webhook-timestamp: seconds since 1970 of this attempt
    webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body"> v1,<the same with the other secret>

A response of 2xx acknowledges. 429 and 5xx are tried again; any other response is a permanent refusal, and so is a
redirect, which could lead a signed request anywhere. The proxy of the environment is not used: it would hide the
address that is reached.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from typing_extensions import override

from ice_result.core.calls import ServiceCaller
from ice_result.core.deadline import current_deadline
from ice_result.core.http_transport import HttpReply, HttpTransport
from ice_result.core.redaction import REDACTED, redact
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, classify, seconds_to_wait
from ice_result.errors import IceResultError, RejectedError
from ice_result.notify.hosts import SERVICE, new_checked_connection
from ice_result.notify.model import Notification, Target
from ice_result.notify.registry import NotifyContext
from ice_result.notify.urls import NotifyUrl

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_SIGNATURE = "webhook-signature"
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_MOST_READ = 64 * 1024  # bytes of a reply; nothing in it is needed
_MOST_SHOWN = 120  # characters of a reply in a message
_ERRORS = ErrorTable(
    SERVICE,
    rules=(
        Rule("", RejectedError, "it is gone: remove this target", statuses=(410,)),
        Rule("", RejectedError, "it answers with a redirect, which is not followed", statuses=range(300, 400)),
        Rule("", RejectedError, statuses=frozenset(range(100, 500)) - {429}),
    ),
)


def open_webhook(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the webhook behind `url`; nothing is called yet. Raises SettingsError for unreadable certificates."""
    return Webhook(
        url.name,
        [secret.key for secret in context.secrets if secret.host == url.host],
        caller=context.new_caller(SERVICE),
        ca_bundle=context.ca_bundle,
        concurrency=context.concurrency,
    )


class Webhook(Target):
    """Receiver at a URL. `keys` sign the requests: none, one, or the new and the old one."""

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes] = (),
        *,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
        concurrency: int = 8,
    ) -> None:
        self.name = url
        self._keys = tuple(keys)
        self._secrets = [form for key in keys for form in _forms(base64.b64encode(key).decode())]
        self._caller = caller or ServiceCaller(SERVICE)
        self._transport = HttpTransport(
            url.partition(":")[0], ca_bundle=ca_bundle, most_idle=concurrency, connect=new_checked_connection
        )

    @override
    def send(self, notification: Notification) -> None:
        operation = f"notify {self.name}"

        def attempt() -> None:
            headers = self._headers(notification, int(time.time()))
            secrets = [*self._secrets, *_signatures(headers)]
            with _translated(operation, secrets):
                reply = self._post(headers, notification.body)
            if not 200 <= reply.status < 300:  # noqa: PLR2004  2xx
                raise _refusal(reply, operation, secrets)

        self._caller.call(operation, attempt)

    @override
    def check(self) -> str:
        operation = f"connect to {self.name}"
        seconds = min(_CONNECT_SECONDS, current_deadline().left())

        def attempt() -> None:
            with _translated(operation, self._secrets):
                self._transport.connect(self.name, seconds)

        self._caller.call(operation, attempt)
        return "connections are accepted"

    def _post(self, headers: dict[str, str], body: bytes) -> HttpReply:
        left = current_deadline().left()
        return self._transport.send(
            "POST",
            self.name,
            headers,
            body,
            seconds=(min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left)),
            limit=_MOST_READ,
            cuts=True,
        )

    def _headers(self, notification: Notification, now: int) -> dict[str, str]:
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": "ice-result",
            "webhook-id": notification.id,
            "webhook-timestamp": str(now),
            **({_SIGNATURE: sign(notification, now, self._keys)} if self._keys else {}),
        }


def sign(notification: Notification, timestamp: int, keys: Sequence[bytes]) -> str:
    """Sign a notification with each key, in the form of the header webhook-signature."""
    signed = f"{notification.id}.{timestamp}.".encode() + notification.body
    digests = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return " ".join(f"v1,{digest}" for digest in digests)


def _signatures(headers: Mapping[str, str]) -> Iterator[str]:
    """List the signatures of a request, in each form in which a reply may repeat them."""
    for signature in headers.get(_SIGNATURE, "").split():
        yield from _forms(signature.partition(",")[2])


def _forms(secret: str) -> tuple[str, ...]:
    """List the forms of a secret in base64: without its padding, for URLs, escaped as in JSON, and percent-encoded."""
    bare = secret.rstrip("=")
    return bare, bare.replace("+", "-").replace("/", "_"), bare.replace("/", "\\/"), quote(bare, safe="")


def _without(secrets: Iterable[str], text: str) -> str:
    """Replace secrets in a text of a receiver, which may send back what it got."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return redact(text)


@contextmanager
def _translated(operation: str, secrets: Iterable[str]) -> Iterator[None]:
    """Raise our error for what breaks in the block. It has no cause: one of the transport may contain the request."""
    try:
        yield
    except (OSError, ValueError) as error:
        failure = SdkFailure(message=_without(secrets, f"{type(error).__name__}: {error}"), cause=error)
        raise classify(failure, _ERRORS, operation) from None


def _refusal(reply: HttpReply, operation: str, secrets: Sequence[str]) -> IceResultError:
    """Make the error of a reply that does not acknowledge. The first words of a reply may explain it.

    Secrets are replaced before the words are cut: a piece of a secret would not be recognised.
    """
    words = " ".join(_without(secrets, reply.body.decode("utf-8", "replace")).split())
    return classify(
        SdkFailure(
            status=reply.status,
            message=(words or _without(secrets, reply.reason))[:_MOST_SHOWN],
            retry_after_seconds=_seconds_to_wait(reply.headers.text("retry-after")),
        ),
        _ERRORS,
        operation,
    )


def _seconds_to_wait(retry_after: str) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or as a date; None without one."""
    seconds = seconds_to_wait(retry_after)
    if seconds is not None or not retry_after:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
