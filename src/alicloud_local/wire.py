"""HTTP/1.1 on a socket: requests in, replies out, and as little in between as serves thousands of calls a second."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

_LONGEST_HEAD_BYTES = 65_536
_RECEIVE_BYTES = 65_536


class NotHttpError(Exception):
    """What came in is not an HTTP/1.1 request that we can read."""


@dataclass(frozen=True)
class Request:
    """One request. Header names are lower case, and a repeated header's values are joined by commas.

    `path` and `query` are as sent, percent-encoded; header values are the bytes sent, read as Latin-1.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    keep_alive: bool = True

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The decoded query; a name without a value has the value ""."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """What is sent back. `body` is given for HEAD too: it sets the Content-Length, but is not sent."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, *, with_body: bool = True) -> bytes:
        """The reply as it goes over the wire."""
        return self._head(len(self.body)) + (self.body if with_body else b"")

    def encode_cut_short(self, *, with_body: bool = True) -> bytes:
        """The reply with a Content-Length that promises more than is there; without a body, half of the head."""
        if not with_body:
            head = self._head(len(self.body))
            return head[: len(head) // 2]
        return self._head(len(self.body) + 1) + self.body[: len(self.body) // 2]

    def _head(self, content_length: int) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Length: {content_length}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1")


class Connection:
    """One client's socket, read request by request."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._pending = b""

    def read(self) -> Request | None:
        """The next request, or None when the client has gone. Raises NotHttpError."""
        head = self._read_head()
        if head is None:
            return None
        method, target, version, headers = _parse_head(head)
        if headers.get("expect", "").lower() == "100-continue":
            self._peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._read_body(headers)
        if "://" in target.partition("?")[0]:  # the absolute form, which clients use towards a proxy
            url = urlsplit(target)
            path, query = url.path or "/", url.query
        else:
            path, _, query = target.partition("?")
        keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Request(method, path, query, headers, body, keep_alive)

    def send(self, payload: bytes) -> None:
        """Send all of `payload` in one go."""
        self._peer.sendall(payload)

    def reset(self) -> None:
        """Close so that the client sees a reset: with no time to linger, the kernel sends RST in place of FIN."""
        self._peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._peer.close()

    def wait_until_closed(self) -> None:
        """Return when the client has gone, or when our side has been shut down."""
        while self._peer.recv(_RECEIVE_BYTES):
            pass

    def _read_head(self) -> bytes | None:
        while b"\r\n\r\n" not in self._pending:
            if len(self._pending) > _LONGEST_HEAD_BYTES:
                raise NotHttpError("the request's head is too long")
            if not self._receive():
                return None
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        return head

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise NotHttpError(f"the Content-Length {length!r} is not a number")
        return self._read_exactly(int(length))

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            size_text = self._read_line().partition(b";")[0]
            try:
                size = int(size_text, 16)
            except ValueError:
                raise NotHttpError(f"the chunk size {size_text!r} is not a number") from None
            if size == 0:
                break
            chunks.append(self._read_exactly(size))
            self._read_line()
        while self._read_line():  # trailers
            pass
        return b"".join(chunks)

    def _read_line(self) -> bytes:
        while b"\r\n" not in self._pending:
            if not self._receive():
                raise NotHttpError("the request ends too soon")
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line

    def _read_exactly(self, length: int) -> bytes:
        parts, have = [self._pending], len(self._pending)
        while have < length:
            part = self._peer.recv(_RECEIVE_BYTES)
            if not part:
                raise NotHttpError("the request ends too soon")
            parts.append(part)
            have += len(part)
        received = b"".join(parts)
        self._pending = received[length:]
        return received[:length]

    def _receive(self) -> bool:
        part = self._peer.recv(_RECEIVE_BYTES)
        self._pending += part
        return bool(part)


def _parse_head(head: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004  method, target, version
        raise NotHttpError("the request line is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise NotHttpError("a header line without a colon")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return words[0], words[1], words[2], headers
