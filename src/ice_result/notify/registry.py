"""Kinds of targets by the scheme of their URL: one line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import NamedTuple

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.extras import require_extra
from ice_result.notify.model import Target
from ice_result.notify.urls import NotifyUrl
from ice_result.notify.webhook_secrets import WebhookSecret


@dataclass(frozen=True)
class NotifyContext:
    """Context in which a target is opened: all it needs beyond its URL.

    `mns_endpoint` is that of the account, `<account id>.mns.<region>.aliyuncs.com`; `eventbridge_endpoint` None means
    the endpoint of `region`. `secrets` are those of all webhooks. `ca_bundle` is a file of certificates to trust in
    place of the usual ones. `concurrency` is the number of connections that stay open. `new_caller` makes the
    ServiceCaller of a target, by the name of the service.
    """

    region: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    mns_endpoint: Endpoint | None = None
    eventbridge_endpoint: Endpoint | None = None
    secrets: tuple[WebhookSecret, ...] = field(default=(), repr=False)
    ca_bundle: str | None = None
    concurrency: int = 8
    new_caller: Callable[[str], ServiceCaller] = ServiceCaller


class TargetType(NamedTuple):
    """Kind of target: the function that opens one, and the extra of this package that has its SDK.

    `opener` names a function of a NotifyUrl and a NotifyContext as `module:function`; it is imported when the first
    such target is opened.
    """

    opener: str
    extra: str | None = None


TARGETS: dict[str, TargetType] = {
    "eventbridge": TargetType("ice_result.notify.eventbridge:open_bus"),
    "http": TargetType("ice_result.notify.http:open_webhook"),
    "https": TargetType("ice_result.notify.http:open_webhook"),
    "mns": TargetType("ice_result.notify.mns:open_queue", "queue"),
    "mns-topic": TargetType("ice_result.notify.mns:open_topic", "queue"),
}


def require_target_sdks(urls: Iterable[NotifyUrl]) -> None:
    """Check that the SDKs of these targets are installed. Raises SettingsError, which names the extra."""
    for url in urls:
        extra = TARGETS[url.scheme].extra
        if extra is not None:
            require_extra(extra, url.name)


def open_target(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the target behind `url`; nothing is called yet. Raises SettingsError."""
    require_target_sdks([url])
    module, _, function = TARGETS[url.scheme].opener.partition(":")
    target: Target = getattr(import_module(module), function)(url, context)
    return target
