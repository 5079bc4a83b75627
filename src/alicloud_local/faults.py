"""Faults on order: what goes wrong, how often, for which calls, and how it looks on the wire."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from alicloud_local.wire import Connection, Reply

RefusalKind: TypeAlias = Literal["throttle", "error_500", "forbidden", "expired_keys", "clock_skew"]
FaultKind: TypeAlias = Literal[RefusalKind, "html_502", "reset", "hang", "drip", "truncate"]

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

BAD_GATEWAY = Reply(
    502,
    {"Content-Type": "text/html"},
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n",
)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    throttle, error_500, forbidden,
    expired_keys, clock_skew         the service's own refusal; the request is not carried out
    html_502                         a gateway's HTML page instead of an answer; not carried out
    reset                            the connection is reset before a reply; not carried out
    hang                             no reply until the client gives up or the server stops; not carried out
    drip                             carried out, but the reply comes byte by byte, `interval_seconds` apart
    truncate                         carried out, but the reply ends before its Content-Length, to HEAD in its head

    It strikes the next `times` calls (None: all) that are of `operation`, if given (`QueryIProductionJob`; for OSS
    the HTTP method), and on `target`, if given (the job id; for OSS a prefix of `bucket/key`; a queue), each with
    `probability`.
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


class Faults:
    """The faults still to come, in the order they were queued; the first that fits a call strikes it."""

    def __init__(self, chance: random.Random, is_target: Callable[[str, str], bool]) -> None:
        """`is_target(target of the call, target of the fault)` says what a fault's `target` means."""
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
        """The fault that strikes this call, if any; it has then one time less."""
        if not self._queued:
            return None
        with self._lock:
            for index, (fault, left) in enumerate(self._queued):
                if not self._strikes(fault, operation, target):
                    continue
                if left == 1:
                    del self._queued[index]
                elif left is not None:
                    self._queued[index] = (fault, left - 1)
                return fault
        return None

    def _strikes(self, fault: Fault, operation: str, target: str) -> bool:
        return (
            fault.operation in (None, operation)
            and (fault.target is None or self._is_target(target, fault.target))
            and (fault.probability == 1 or self._chance.random() < fault.probability)
        )


def withhold_reply(fault: Fault, connection: Connection) -> None:
    """Act out `reset` or `hang`."""
    if fault.kind == "reset":
        connection.reset()
    else:
        connection.wait_until_closed()


def spoil_reply(
    fault: Fault, reply: Reply, connection: Connection, *, with_body: bool, stopping: threading.Event
) -> None:
    """Act out `drip` or `truncate`; a drip ends early when the server stops."""
    if fault.kind == "truncate":
        connection.send(reply.encode_cut_short(with_body=with_body))
        return
    payload = reply.encode(with_body=with_body)
    for index in range(len(payload)):
        connection.send(payload[index : index + 1])
        if stopping.wait(fault.interval_seconds):
            return
