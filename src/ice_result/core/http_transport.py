"""Transport of the SDKs of ICE and OSS: requests over HTTP/1.1 on connections that stay open.

`requests` and urllib3, which they bring along, spend a quarter of the CPU of a job on settings, cookies, redirects and
URLs taken apart several times; `http.client` an eighth on parsing headers as those of a mail [measured: see
docs/performance.md]. Here a request is one write, and a reply is read whole, with a limit for each of its parts:

    take an idle connection, or connect ── send ── read head ── read body ── keep it open, or close it

A connection is kept only after a reply with a clear end and nothing behind it. If the server has closed it in the
meantime, this is noticed before it is used again. Nothing is sent twice, and no redirect is followed: the callers
decide about both.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPException, InvalidURL
from typing import NamedTuple, Protocol
from urllib.parse import unquote_to_bytes
from weakref import finalize

from ice_result.core.http import EndsWithCall, new_connection, trusting
from ice_result.core.http_headers import Headers, read_headers
from ice_result.core.threads import use
from ice_result.errors import TooLargeError

LONGEST_HEAD = 64 * 1024
"""Bytes of a status line and all headers, and of the trailers behind a body."""
CUT_SHORT = "the connection ended before the whole reply was there"
"""Message about a body that is shorter than announced. It has no numbers: stored documents may contain it."""
_MOST_INTERIM_REPLIES = 10
_WITH_STORED_BYTES = (200, 206)
_PART = 64 * 1024
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_ANY_COMPRESSION = zlib.MAX_WBITS | 32  # gzip or zlib, as the data says
_HOST_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")


class UnsendableError(ValueError):
    """A request that HTTP has no form for. The text shows no part of it: it could be a header with a token."""


class HttpReply(NamedTuple):
    """A whole reply. The body is decompressed."""

    status: int
    reason: str
    headers: Headers
    body: bytes


class NewConnection(Protocol):
    """Maker of connections, which are not open yet: see `new_connection`."""

    def __call__(self, authority: str, tls: ssl.SSLContext | None, *, seconds: float) -> EndsWithCall:
        """Make a connection to a host."""


class HttpTransport:
    """Connections to the hosts of one service; any number of threads may send at once."""

    def __init__(
        self, scheme: str, *, ca_bundle: str | None, most_idle: int, connect: NewConnection = new_connection
    ) -> None:
        """Keep up to `most_idle` connections open. `scheme` is http or https; `connect` makes a connection.

        Raises SettingsError for a bundle of certificates that cannot be read.
        """
        self._new_connection = connect
        self._scheme = scheme
        self._tls = trusting(ca_bundle) if scheme == "https" else None
        self._most_idle = most_idle
        self._idle: list[_Channel] = []  # the one that was used last at the end
        self._lock = threading.Lock()
        finalize(self, _close_all, self._idle)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        seconds: tuple[float, float],
        proxy: str | None = None,
        limit: int | None = None,
        cuts: bool = False,
    ) -> HttpReply:
        """Send a request and read its reply. `seconds` bound the connecting, and each wait for bytes after that.

        Raises UnsendableError, OSError for a connection that breaks and a reply that is not HTTP, and TooLargeError for
        a body of more than `limit` bytes: as soon as its length is announced, or else when it has become too long. With
        `cuts`, the reply to such a request has no body instead.
        """
        scheme, _, rest = url.partition("://")
        authority, _, path = rest.partition("/")
        if scheme != self._scheme:
            raise UnsendableError("not a URL of this service")
        through = _read_proxy(proxy) if proxy else None
        target = f"/{path}"
        if through and self._tls is None:
            target = url
            headers = {**headers, **through.headers}
        request = _encode(method, target, authority, headers, body)
        origin = (authority, proxy)
        channel = self._take(origin) or _Channel(origin, self._connect(authority, through, seconds))
        try:
            reply, is_reusable = channel.exchange(
                method, request, seconds[1], limit, cuts=cuts, is_range=any(name.lower() == "range" for name in headers)
            )
        except BaseException:
            channel.close()
            raise
        if is_reusable:
            self._give_back(channel)
        else:
            channel.close()
        return reply

    def connect(self, url: str, seconds: float) -> None:
        """Open a connection to the host of a URL, without a proxy, and keep it for the next request to that host.

        Raises UnsendableError and OSError.
        """
        authority = url.partition("://")[2].partition("/")[0]
        self._give_back(_Channel((authority, None), self._connect(authority, None, (seconds, seconds))))

    def _connect(self, authority: str, proxy: _Proxy | None, seconds: tuple[float, float]) -> EndsWithCall:
        if not authority or not _HOST_LETTERS.issuperset(authority):
            raise UnsendableError("not the name of a host")
        host = proxy.authority if proxy else authority
        try:
            connection = self._new_connection(host, self._tls, seconds=seconds[0])
            if self._tls and proxy:
                connection.set_tunnel(authority, headers=proxy.headers)
            try:
                connection.connect()
            except BaseException:
                connection.close()
                raise
        except (
            InvalidURL,
            UnicodeError,
        ):  # a port that is not a number; a label of the host that is empty, or too long
            raise UnsendableError("not the name of a host") from None
        except HTTPException as error:  # from http.client, which opens the tunnel or reads the port
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        return connection

    def _take(self, origin: tuple[str, str | None]) -> _Channel | None:
        """Take the idle connection that was used last, if the server has not closed it."""
        while True:
            with self._lock:
                place = next((at for at in range(len(self._idle) - 1, -1, -1) if self._idle[at].origin == origin), None)
                if place is None:
                    return None
                channel = self._idle.pop(place)
            if channel.is_alive():
                return channel
            channel.close()

    def _give_back(self, channel: _Channel) -> None:
        with self._lock:
            self._idle.append(channel)
            surplus = self._idle.pop(0) if len(self._idle) > self._most_idle else None
        if surplus:
            surplus.close()


def environment_proxy(endpoint: str) -> str | None:
    """Find the proxy for an endpoint as `requests` does, with regard for NO_PROXY and the settings of the system."""
    if sys.platform == "linux" and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415  only where there may be one

    return select_proxy(endpoint, get_environ_proxies(endpoint))


class _Proxy(NamedTuple):
    authority: str
    headers: Mapping[str, str]


@lru_cache(8)
def _read_proxy(url: str) -> _Proxy:
    """Read the URL of a proxy, with or without a scheme and a user."""
    scheme, _, rest = url.rpartition("://")
    if scheme not in ("", "http"):
        raise UnsendableError("a proxy is not addressed by http://")
    user, _, authority = rest.partition("/")[0].rpartition("@")
    basic = base64.b64encode(unquote_to_bytes(user)).decode()
    return _Proxy(authority, {"Proxy-Authorization": f"Basic {basic}"} if user else {})


def _encode(method: str, target: str, authority: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Write a request down. Raises UnsendableError."""
    names = {name.lower() for name in headers}
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()]]
    if "host" not in names:
        lines.append(f"Host: {authority}")
    if "accept-encoding" not in names:
        lines.append("Accept-Encoding: identity")
    if "content-length" not in names and (body is not None or method in ("POST", "PUT")):
        lines.append(f"Content-Length: {len(body or b'')}")
    head = "\r\n".join((*lines, "", ""))
    if not (target.isascii() and target.isprintable()) or " " in target:
        raise UnsendableError("the URL is not encoded")
    if not head.count("\n") == head.count("\r") == len(lines) + 1 or "\0" in head:
        raise UnsendableError("a line break in a header")
    try:
        return head.encode("latin-1") + (body or b"")
    except UnicodeEncodeError:
        raise UnsendableError("a character in a header that is not Latin") from None


