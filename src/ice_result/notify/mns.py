"""Queues and topics of MNS (SMQ) as targets.

A message is one CloudEvent in JSON. To a queue it is sent in base64, as the SDKs of MNS send and read messages; to a
topic as it is, since MNS hands it to subscribers as it was sent.
"""

from __future__ import annotations

from typing_extensions import override

from ice_result.core.mns_client import MnsClient
from ice_result.core.mns_errors import SERVICE
from ice_result.notify.model import Notification, Target
from ice_result.notify.registry import NotifyContext
from ice_result.notify.urls import NotifyUrl


def open_queue(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the queue behind `url`; nothing is called yet. Raises SettingsError without an endpoint of MNS."""
    return QueueTarget(url, _client(context))


def open_topic(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the topic behind `url`; nothing is called yet. Raises SettingsError without an endpoint of MNS."""
    return TopicTarget(url, _client(context))


class QueueTarget(Target):
    """Queue that takes notifications. Any number of readers share its messages."""

    def __init__(self, url: NotifyUrl, client: MnsClient) -> None:
        self.name = url.name
        self._queue = url.authority
        self._client = client

    @override
    def load(self) -> None:
        self._client.load(self.name)

    @override
    def send(self, notification: Notification) -> None:
        self.load()
        operation = f"notify the queue {self._queue}"
        self._client.call(operation, lambda: self._client.send(self._queue, notification.body.decode(), operation))

    @override
    def check(self) -> str:
        self.load()
        operation = f"describe the queue {self._queue}"
        self._client.call(operation, lambda: self._client.find_queue(self._queue, operation))
        return "the queue exists"


class TopicTarget(Target):
    """Topic that takes notifications. Each of its subscriptions gets every message."""

    def __init__(self, url: NotifyUrl, client: MnsClient) -> None:
        self.name = url.name
        self._topic = url.authority
        self._client = client

    @override
    def load(self) -> None:
        self._client.load(self.name)

    @override
    def send(self, notification: Notification) -> None:
        self.load()
        operation = f"notify the topic {self._topic}"
        self._client.call(operation, lambda: self._client.publish(self._topic, notification.body.decode(), operation))

    @override
    def check(self) -> str:
        self.load()
        operation = f"describe the topic {self._topic}"
        self._client.call(operation, lambda: self._client.find_topic(self._topic, operation))
        return "the topic exists"


def _client(context: NotifyContext) -> MnsClient:
    return MnsClient(
        context.mns_endpoint,
        context.credentials,
        caller=context.new_caller(SERVICE),
        ca_bundle=context.ca_bundle,
    )
