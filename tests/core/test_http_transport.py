"""Requests and replies on real sockets, with peers that do what no server should."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ice_result.core.deadline import Deadline
from ice_result.core.http_transport import CUT_SHORT, LONGEST_HEAD, HttpReply, HttpTransport, UnsendableError
from ice_result.core.threads import attempt, end_overdue_attempts
from ice_result.errors import SettingsError, TooLargeError
from support.certificate_authority import tls_of_an_authority
from support.fake_clock import FakeTime

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """A server that answers the n-th request of a connection with the n-th of its replies, and closes after the last.

    A reply is bytes, or a function that sends something itself. `connections` holds the requests of each connection.
    """

    def __init__(self, listener: socket.socket, *replies: bytes | Callable[[socket.socket], None]) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/key?a=b"
        self.connections: list[list[bytes]] = []
        self._listener = listener
        self._replies = replies
        self._open: socket.socket | None = None

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open = connection
            with connection, suppress(OSError):
                self._serve(connection)

    def end(self) -> None:
        for each in (self._listener, self._open):
            with suppress(OSError):
                if each:
                    socket.socket.shutdown(each, socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        requests: list[bytes] = []
        self.connections.append(requests)
        for reply in self._replies:
            request = read_request(connection)
            if not request:
                return
            requests.append(request)
            if callable(reply):
                reply(connection)
            else:
                connection.sendall(reply)


def read_request(connection: socket.socket) -> bytes:
    """Head and body of the next request; nothing at the end of the connection."""
    request = b""
    while b"\r\n\r\n" not in request:
        part = connection.recv(1000)
        if not part:
            return b""
        request += part
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
    while len(body) < length:
        body += connection.recv(1000)
    return head + b"\r\n\r\n" + body


@contextmanager
def peer(*replies: bytes | Callable[[socket.socket], None]) -> Iterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Peer(listener, *replies)
        thread = threading.Thread(target=made.serve)
        thread.start()
        try:
            yield made
        finally:
            made.end()
            thread.join()


def http(most_idle: int = 8) -> HttpTransport:
    return HttpTransport("http", ca_bundle=None, most_idle=most_idle)


def get(
    url: str, transport: HttpTransport | None = None, *, method: str = "GET", limit: int | None = None
) -> HttpReply:
    return (transport or http()).send(method, url, {"x-name": "value"}, seconds=(30, 30), limit=limit)


def in_pieces(reply: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        for position in range(len(reply)):
            connection.sendall(reply[position : position + 1])

    return send


def test_a_request_is_written_with_host_and_length() -> None:
    """What the caller does not set is what HTTP/1.1 asks for, and no compression."""
    with peer(OK) as server:
        reply = http().send("PUT", server.url, {"X-Name": "a b"}, b"body", seconds=(30, 30))
    host = server.url.split("/")[2]
    assert reply.body == b"ok"
    assert server.connections == [
        [
            (
                f"PUT /key?a=b HTTP/1.1\r\nX-Name: a b\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
                "Content-Length: 4\r\n\r\nbody"
            ).encode()
        ]
    ]


def test_a_write_without_a_body_has_a_length_and_a_read_has_none() -> None:
    """A server waits for no body, and a host that the caller sets is not set twice."""
    with peer(OK, OK) as server:
        transport = http()
        transport.send("POST", server.url, {"host": "ice"}, seconds=(30, 30))
        transport.send("GET", server.url, {"host": "ice"}, seconds=(30, 30))
    ((written, read),) = server.connections
    assert b"Content-Length: 0" in written
    assert b"Content-Length" not in read
    assert written.lower().count(b"host:") == 1


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 200\r\ncontent-length:2 \r\n\r\nok", b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;x=y\r\no\r\n01\r\nk\r\n0\r\nA: b\r\n\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok", mtime=0), b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
@pytest.mark.parametrize("send", [lambda reply: reply, in_pieces], ids=["at once", "byte by byte"])
def test_replies_are_read_whole(
    reply: bytes, body: bytes, send: Callable[[bytes], bytes | Callable[[socket.socket], None]]
) -> None:
    """With a length, in chunks, to the end of the connection, behind interim replies, compressed; however it comes."""
    with peer(send(reply)) as server:
        assert get(server.url).body == body


def test_headers_are_found_in_any_case_and_joined() -> None:
    """As HTTP has it."""
    with peer(b'HTTP/1.1 404 Not  Found\r\nETag: \t"a" \r\nx-A: 1\r\nX-a: 2\r\nContent-Length: 0\r\n\r\n') as server:
        reply = get(server.url)
    assert (reply.status, reply.reason) == (404, "Not  Found")
    assert reply.headers["etag"] == '"a"'
    assert reply.headers.get("X-A") == "1, 2"
    assert "ETAG" in reply.headers
    assert reply.headers.get("missing") is None
    assert len(reply.headers) == 3


def test_the_reply_to_head_has_no_body() -> None:
    """Its length is that of the object, and the connection serves the next request."""
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", OK) as server:
        transport = http()
        head = get(server.url, transport, method="HEAD")
        assert (head.body, head.headers["Content-Length"]) == (b"", "99")
        assert get(server.url, transport).body == b"ok"
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"", "closed the connection without a reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed the connection without a reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "without a reply"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n", "a chunk does not end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n", "the size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "the size of a chunk"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", "its length cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "its length cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "its length cannot be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", "cannot be decompressed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"ok", mtime=0)[:-9], "it is cut short"),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "a line in its head"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "a line in its head"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "no status line"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "no status line"),
        (b"HTTP/1.7 200 OK\r\n\r\n", "no status line"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no status line"),
        (b"\x16\x03\x01", "no status line"),
        (b"HTTP/1.1 200 " + b"x" * LONGEST_HEAD * 2, "bytes without an end"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * LONGEST_HEAD, "bytes without an end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * LONGEST_HEAD * 2, "bytes without an end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * LONGEST_HEAD, "of trailers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, r"only interim \(1xx\) replies"),
    ],
)
def test_what_is_no_whole_reply_is_a_broken_connection(reply: bytes, message: str) -> None:
    """Never part of an answer, and never a wait for what does not come."""
    with peer(reply) as server, pytest.raises(ConnectionError, match=message):
        get(server.url)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "the response: 99999 bytes, at most 9 are read"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10, "the response: more than 9 bytes, at most 9 are read"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\nffffff\r\n",
            "the response: more than 9 bytes, at most 9 are read",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 29\r\n\r\n"
            + gzip.compress(b"x" * 1000, mtime=0),
            "the response: 29 bytes, at most 9 are read",
        ),
    ],
)
def test_a_body_is_read_up_to_its_limit(reply: bytes, message: str) -> None:
    """No more of it, and nothing at all when it announces its length."""
    with peer(reply) as server, pytest.raises(TooLargeError) as raised:
        get(server.url, limit=9)
    assert str(raised.value) == message


def test_a_small_body_that_decompresses_to_a_large_one_is_too_large() -> None:
    """A bomb is not decompressed beyond the limit."""
    bomb = gzip.compress(b"x" * 1_000_000, mtime=0)
    with peer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb) as server, pytest.raises(TooLargeError):
        get(server.url, limit=len(bomb) + 1)


@pytest.mark.parametrize("name", ["Range", "range"])
@pytest.mark.parametrize("body", [gzip.compress(b"whole", mtime=0), gzip.compress(b"part", mtime=0)[3:9]])
def test_a_part_of_a_compressed_object_stays_as_it_is(name: str, body: bytes) -> None:
    """GIVEN a request for a range THEN the bytes are those that are stored, whole or not."""
    head = f"HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    with peer(head.encode() + body) as server:
        reply = http().send("GET", f"{server.url}/", {name: "bytes=0-99"}, seconds=(5, 5))

    assert reply.body == body


@pytest.mark.parametrize("status", ["404 Not Found", "416 Range Not Satisfiable", "503 Service Unavailable"])
def test_an_error_about_a_range_is_decompressed(status: str) -> None:
    """GIVEN a gateway that compresses error pages THEN the code of the error can be read."""
    page = gzip.compress(b"<Code>SlowDown</Code>", mtime=0)
    head = f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\nContent-Length: {len(page)}\r\n\r\n"
    with peer(head.encode() + page) as server:
        reply = http().send("GET", f"{server.url}/", {"Range": "bytes=0-99"}, seconds=(5, 5))

    assert reply.body == b"<Code>SlowDown</Code>"


def test_one_connection_serves_one_request_after_the_other() -> None:
    """A connection is opened once for many requests."""
    with peer(OK, OK, OK) as server:
        transport = http()
        assert [get(server.url, transport).body for _ in range(3)] == [b"ok"] * 3
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, Close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,  # two replies at once
        OK + b"HTTP/1.1 408 Request Timeout\r\n",
    ],
)
def test_a_connection_that_cannot_be_trusted_any_more_is_closed(reply: bytes) -> None:
    """What comes behind a reply is never taken for the reply to the next request."""
    with peer(reply, b"HTTP/1.1 500 Wrong\r\n\r\n") as server:
        transport = http()
        assert [get(server.url, transport).body for _ in range(2)] == [b"ok"] * 2
        assert [len(requests) for requests in server.connections] == [1, 1]


@pytest.mark.parametrize("late", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
def test_a_connection_that_the_server_closed_between_requests_is_not_used(late: bytes) -> None:
    """GIVEN an idle connection that ends, with or without a last word THEN the next request has another one."""
    closed = threading.Event()

    def reply_and_close(connection: socket.socket) -> None:
        connection.sendall(OK)
        connection.sendall(late)
        connection.close()
        closed.set()

    with peer(reply_and_close) as server:
        transport = http()
        assert get(server.url, transport).body == b"ok"
        assert closed.wait(30)
        assert get(server.url, transport).body == b"ok"
        assert [len(requests) for requests in server.connections] == [1, 1]


def test_a_request_is_not_sent_twice_by_itself() -> None:
    """GIVEN a connection that is reset under a request THEN the caller decides about another try."""
    with peer(OK, b"") as server:
        transport = http()
        get(server.url, transport)
        with pytest.raises(ConnectionError):
            get(server.url, transport)
        assert [len(requests) for requests in server.connections] == [2]


def test_no_more_connections_stay_open_than_are_asked_for() -> None:
    """The one that waited longest is closed; hosts do not share connections."""
    with peer(OK, OK) as one, peer(OK, OK) as other:
        transport = http(most_idle=1)
        for server in (one, other, one):
            assert get(server.url, transport).body == b"ok"
        assert [len(one.connections), len(other.connections)] == [2, 1]


def test_a_refusal_that_comes_before_the_whole_body_is_sent_is_read() -> None:
    """GIVEN a server that answers and closes while a long body is on its way THEN its answer counts, or the break."""

    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with peer(refuse) as server:
        assert http().send("PUT", server.url, {}, b"x" * 3_000_000, seconds=(30, 30)).status == 413


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/a b", {}),
        ("GET", "/a\r\nHost: evil", {}),
        ("GET", "/\u667a", {}),
        ("GET", "/", {"x-token": "a\r\nb"}),
        ("GET", "/", {"x-token": "a\nb"}),
        ("GET", "/", {"x-token": "a\rb"}),
        ("GET", "/", {"x-token": "a\0b"}),
        ("GET", "/", {"x-token": "\u667a"}),
        ("GET /\r\n", "/", {}),
    ],
)
def test_what_http_has_no_form_for_is_not_sent(method: str, path: str, headers: dict[str, str]) -> None:
    """No header that ends early, no second header in a URL; and the error does not show it."""
    with pytest.raises(UnsendableError) as raised:
        http().send(method, f"http://127.0.0.1:9{path}", headers, seconds=(1, 1))
    assert "evil" not in str(raised.value)


@pytest.mark.parametrize(
    "authority",
    ["", "user@127.0.0.1", "127.0.0.1?x", "127.0.0.1:port", "a..b", "a" * 64 + ".example", "\u667a.example"],
)
def test_what_is_no_host_is_not_asked(authority: str) -> None:
    """Names of buckets come from jobs, and are part of a host."""
    with pytest.raises(UnsendableError):
        get(f"http://{authority}/key")


def test_a_url_of_another_scheme_is_not_sent() -> None:
    """A transport for https never sends in the clear."""
    with pytest.raises(UnsendableError):
        get("https://127.0.0.1/key")


def test_silence_is_a_timeout() -> None:
    """Each wait for bytes is bounded."""
    ended = threading.Event()
    with peer(lambda _: [*[None], ended.wait(30)].clear()) as server:
        with pytest.raises(TimeoutError):
            http().send("GET", server.url, {}, seconds=(30, 0.05))
        ended.set()


def test_a_call_that_is_given_up_ends_its_connection() -> None:
    """GIVEN an attempt whose time is over WHEN its reply does not come THEN its connection is ended under its hands."""
    fake_time, arrived = FakeTime(), threading.Event()
    ended = threading.Event()

    def hang(_: socket.socket) -> None:
        arrived.set()
        ended.wait(30)

    with peer(hang) as server:

        def give_up() -> None:
            assert arrived.wait(30)
            fake_time.move(10)
            while not ended.wait(0.02):
                end_overdue_attempts()

        watcher = threading.Thread(target=give_up)
        watcher.start()
        try:
            with (
                attempt(Deadline.after(10, fake_time.clock), ("ICE", "try")) as made,
                pytest.raises(ConnectionError),
            ):
                get(server.url)
        finally:
            ended.set()
            watcher.join()
    assert made.is_over


def test_a_plain_request_through_a_proxy_names_the_whole_url() -> None:
    """The proxy is told who we are; the host is the service's."""
    with peer(OK, OK) as proxy:
        address = f"http://us%40er:pass@{proxy.url.split('/')[2]}"
        transport = http()
        for _ in range(2):
            transport.send("GET", "http://oss.example/key?a", {}, seconds=(30, 30), proxy=address)
    ((first, _),) = proxy.connections
    lines = first.split(b"\r\n")
    assert lines[0] == b"GET http://oss.example/key?a HTTP/1.1"
    assert b"Host: oss.example" in lines
    assert b"Proxy-Authorization: Basic dXNAZXI6cGFzcw==" in lines


