"""The HTTP server of every service: the standard library's, with requests and replies as plain values.

`http.server` parses requests, keeps connections alive and gives each connection a thread. Added here are chunked
bodies, TLS, replies that go out in one piece, and a close that leaves no thread and no socket behind.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property, lru_cache
from http import HTTPStatus
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

HOST = "127.0.0.1"
_RECEIVE_BYTES = 65_536


@dataclass(frozen=True)
class Request:
    """An HTTP request.

    Header names are lower case; the values of a repeated header are joined by commas. `path` and `query` are
    percent-encoded, as the client sent them. Header values are the bytes that were sent, decoded as Latin-1.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The decoded query; a name without a value has the value ""."""
        return dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {}


class Reply(NamedTuple):
    """An HTTP reply. In reply to HEAD, `body` sets the Content-Length and is not sent.

    A `chunked` one has no Content-Length.
    """

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    chunked: bool = False

    def encode(self, *, with_body: bool = True) -> bytes:
        """Encode the reply for the wire."""
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.body), self.body) if self.chunked else self.body
        return self._head(len(self.body)) + (body if with_body else b"")

    def encode_truncated(self, *, with_body: bool = True) -> bytes:
        """Encode half of the body, after a Content-Length of more than all of it; without a body, half of the head."""
        if not with_body:
            head = self._head(len(self.body))
            return head[: len(head) // 2]
        return self._head(len(self.body) + 1) + self.body[: len(self.body) // 2]

    def _head(self, content_length: int) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Date: {http_date(int(time.time()))}",
            "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {content_length}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1")


@lru_cache
def http_date(seconds: int) -> str:
    """Return a time, in seconds since 1970, as it stands in headers."""
    return formatdate(seconds, usegmt=True)


class _Headers(HTTPMessage):
    """Headers of a request; the parser, which is one for mail, must not look for parts in a body."""

    @override
    def get_content_type(self) -> str:
        return "text/plain"

    @override
    def get_content_maintype(self) -> str:
        return "text"


class Connection(BaseHTTPRequestHandler):
    """A client's connection, served in a thread of its own until either side closes it."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # the standard library sends an error to an HTTP/0.9 client without a head
    MessageClass = _Headers
    disable_nagle_algorithm = True
    server: HttpServer

    @override
    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def serve(self) -> None:
        """Read the body of a request and have the request answered; its head is parsed already."""
        headers: dict[str, str] = {}
        for written, text in self.headers.raw_items():
            name, value = written.lower(), text.strip()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        try:
            body = self._read_body(headers)
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        # The standard library shortens a path that begins with `//`, which is the key of an object here.
        target = self.requestline.split()[1]
        if "://" in target.partition("?")[0]:  # the absolute form, which clients use towards a proxy
            url = urlsplit(target)
            path, query = url.path or "/", url.query
        else:
            path, _, query = target.partition("?")
        if not self.server.respond(Request(self.command, path, query, headers, body), self):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = serve  # noqa: N815  names of http.server

    @override
    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.headers.defects:
            self.send_error(HTTPStatus.BAD_REQUEST, "a header line without a colon")
            return False
        return True

    @override
    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is not HTTP, and close the connection."""
        self.close_connection = True
        text = message or explain or HTTPStatus(code).phrase
        self.send(Reply(code, {"Content-Type": "text/plain", "Connection": "close"}, text.encode()).encode())

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write no line per request; `LocalService.calls` has them."""

    def send(self, payload: bytes) -> None:
        """Send all of `payload`."""
        self.connection.sendall(payload)

    def reset(self) -> None:
        """Close the connection so that the client sees a reset: without time to linger, the kernel sends RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # the socket stays open for as long as this reader is
        self.connection.close()

    def wait_until_closed(self) -> None:
        """Return after the client has closed the connection, or the server has."""
        while self.connection.recv(_RECEIVE_BYTES):
            pass

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        """Read the body by Content-Length or in chunks. Raises ValueError for a malformed or incomplete one.

        GET and HEAD have none: a Content-Length that is sent all the same announces nothing, and the connection ends
        in case it does. (The SDK of MNS sends 0.)
        """
        if self.command in ("GET", "HEAD"):
            self.close_connection |= headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
            return b""
        if headers.get("transfer-encoding", "").lower() != "chunked":
            length = headers.get("content-length", "0")
            if not length.isdecimal():
                raise ValueError(f"the Content-Length {length!r} is not a number")
            return self._read_exactly(int(length))
        chunks: list[bytes] = []
        while size := int(self._read_line().partition(b";")[0], 16):
            chunks.append(self._read_exactly(size))
            self._read_line()
        while self._read_line():  # trailers
            pass
        return b"".join(chunks)

    def _read_exactly(self, length: int) -> bytes:
        data = self.rfile.read(length)
        if len(data) < length:
            raise ValueError("the request ends too soon")
        return data

    def _read_line(self) -> bytes:
        line = self.rfile.readline(_RECEIVE_BYTES)
        if not line.endswith(b"\n"):
            raise ValueError("the request ends too soon")
        return line.strip()


Respond: TypeAlias = Callable[[Request, Connection], bool]
"""Answers a request on its connection; False when the connection can take no further request."""


class HttpServer(ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1, listening from its construction until `close`."""

    request_queue_size = 128
    daemon_threads = True  # a program that forgets `close` still ends

    def __init__(self, name: str, respond: Respond, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen on `port`; 0 is any free one. Raises OSError when the port is taken."""
        self.respond = respond
        self._name = name
        self._tls = tls
        self._closing = False
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__((HOST, port), Connection)
        self._accepting = threading.Thread(target=self._accept, name=f"{name} listener", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening, end every connection, and wait for their threads."""
        self._closing = True
        with contextlib.suppress(OSError):  # a connection of our own wakes the listener, on every system
            socket.create_connection((HOST, self.server_port), timeout=1).close()
        self._accepting.join()
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
        for peer in connections.values():
            with contextlib.suppress(OSError):
                # The plain socket's shutdown, also for TLS: it wakes a blocked recv without touching the TLS state.
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in connections:
            thread.join()

    @override
    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which http.server does and which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    @override
    def get_request(self) -> tuple[socket.socket, object]:
        peer, address = super().get_request()
        if self._tls is None:
            return peer, address
        try:  # the connection's thread does the handshake: a silent client does not block the others
            return self._tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False), address
        except OSError:  # the client has left already
            peer.close()
            raise

    @override
    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Start the connection's thread, which `close` knows to wait for."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"{self._name} connection",
            daemon=True,
        )
        with self._lock:
            self._connections[thread] = request
        thread.start()

    @override
    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        super().shutdown_request(request)
        with self._lock:
            self._connections.pop(threading.current_thread(), None)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a client that left or distrusts the certificate; any other error is a defect and is raised."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            raise error

    def _accept(self) -> None:
        while not self._closing:
            self.handle_request()
