"""EventBridge's buses and the events on them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from alicloud_local.rpc.messages import JsonObject
from alicloud_local.service import Refusal


@dataclass(frozen=True)
class Rule:
    """A rule on a bus with one target, whose `endpoint` is an ARN or a URL. It sends nothing."""

    name: str
    kind: str
    endpoint: str


@dataclass
class Bus:
    """An event bus. `created` is in seconds since 1970; `events` are CloudEvents, oldest first."""

    name: str
    created: float
    description: str = ""
    events: list[JsonObject] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


class BusStore:
    """Buses by name, safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buses: dict[str, Bus] = {}
        self._refused_parts: deque[tuple[frozenset[int], Refusal]] = deque()

    def create(self, name: str, now: float) -> None:
        """Make a bus; one that is there already stays as it is."""
        with self._lock:
            self._buses.setdefault(name, Bus(name, now))

    def add_rule(self, bus: str, rule: Rule) -> None:
        """Put a rule on a bus. Raises KeyError for an unknown bus."""
        with self._lock:
            self._buses[bus].rules.append(rule)

    def find(self, name: str) -> Bus | None:
        """Return the bus of this name; None when there is none."""
        with self._lock:
            return self._buses.get(name)

    def events(self, bus: str) -> tuple[JsonObject, ...]:
        """Return the events of a bus, oldest first. Raises KeyError for an unknown bus."""
        with self._lock:
            return tuple(self._buses[bus].events)

    def add(self, bus: Bus, events: list[JsonObject]) -> None:
        """Put events on a bus."""
        with self._lock:
            bus.events += events

    def refuse_part(self, positions: frozenset[int], refusal: Refusal) -> None:
        """Refuse these positions of a request to come, behind those that are refused already."""
        with self._lock:
            self._refused_parts.append((positions, refusal))

    def next_refused_part(self) -> tuple[frozenset[int], Refusal] | None:
        """Return the positions of this request to refuse, if any, and forget them."""
        with self._lock:
            return self._refused_parts.popleft() if self._refused_parts else None
