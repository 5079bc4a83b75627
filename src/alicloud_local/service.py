"""The base of every service: a server with a log of its calls, faults, latency and refusals."""

from __future__ import annotations

import random
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from alicloud_local.faults import Fault, FaultQueue, RefusalKind
from alicloud_local.http_server import HOST, Connection, HttpServer, Reply, Request

ACCOUNT_ID = "1234567890123456"
"""Account that everything belongs to."""
_BAD_GATEWAY = Reply(
    502,
    {"Content-Type": "text/html"},
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n",
)


class Call(NamedTuple):
    """A request as the server saw it.

    `status` is None for a request without a reply. `at` is in seconds of `time.monotonic`. `body_bytes` is the length
    of the reply's body. The call is logged before its reply is sent: a client that has the reply finds the call in the
    log.
    """

    operation: str
    target: str
    status: int | None
    at: float
    body_bytes: int = 0


class CallEvent(NamedTuple):
    """A step of a call: it has "arrived" at the server, or it is "answered" and its reply is not sent yet."""

    moment: Literal["arrived", "answered"]
    service: str
    operation: str
    target: str


CallObserver: TypeAlias = Callable[[CallEvent], None]
"""Gets every event of every call, in the thread that serves it. An OSError it raises ends the call without a reply."""


class RefusedError(Exception):
    """A refusal with the service's own status, code and message.

    `details` are further fields of its document, `headers` further headers of its reply.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    def document(self, request: Request, request_id: str) -> dict[str, str]:
        """Return the fields of its XML document, which OSS and MNS have in common."""
        fields = {"Code": self.code, "Message": self.message, "RequestId": request_id}
        return {**fields, "HostId": request.headers.get("host", ""), **self.details}


class Refusal(NamedTuple):
    """A service's words for one kind of fault."""

    status: int
    code: str
    message: str


@dataclass
class Keyring:
    """The access keys that are accepted: secrets by access key id, and the security tokens of STS keys."""

    secrets: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerOptions:
    """Options that all servers of a cloud share.

    `clock` is the servers' time in seconds since 1970, which signatures are checked against. `watch` hears of each call
    before it is carried out or hit by a fault, and again before its reply is sent.
    """

    region: str = "cn-shanghai"
    latency_seconds: float = 0.0
    tls: ssl.SSLContext | None = None
    chance: random.Random = field(default_factory=random.Random)
    clock: Callable[[], float] = time.time
    watch: CallObserver | None = None


@lru_cache  # all requests within one second have the same text
def read_time(text: str, form: str) -> float | None:
    """Read a time in UTC, in seconds since 1970; None for a text of another form."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


class LocalService(ABC):
    """A service on 127.0.0.1. A subclass names its calls, answers them, and words its refusals."""

    name: ClassVar[str]
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]]

    def __init__(
        self, keyring: Keyring, options: ServerOptions, *, is_fault_target: Callable[[str, str], bool]
    ) -> None:
        """`is_fault_target(target of a call, target of a fault)` says if the fault is for the call."""
        self.keyring = keyring
        self.region = options.region
        self.clock = options.clock
        self.port = 0
        """Port to listen on from the next start; 0 is any free one."""
        self._options = options
        self._faults = FaultQueue(options.chance, is_fault_target)
        self._calls: list[Call] = []
        self._stopping = threading.Event()
        self._server: HttpServer | None = None

    @abstractmethod
    def locate(self, request: Request) -> tuple[str, str]:
        """Return the (operation, target) of a call, for the log and the faults.

        The request is not verified yet. This method must not fail.
        """

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """Verify a request and carry it out. Raises RefusedError."""

    @abstractmethod
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        """Return the reply of a refused request."""

    @property
    def endpoint(self) -> str:
        """URL of the server, `http://127.0.0.1:PORT`. Raises RuntimeError when it is not running."""
        if self._server is None:
            raise RuntimeError(f"the local {self.name} is not running: call start(), or use `with`")
        scheme = "https" if self._options.tls else "http"
        return f"{scheme}://{HOST}:{self._server.server_port}"

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, in the order of their replies."""
        return tuple(self._calls)

    def fail(self, fault: Fault) -> None:
        """Add a fault behind those that are still to come."""
        self._faults.add(fault)

    def clear(self) -> None:
        """Drop the faults that are still to come."""
        self._faults.clear()

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._stopping.clear()
        self._server = HttpServer(self.name, self._respond, port=self.port, tls=self._options.tls)

    def close(self) -> None:
        """Stop, end every connection, and leave no thread behind. A second call does nothing."""
        server, self._server = self._server, None
        if server is not None:
            self._stopping.set()
            server.close()

    def _respond(self, request: Request, connection: Connection) -> bool:
        """Answer a request or act out its fault; False when the connection can take no further request."""
        operation, target = self.locate(request)
        if self._options.latency_seconds and self._stopping.wait(self._options.latency_seconds):
            return False
        self._notify("arrived", operation, target)
        fault = self._faults.take(operation, target)
        if fault is not None and fault.kind in ("reset", "hang"):
            self._log(operation, target, None)
            if fault.kind == "reset":
                connection.reset()
            else:
                connection.wait_until_closed()
            return False
        reply = self._reply(request, fault)
        self._notify("answered", operation, target)
        with_body = request.method != "HEAD"
        self._log(operation, target, reply.status, len(reply.body) if with_body else 0)
        if fault is not None and fault.kind == "truncate":
            connection.send(reply.encode_truncated(with_body=with_body))
            return False
        payload = reply.encode(with_body=with_body)
        if fault is not None and fault.kind == "drip":
            for index in range(len(payload)):
                connection.send(payload[index : index + 1])
                if self._stopping.wait(fault.interval_seconds):
                    return False
        else:
            connection.send(payload)
        return True

    def _reply(self, request: Request, fault: Fault | None) -> Reply:
        try:
            if fault is None or fault.kind in ("drip", "truncate"):
                return self.answer(request)
            if fault.kind == "html_502":
                return _BAD_GATEWAY
            refusal = self.fault_refusals[fault.kind]  # type: ignore[index]  # reset and hang never come here
            return self.refuse(RefusedError(*refusal), request)
        except RefusedError as refusal:
            return self.refuse(refusal, request)

    def _notify(self, moment: Literal["arrived", "answered"], operation: str, target: str) -> None:
        if self._options.watch is not None:
            self._options.watch(CallEvent(moment, self.name, operation, target))

    def _log(self, operation: str, target: str, status: int | None, body_bytes: int = 0) -> None:
        self._calls.append(Call(operation, target, status, time.monotonic(), body_bytes))
