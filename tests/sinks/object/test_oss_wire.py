"""What goes over the wire to OSS, and what no OSS should send back."""

from __future__ import annotations

import re
import socket
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from alicloud_local import LocalCloud
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import ForbiddenError, RejectedError, UnavailableError
from ice_result.processing.probing import ProbingInspector
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import OssClient, OssStore, open_inspector
from ice_result.sinks.object.oss_parts import OssParts
from support.certificate_authority import tls_of_an_authority

TOKEN = "CAIS-very-secret-token"
STRING_TO_SIGN = f"x-oss-security-token:{TOKEN}"


@dataclass
class Server:
    """Answers every request in the same way, and remembers the requests' headers."""

    port: int
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seen: list[Message] = field(default_factory=list)


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port on which requests are answered so."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listener.server_port
        listener.shutdown()
        thread.join()


def serve() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            says.seen.append(self.headers)
            self.send_response(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(says.body)

        def do_GET(self) -> None:
            self.do_PUT()

        def do_HEAD(self) -> None:
            self.do_PUT()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        says = Server(port)
        yield says


server = pytest.fixture(serve, name="server")
elsewhere = pytest.fixture(serve, name="elsewhere")


@pytest.fixture
def context(server: Server) -> SinkContext:
    return context_of(f"http://127.0.0.1:{server.port}")


def context_of(endpoint: str) -> SinkContext:
    credentials = Credentials()
    credentials.use(Keys("LTAI-id", "secret", TOKEN))
    return SinkContext(
        region="cn-shanghai",
        oss_endpoint=parse_endpoint(endpoint),
        oss_path_style=True,
        oss_encryption="KMS",
        credentials=credentials,
        new_caller=lambda service: ServiceCaller(service, attempts=2, first_backoff_seconds=0.01),
    )


def store(context: SinkContext) -> OssStore:
    return OssStore(OssClient(context), "records", context.oss_encryption)


def test_requests_carry_signature_v4_token_type_and_encryption(server: Server, context: SinkContext) -> None:
    """What OSS needs to accept, decrypt and label an object is in the headers, never in the URL."""
    store(context).put("key", b"{}\n")

    (headers,) = server.seen
    assert re.match(
        r"OSS4-HMAC-SHA256 Credential=LTAI-id/\d{8}/cn-shanghai/oss/aliyun_v4_request, Signature=[0-9a-f]{64}",
        headers["Authorization"],
    )
    assert headers["x-oss-security-token"] == TOKEN
    assert headers["Content-Type"] == "application/json"
    assert headers["x-oss-server-side-encryption"] == "KMS"


@dataclass
class Proxy:
    """A proxy that opens tunnels, and remembers to where and for whom."""

    url: str
    seen: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            opened.seen.append((self.path, self.headers["Proxy-Authorization"]))
            host, _, port = self.path.partition(":")
            with socket.create_connection((host, int(port)), timeout=60) as there:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=copy, args=(there, self.connection))
                back.start()
                copy(self.connection, there)
                back.join()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        opened = Proxy(f"http://user:pass@127.0.0.1:{port}")
        yield opened