class _Channel:
    """An open connection, and the bytes received over it that are not read yet."""

    def __init__(self, origin: tuple[str, str | None], connection: EndsWithCall) -> None:
        self.origin = origin
        self._connection = connection
        self._socket: socket.socket | ssl.SSLSocket = connection.sock
        self._received = bytearray()

    def is_alive(self) -> bool:
        """Tell whether the server has neither closed the connection nor sent what nobody asked for."""
        self._socket.settimeout(0)
        try:
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)  # below TLS, which knows no peeking
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def exchange(
        self, method: str, request: bytes, seconds: float, limit: int | None, *, cuts: bool, is_range: bool
    ) -> tuple[HttpReply, bool]:
        """Send a request and read its reply; also return whether the connection can be used again."""
        use(self._connection)
        self._socket.settimeout(seconds)
        with suppress(BrokenPipeError):  # a server that refuses a long body may close before it has read all of it
            self._socket.sendall(request)
        for _ in range(_MOST_INTERIM_REPLIES):
            version, status, reason, headers = self._read_head()
            if status >= 200:  # noqa: PLR2004  the replies before the final one are 1xx
                break
        else:
            raise ConnectionError("no final reply: only interim (1xx) replies")
        if method == "HEAD" or status in (204, 304):
            body, ends_clearly = b"", True
        else:
            try:
                is_stored = is_range and status in _WITH_STORED_BYTES
                body, ends_clearly = self._read_body(headers, limit, is_stored=is_stored)
            except TooLargeError:
                if not cuts:
                    raise
                body, ends_clearly = b"", False
        connection = headers.text("connection").lower()
        is_kept = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
        return HttpReply(status, reason, headers, body), ends_clearly and is_kept and not self._received

    def _read_head(self) -> tuple[str, int, str, Headers]:
        first, *lines = self._read_until(b"\r\n\r\n", begins=b"HTTP/1.").decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        code, _, reason = rest.partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0") or len(code) != 3 or not (code.isascii() and code.isdecimal()):  # noqa: PLR2004
            raise ConnectionError("the reply is not HTTP: no status line")
        return version, int(code), reason, read_headers(lines)

    def _read_body(self, headers: Headers, limit: int | None, *, is_stored: bool) -> tuple[bytes, bool]:
        """Read the body; also return whether it has an end of its own, other than that of the connection.

        The reply to a request for a range has bytes as they are stored, which may begin or end anywhere. With
        `is_stored`, they are not decompressed. An error page is.
        """
        coding, length = headers.text("transfer-encoding").lower(), headers.text("content-length")
        if coding == "chunked":
            body = self._read_chunks(limit)
        elif coding or (length and not (length.isascii() and length.isdecimal())):
            raise ConnectionError("the reply is not valid HTTP: its length cannot be read")
        elif length:
            _check(int(length), limit)
            body = self._read_exactly(int(length))
        else:
            is_open = True
            while is_open:
                _check(len(self._received), limit, announced=False)
                is_open = self._receive()
            body = self._take(len(self._received))
        if body and not is_stored and headers.text("content-encoding").lower() in ("gzip", "x-gzip", "deflate"):
            body = _decompress(body, limit)
        return body, bool(coding or length)

    def _read_chunks(self, limit: int | None) -> bytes:
        body = bytearray()
        while True:
            digits = self._read_until(b"\r\n").partition(b";")[0].strip()
            if not digits or digits.strip(_HEX_DIGITS):
                raise ConnectionError("the reply is not valid HTTP: the size of a chunk cannot be read")
            size = int(digits, 16)
            if not size:
                break
            _check(len(body) + size, limit, announced=False)
            body += self._read_exactly(size)
            if self._read_exactly(2) != b"\r\n":
                raise ConnectionError("the reply is not valid HTTP: a chunk does not end where expected")
        trailers = 0
        while line := self._read_until(b"\r\n"):
            trailers += len(line)
            if trailers > LONGEST_HEAD:
                raise ConnectionError(f"the reply is not valid HTTP: more than {LONGEST_HEAD} bytes of trailers")
        return bytes(body)

    def _read_until(self, end: bytes, begins: bytes = b"") -> bytes:
        """Take what comes until `end`, and `end` itself, which is not returned."""
        searched = 0
        while (at := self._received.find(end, searched)) < 0:
            searched = max(0, len(self._received) - len(end) + 1)
            if not self._received.startswith(begins[: len(self._received)]):
                break
            if searched > LONGEST_HEAD:
                raise ConnectionError(f"the reply is not valid HTTP: more than {LONGEST_HEAD} bytes without an end")
            if not self._receive():
                raise ConnectionResetError("the server closed the connection without a reply")
        if not self._received.startswith(begins):
            raise ConnectionError("the reply is not HTTP: no status line")
        found = self._take(at)
        del self._received[: len(end)]
        return found

    def _read_exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            if not self._receive():
                raise ConnectionError(CUT_SHORT)
        return self._take(size)

    def _take(self, size: int) -> bytes:
        with memoryview(self._received) as received:
            taken = bytes(received[:size])
        del self._received[:size]
        return taken

    def _receive(self) -> bool:
        """Wait for more bytes. Returns False at the end of the connection."""
        part = self._socket.recv(_PART)
        self._received += part
        return bool(part)


def _decompress(body: bytes, limit: int | None) -> bytes:
    """Decompress a body that a server has compressed, though nobody asked for that."""
    decoder = zlib.decompressobj(_ANY_COMPRESSION)
    try:
        data = decoder.decompress(body, 0 if limit is None else limit + 1)
    except zlib.error as error:
        raise ConnectionError(f"the reply cannot be decompressed: {error}") from error
    _check(len(data), limit, announced=False)
    if not decoder.eof:
        raise ConnectionError("the reply cannot be decompressed: it is cut short")
    return data


def _check(size: int, limit: int | None, *, announced: bool = True) -> None:
    if limit is not None and size > limit:
        raise TooLargeError("the response", size if announced else None, limit, "bytes")


def _close_all(channels: list[_Channel]) -> None:
    while channels:
        channels.pop().close()
