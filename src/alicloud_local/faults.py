"""Faults on demand: the kinds there are, how often and for which calls they happen."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

RefusalKind: TypeAlias = Literal["throttle", "error_500", "forbidden", "expired_keys", "clock_skew"]
FaultKind: TypeAlias = Literal[RefusalKind, "html_502", "reset", "hang", "drip", "truncate"]

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass(frozen=True)
class Fault:
    """A failure that happens to calls.

    throttle, error_500, forbidden,
    expired_keys, clock_skew         the service's own refusal; the request is not carried out
    html_502                         a gateway's HTML page instead of an answer; not carried out
    reset                            the connection is reset before a reply; not carried out
    hang                             no reply until the client gives up or the server stops; not carried out
    drip                             carried out, but the reply comes byte by byte, `interval_seconds` apart
    truncate                         carried out, but the reply ends before its Content-Length, to HEAD in its head

    It happens to the next `times` calls (None: to every call) of `operation`, if given (`QueryIProductionJob`; for OSS
    the HTTP method), and on `target`, if given (the job id; for OSS a prefix of `bucket/key`; a queue; a table), to
    each with `probability`. Raises ValueError for a value that cannot be.
    """

    kind: FaultKind
    times: int | None = 1
    operation: str | None = None
    target: str | None = None
    probability: float = 1.0
    interval_seconds: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"no fault {self.kind!r}: one of {', '.join(FAULT_KINDS)}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is {self.times}: at least 1, or None for every call")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability is {self.probability}: above 0, at most 1")
        if self.interval_seconds < 0:
            raise ValueError(f"interval_seconds is {self.interval_seconds}: at least 0")


class FaultQueue:
    """Faults still to come, in the order they were added; the first that fits a call happens to it."""

    def __init__(self, chance: random.Random, is_target: Callable[[str, str], bool]) -> None:
        """`is_target(target of the call, target of the fault)` says if a fault is for a call."""
        self._chance = chance
        self._is_target = is_target
        self._lock = threading.Lock()
        self._queued: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._queued.append((fault, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._queued.clear()

    def take(self, operation: str, target: str) -> Fault | None:
        """Return the fault for this call, if any, and count it."""
        if not self._queued:
            return None
        with self._lock:
            for index, (fault, left) in enumerate(self._queued):
                if fault.operation not in (None, operation):
                    continue
                if fault.target is not None and not self._is_target(target, fault.target):
                    continue
                if fault.probability < 1 and self._chance.random() >= fault.probability:
                    continue
                if left == 1:
                    del self._queued[index]
                elif left is not None:
                    self._queued[index] = (fault, left - 1)
                return fault
        return None
