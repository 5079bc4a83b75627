"""MNS's queues and topics, and the messages in them."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from alicloud_local.service import Refusal


@dataclass(frozen=True)
class Message:
    """A message in a queue. `body` is as it was sent, which SDKs do in base64; `sent_at` is in seconds since 1970.

    A message of a topic may have a tag, by which subscriptions select messages.
    """

    message_id: str
    body: str
    sent_at: float
    tag: str = ""


DEFAULTS: Mapping[str, int] = {
    "DelaySeconds": 0,
    "MaximumMessageSize": 65_536,
    "MessageRetentionPeriod": 345_600,
    "PollingWaitSeconds": 0,
    "VisibilityTimeout": 30,
}
"""Attributes of a queue that none are given for: seconds, but for the size in bytes."""


@dataclass
class Queue:
    """A queue. Times are in seconds since 1970; `messages` are those that wait, oldest first."""

    name: str
    created: float
    modified: float
    attributes: dict[str, int]
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)


@dataclass
class Topic:
    """A topic without subscriptions. `created` is in seconds since 1970; `messages` are those published to it."""

    name: str
    created: float
    messages: list[Message] = field(default_factory=list)


class QueueStore:
    """Queues and topics by name, safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, Queue] = {}
        self._topics: dict[str, Topic] = {}
        self._refused_parts: deque[tuple[frozenset[int], Refusal]] = deque()

    def create(
        self, queue: str, now: float, attributes: Mapping[str, int] = DEFAULTS, tags: Mapping[str, str] | None = None
    ) -> Queue:
        """Make a queue; one that is there stays as it is. Returns the queue."""
        with self._lock:
            made = Queue(queue, now, now, {**DEFAULTS, **attributes}, dict(tags or {}))
            return self._queues.setdefault(queue, made)

    def queues(self) -> dict[str, Queue]:
        """Return the queues by name."""
        with self._lock:
            return dict(self._queues)

    def change(self, queue: str, attributes: Mapping[str, int], now: float) -> None:
        """Replace attributes of a queue. Raises KeyError for an unknown queue."""
        with self._lock:
            self._queues[queue].attributes.update(attributes)
            self._queues[queue].modified = now

    def remove(self, queue: str) -> None:
        """Remove a queue, and the messages in it. Raises KeyError for an unknown queue."""
        with self._lock:
            del self._queues[queue]

    def messages(self, queue: str) -> tuple[Message, ...]:
        """Return the messages of a queue, oldest first. Raises KeyError for an unknown queue."""
        with self._lock:
            return tuple(self._queues[queue].messages)

    def add(self, queue: str, bodies: list[str], now: float) -> list[Message]:
        """Put messages into a queue. Raises KeyError for an unknown queue."""
        sent = [Message(uuid.uuid4().hex.upper(), body, now) for body in bodies]
        with self._lock:
            self._queues[queue].messages += sent
        return sent

    def create_topic(self, topic: str, now: float) -> None:
        """Make a topic; one that is there stays as it is."""
        with self._lock:
            self._topics.setdefault(topic, Topic(topic, now))

    def topics(self) -> dict[str, Topic]:
        """Return the topics by name."""
        with self._lock:
            return dict(self._topics)

    def published(self, topic: str) -> tuple[Message, ...]:
        """Return the messages of a topic, oldest first. Raises KeyError for an unknown topic."""
        with self._lock:
            return tuple(self._topics[topic].messages)

    def publish(self, topic: str, body: str, tag: str, now: float) -> Message:
        """Publish a message to a topic. Raises KeyError for an unknown topic."""
        sent = Message(uuid.uuid4().hex.upper(), body, now, tag)
        with self._lock:
            self._topics[topic].messages.append(sent)
        return sent

    def take(self, queue: str, most: int) -> list[Message]:
        """Take the oldest messages out. Raises KeyError for an unknown queue."""
        with self._lock:
            waiting = self._queues[queue].messages
            taken, waiting[:] = waiting[:most], waiting[most:]
        return taken

    def refuse_part(self, positions: frozenset[int], refusal: Refusal) -> None:
        """Refuse these positions of a batch to come, behind those that are refused already."""
        with self._lock:
            self._refused_parts.append((positions, refusal))

    def next_refused_part(self) -> tuple[frozenset[int], Refusal] | None:
        """Return the positions of this batch to refuse, if any, and forget them."""
        with self._lock:
            return self._refused_parts.popleft() if self._refused_parts else None
