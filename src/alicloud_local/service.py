"""What the stand-ins have in common: a server, faults, a log of calls, latency, and refusals."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from alicloud_local.faults import BAD_GATEWAY, Fault, Faults, RefusalKind, spoil_reply, withhold_reply
from alicloud_local.listener import HOST, Listener
from alicloud_local.wire import Connection, NotHttpError, Reply, Request


@dataclass(frozen=True)
class Call:
    """One request as the server saw it. `status` is None when it gave no reply; `at` is in `time.monotonic` seconds.

    It is logged before the reply is sent: who has the reply finds the call in the log.
    """

    operation: str
    target: str
    status: int | None
    at: float


class Passing(NamedTuple):
    """A call on its way through a server: it has "arrived", or it is "answered" and the reply is not sent yet."""

    moment: Literal["arrived", "answered"]
    service: str
    operation: str
    target: str


Watch: TypeAlias = Callable[[Passing], None]
"""Told of each call, in the thread that serves it. An OSError it raises ends the connection without a reply."""


class RefusedError(Exception):
    """The service says no, with the code and message it would use; `details` are its further fields."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})


class Refusal(NamedTuple):
    """How a service words one kind of fault."""

    status: int
    code: str
    message: str


@dataclass
class Keyring:
    """The access keys that are accepted now: secrets by access key id, and for STS keys the token they need."""

    secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conditions:
    """What a server runs under. `clock` is the time in seconds since 1970 that signatures are checked against.

    `watch` is told of each call twice: before it is carried out, or a fault strikes it, and before its reply is sent.
    """

    latency_seconds: float = 0.0
    tls: ssl.SSLContext | None = None
    chance: random.Random = field(default_factory=random.Random)
    clock: Callable[[], float] = time.time
    watch: Watch | None = None


class LocalService(ABC):
    """A service on 127.0.0.1. One that is new says how it names a call, answers it, and words a refusal."""

    name: ClassVar[str]
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]]

    def __init__(
        self, keyring: Keyring, conditions: Conditions, *, is_fault_target: Callable[[str, str], bool], port: int = 0
    ) -> None:
        self.keyring = keyring
        self.clock = conditions.clock
        self._conditions = conditions
        self._port = port
        self._faults = Faults(conditions.chance, is_fault_target)
        self._calls: list[Call] = []
        self._stopping = threading.Event()
        self._listener: Listener | None = None

    @abstractmethod
    def locate(self, request: Request) -> tuple[str, str]:
        """(operation, target) of a call, for the log and the faults. Nothing is verified yet; it must not fail."""

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """Verify and carry out a request. Raises RefusedError."""

    @abstractmethod
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        """A refusal in the words of this service."""

    @property
    def endpoint(self) -> str:
        """Its URL, `http://127.0.0.1:PORT`. Raises RuntimeError when it is not running."""
        if self._listener is None:
            raise RuntimeError(f"the local {self.name} is not running: start() it, or use `with`")
        scheme = "https" if self._conditions.tls else "http"
        return f"{scheme}://{HOST}:{self._listener.port}"

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, in the order of their replies."""
        return tuple(self._calls)

    def fail(self, fault: Fault) -> None:
        """Queue a fault, behind those that are queued already."""
        self._faults.add(fault)

    def clear(self) -> None:
        """Forget the faults still to come."""
        self._faults.clear()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._stopping.clear()
        self._listener = Listener(self.name, self._serve, port=self._port, tls=self._conditions.tls)

    def close(self) -> None:
        """Stop, end every connection, and leave no thread behind. Closing again does nothing."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._stopping.set()
            listener.close()

    def _serve(self, peer: socket.socket) -> None:
        connection = Connection(peer)
        try:
            while (request := connection.read()) is not None and self._respond(request, connection):
                pass
        except NotHttpError as error:
            connection.send(
                Reply(400, {"Content-Type": "text/plain", "Connection": "close"}, str(error).encode()).encode()
            )

    def _respond(self, request: Request, connection: Connection) -> bool:
        """Answer, or act out a fault; whether the connection can take another request."""
        operation, target = self.locate(request)
        if self._conditions.latency_seconds and self._stopping.wait(self._conditions.latency_seconds):
            return False
        self._tell("arrived", operation, target)
        fault = self._faults.take(operation, target)
        if fault is not None and fault.kind in ("reset", "hang"):
            self._log(operation, target, None)
            withhold_reply(fault, connection)
            return False
        reply = self._reply(request, fault)
        self._tell("answered", operation, target)
        self._log(operation, target, reply.status)
        with_body = request.method != "HEAD"
        if fault is not None and fault.kind in ("drip", "truncate"):
            spoil_reply(fault, reply, connection, with_body=with_body, stopping=self._stopping)
            return fault.kind == "drip" and request.keep_alive
        connection.send(reply.encode(with_body=with_body))
        return request.keep_alive

    def _tell(self, moment: Literal["arrived", "answered"], operation: str, target: str) -> None:
        if self._conditions.watch is not None:
            self._conditions.watch(Passing(moment, self.name, operation, target))

    def _reply(self, request: Request, fault: Fault | None) -> Reply:
        try:
            if fault is None or fault.kind in ("drip", "truncate"):
                return self.answer(request)
            if fault.kind == "html_502":
                return BAD_GATEWAY
            refusal = self.fault_refusals[fault.kind]  # type: ignore[index]  # reset and hang never come here
            return self.refuse(RefusedError(*refusal), request)
        except RefusedError as refusal:
            return self.refuse(refusal, request)

    def _log(self, operation: str, target: str, status: int | None) -> None:
        self._calls.append(Call(operation, target, status, time.monotonic()))
