"""Queues and topics of MNS (SMQ) as targets.

A message is one CloudEvent in JSON. To a queue it is sent in base64, as the SDKs of MNS send and read messages; to a
topic as it is, since MNS hands it to subscribers as it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from typing_extensions import override

from ice_result.core.mns_client import MnsClient
from ice_result.core.mns_errors import SERVICE
from ice_result.notify.model import Notification, Target
from ice_result.notify.registry import NotifyContext
from ice_result.notify.urls import NotifyUrl


def open_queue(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the queue behind `url`; nothing is called yet. Raises SettingsError without an endpoint of MNS."""
    client = _client(context)
    return MnsTarget(url, client, _Calls("queue", client.send, client.find_queue))


def open_topic(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the topic behind `url`; nothing is called yet. Raises SettingsError without an endpoint of MNS."""
    client = _client(context)
    return MnsTarget(url, client, _Calls("topic", client.publish, client.find_topic))


class _Calls(NamedTuple):
    """Calls of one kind of target. Each gets its name and the operation for messages; `send` gets the text between."""

    kind: Literal["queue", "topic"]
    send: Callable[[str, str, str], None]
    find: Callable[[str, str], None]


class MnsTarget(Target):
    """Queue, whose messages its readers share, or topic, of which each subscription gets every message."""

    def __init__(self, url: NotifyUrl, client: MnsClient, calls: _Calls) -> None:
        self.name = url.name
        self._client = client
        self._calls = calls
        self._where = url.authority

    @override
    def load(self) -> None:
        self._client.load(self.name)

    @override
    def send(self, notification: Notification) -> None:
        self.load()
        operation = f"notify the {self._calls.kind} {self._where}"
        text = notification.body.decode()
        self._client.call(operation, lambda: self._calls.send(self._where, text, operation))

    @override
    def check(self) -> str:
        self.load()
        operation = f"describe the {self._calls.kind} {self._where}"
        self._client.call(operation, lambda: self._calls.find(self._where, operation))
        return f"the {self._calls.kind} exists"


def _client(context: NotifyContext) -> MnsClient:
    return MnsClient(
        context.mns_endpoint,
        context.credentials,
        caller=context.new_caller(SERVICE),
        ca_bundle=context.ca_bundle,
    )