def test_a_proxy_over_tls_is_refused() -> None:
    """A tunnel inside TLS is nothing that the standard library can do."""
    with pytest.raises(UnsendableError, match="http://"):
        http().send("GET", "http://oss.example/", {}, seconds=(1, 1), proxy="https://proxy.example")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"SSH-2.0\r\n", b""])
def test_a_proxy_that_opens_no_tunnel_is_a_broken_connection(tmp_path: Path, answer: bytes) -> None:
    """A refusal, and what is no HTTP."""
    tls_of_an_authority(tmp_path / "ca.pem")
    transport = HttpTransport("https", ca_bundle=str(tmp_path / "ca.pem"), most_idle=1)
    with peer(answer) as proxy, pytest.raises(OSError):  # noqa: PT011  of any kind
        transport.send("GET", "https://oss.example/", {}, seconds=(30, 30), proxy=proxy.url.rpartition("/")[0])


def test_only_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    """GIVEN a certificate of an authority THEN those trust it that trust the authority."""
    server_tls = tls_of_an_authority(tmp_path / "ca.pem")
    tls_of_an_authority(tmp_path / "other.pem")

    def port_of(server: Peer) -> str:
        return server.url.split("/")[2].rpartition(":")[2]

    with socket.create_server(("127.0.0.1", 0)) as plain:
        listener = server_tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=True)
        server = Peer(listener, OK, OK)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            trusting = HttpTransport("https", ca_bundle=str(tmp_path / "ca.pem"), most_idle=1)
            for _ in range(2):
                assert get(f"https://127.0.0.1:{port_of(server)}/key", trusting).body == b"ok"
            assert len(server.connections) == 1
            del trusting
            other = HttpTransport("https", ca_bundle=str(tmp_path / "other.pem"), most_idle=1)
            with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
                get(f"https://127.0.0.1:{port_of(server)}/key", other)
        finally:
            server.end()
            thread.join()


def test_a_bundle_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingsError, match=r"none\.pem"):
        HttpTransport("https", ca_bundle=str(tmp_path / "none.pem"), most_idle=1)