def copy(source: socket.socket, target: socket.socket) -> None:
    """All bytes, to the end, or until one of the two goes away."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_redirects_are_not_followed(server: Server, elsewhere: Server, context: SinkContext) -> None:
    """A signed request, token included, goes to the endpoint and to nobody else."""
    server.status, server.headers = 307, {"Location": f"http://127.0.0.1:{elsewhere.port}/records/key"}

    with pytest.raises(RejectedError, match="answers with a redirect, which is not followed"):
        store(context).put("key", b"{}\n")

    assert elsewhere.seen == []


def test_no_traceback_shows_what_was_signed(server: Server, context: SinkContext) -> None:
    """OSS repeats the string to sign, token included, when a signature is wrong; a logged exception must not."""
    server.status = 403
    server.body = (
        f"<Error><Code>SignatureDoesNotMatch</Code><Message>{STRING_TO_SIGN}</Message>"
        f"<StringToSign>{STRING_TO_SIGN}</StringToSign></Error>"
    ).encode()

    with pytest.raises(ForbiddenError, match="SignatureDoesNotMatch") as caught:
        store(context).put("key", b"{}\n")

    assert TOKEN not in "".join(traceback.format_exception(caught.type, caught.value, caught.tb))


def test_a_write_that_arrived_damaged_is_repeated(server: Server, context: SinkContext) -> None:
    """Every write carries the digest of its bytes; when OSS finds another, the object is sent again."""
    server.status = 400
    server.body = b"<Error><Code>InvalidDigest</Code><Message>no</Message></Error>"

    with pytest.raises(UnavailableError, match="InvalidDigest"):
        store(context).put("key", b"{}\n")

    assert [seen["Content-MD5"] for seen in server.seen] == ["ioBVTJHZ/KisuC8CPeAvEQ=="] * 2


def test_a_damaged_object_is_never_returned(server: Server, context: SinkContext) -> None:
    """Reading compares the checksums too."""
    server.headers, server.body = {"x-oss-hash-crc64ecma": "1"}, b"damaged"

    with pytest.raises(UnavailableError, match="CRC"):
        store(context).get("key")


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"Last-Modified": "yesterday"}),
        (200, {"x-oss-hash-crc64ecma": "many"}),
        (404, {"x-oss-err": "/////w=="}),
    ],
)
def test_unreadable_headers_leave_the_question_open(
    server: Server, context: SinkContext, status: int, headers: Mapping[str, str]
) -> None:
    """A reply that no OSS would give is no fact about the file, and no crash."""
    server.status, server.headers = status, headers

    facts = open_inspector(context).facts(ObjectAddress("records", "key"))

    assert (facts.exists, facts.problem) == (None, "unreachable")


def test_half_a_head_is_no_answer(server: Server, context: SinkContext) -> None:
    """OSS tells size, ETag and time of every object: where one is missing, the rest of the reply got lost."""
    facts = open_inspector(context).facts(ObjectAddress("records", "key"))

    assert len(server.seen) > 1
    assert (facts.exists, facts.problem) == (None, "unreachable")
    assert "cut short" in str(facts.message)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[LocalCloud]:
    """An OSS over TLS with a bucket `records`; its authority is in `tmp_path / "ca.pem"`."""
    with LocalCloud(tls=tls_of_an_authority(tmp_path / "ca.pem")) as cloud:
        cloud.oss.create_bucket("records")
        cloud.credentials["LTAI-id"] = "secret"
        cloud.tokens["LTAI-id"] = TOKEN
        yield cloud


def test_tls_is_verified(secure: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a server with a certificate of our own authority THEN it is trusted only when that is named."""
    context = context_of(secure.oss.endpoint)

    with pytest.raises(UnavailableError, match="SSLError"):
        store(context).put("key", b"{}\n")
    store(replace(context, ca_bundle=str(tmp_path / "ca.pem"))).put("key", b"{}\n")

    assert secure.oss.get("records", "key") == b"{}\n"


def test_a_proxy_of_the_environment_is_gone_through(
    secure: LocalCloud, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the user of its URL; and it is OSS whose certificate is verified then."""
    monkeypatch.setenv("https_proxy", proxy.url)

    store(replace(context_of(secure.oss.endpoint), ca_bundle=str(tmp_path / "ca.pem"))).put("key", b"{}\n")

    assert secure.oss.get("records", "key") == b"{}\n"
    assert proxy.seen == [(secure.oss.endpoint.partition("://")[2], "Basic dXNlcjpwYXNz")]


@pytest.mark.parametrize(
    ("status", "content_range", "body"),
    [
        (206, None, b"data"),
        (206, "bytes 0-3/*", b"data"),
        (206, "bytes 0-4/9", b"data"),
        (206, "bytes 1-4/9", b"data"),
        (206, "bytes 0-3/", b"data"),
        (206, "items 0-3/4", b"data"),
        (200, None, b"data"),
    ],
)
def test_a_part_that_was_not_asked_for_is_no_answer(
    server: Server, context: SinkContext, status: int, content_range: str | None, body: bytes
) -> None:
    """A reply must say which bytes of how many it has; without a length, it may be cut short."""
    server.status, server.body = status, body
    server.headers = {
        "ETag": '"0"',
        "Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT",
        **({"Content-Range": content_range} if content_range else {}),
        **({"Content-Length": str(len(body))} if status == 206 else {}),
    }

    facts = ProbingInspector(OssParts(open_inspector(context))).facts(ObjectAddress("records", "key"))

    assert (facts.exists, facts.problem) == (None, "unreachable")
    assert {request["Range"] for request in server.seen} == {"bytes=0-65535"}


def test_more_than_the_range_is_not_taken(server: Server, context: SinkContext) -> None:
    """GIVEN a server that knows no ranges THEN a whole object that is longer is refused by the length it announces."""
    server.headers = {"Content-Length": "65537"}

    facts = ProbingInspector(OssParts(open_inspector(context))).facts(ObjectAddress("records", "key"))

    assert (facts.exists, facts.problem) == (None, "not_checked")
    assert "65537 bytes, at most 65536 are read" in facts.message
