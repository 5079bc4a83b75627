"""MNS's queues and the messages in them."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from dataclasses import dataclass

from alicloud_local.service import Refusal


@dataclass(frozen=True)
class Message:
    """A message in a queue. `body` is as it was sent, which SDKs do in base64; `sent_at` is in seconds since 1970."""

    message_id: str
    body: str
    sent_at: float


class QueueStore:
    """Queues by name, safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, list[Message]] = {}
        self._refused_parts: deque[tuple[frozenset[int], Refusal]] = deque()

    def create(self, queue: str) -> None:
        """Make a queue; one that is there stays as it is."""
        with self._lock:
            self._queues.setdefault(queue, [])

    def messages(self, queue: str) -> tuple[Message, ...]:
        """Return the messages of a queue, oldest first. Raises KeyError for an unknown queue."""
        with self._lock:
            return tuple(self._queues[queue])

    def add(self, queue: str, bodies: list[str], now: float) -> list[Message]:
        """Put messages into a queue. Raises KeyError for an unknown queue."""
        sent = [Message(uuid.uuid4().hex.upper(), body, now) for body in bodies]
        with self._lock:
            self._queues[queue] += sent
        return sent

    def take(self, queue: str, most: int) -> list[Message]:
        """Take the oldest messages out. Raises KeyError for an unknown queue."""
        with self._lock:
            waiting = self._queues[queue]
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
