"""The server under the stand-ins: HTTP over plain sockets and TLS, and nothing left when it is closed."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import oss2
import pytest
from darabonba.exceptions import UnretryableException

from alicloud_local import CallEvent, LocalCloud
from alicloud_local.rpc.messages import JsonObject
from support.certificate_authority import tls_of_an_authority

OssSdk = Callable[..., oss2.Bucket]
IceSdk = Callable[..., Callable[[str], dict[str, object]]]

JOB: JsonObject = {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]"}
REQUEST = b"GET /records/?location HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def exchange(cloud: LocalCloud, *parts: bytes, until: bytes | None = None) -> bytes:
    """What OSS sends back for raw bytes: up to `until`, or until it closes."""
    port = int(cloud.oss.endpoint.rpartition(":")[2])
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        for part in parts:
            peer.sendall(part)
        while until is None or until not in received:
            part = peer.recv(65536)
            if not part:
                break
            received += part
    return received


def test_a_connection_serves_many_requests(cloud: LocalCloud) -> None:
    """Also when they come in one piece, and one by one in small ones; until the client asks to close."""
    last = REQUEST + b"Connection: close\r\n\r\n"
    request = REQUEST + b"\r\n"

    reply = exchange(cloud, request + request, *(last[i : i + 1] for i in range(len(last))))

    assert reply.count(b"HTTP/1.1 403 Forbidden\r\n") == 3


def test_http_1_0_closes(cloud: LocalCloud) -> None:
    """One reply, and the end."""
    assert exchange(cloud, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 403 ")


def test_a_client_that_expects_100_continue_gets_it_at_once(cloud: LocalCloud) -> None:
    """Before it has sent its body."""
    head = b"PUT /records/key HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

    assert exchange(cloud, head, until=b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_chunked_bodies_are_read(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """oss2 sends an iterator in chunks."""
    oss_sdk(cloud).put_object("key", iter([b"a" * 70_000, b"b" * 70_000]))

    assert cloud.oss.get("records", "key") == b"a" * 70_000 + b"b" * 70_000


def test_trailers_and_chunk_extensions_are_skipped(cloud: LocalCloud) -> None:
    """The next request on the connection begins after them."""
    chunked = b"PUT /a/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nX-Trailer: 1\r\n\r\n"

    reply = exchange(cloud, chunked + REQUEST + b"Connection: close\r\n\r\n")

    assert reply.count(b"HTTP/1.1 403 Forbidden\r\n") == 2


def test_a_get_has_no_body(cloud: LocalCloud) -> None:
    """GIVEN a GET that announces a body and sends none WHEN it arrives THEN it is answered, and the connection ends."""
    assert exchange(cloud, REQUEST + b"Content-Length: 9\r\n\r\n").count(b"HTTP/1.1 403 Forbidden\r\n") == 1


def test_a_key_may_begin_with_a_slash(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a path with two slashes at its start, as of a bucket in the host's name WHEN it comes THEN both count."""
    bucket = oss_sdk(
        cloud,
        endpoint="http://oss-cn-shanghai.aliyuncs.com",
        is_path_style=False,
        proxies={"http": cloud.environment["ICE_RESULT_OSS_ENDPOINT"]},
    )

    bucket.put_object("/key", b"x")

    assert cloud.oss.keys("records") == ["/key"]


def test_large_bodies_are_read_whole(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Several megabytes there and back."""
    data = bytes(range(256)) * 20_000
    bucket = oss_sdk(cloud)
    bucket.put_object("key", data)

    assert bucket.get_object("key").read() == data


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400 Bad Request"),
        (b"GET / SPDY/3\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nno colon here\r\n\r\n", b"400 Bad Request"),
        (b"PUT /a/b HTTP/1.1\r\nContent-Length: five\r\n\r\n", b"400 Bad Request"),
        (b"PUT /a/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n", b"400 Bad Request"),
        (b"GET /" + b"x" * 70_000, b"414 Request-URI Too Long"),
        (b"BREW / HTTP/1.1\r\n\r\n", b"501 Not Implemented"),
    ],
)
def test_a_request_that_is_not_http_is_refused(cloud: LocalCloud, request_bytes: bytes, status: bytes) -> None:
    """The client gets a status, the connection ends, and the server goes on."""
    assert exchange(cloud, request_bytes).startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b" 403 " in exchange(cloud, REQUEST + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"GET / HT",
        b"PUT /a/b HTTP/1.1\r\nContent-Length: 9\r\n\r\nfive",
        b"PUT /a/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfive",
        b"PUT /a/b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_client_that_leaves_early_does_no_harm(cloud: LocalCloud, request_bytes: bytes) -> None:
    """Whatever it was in the middle of."""
    port = int(cloud.oss.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(request_bytes)

    assert b" 403 " in exchange(cloud, REQUEST + b"Connection: close\r\n\r\n")


def test_a_request_must_sign_what_it_means(cloud: LocalCloud) -> None:
    """ICE refuses a request without a signature, and one that leaves its x-acs headers unsigned."""
    key_id = cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    partly = f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders=host,Signature=00"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    connection = http.client.HTTPConnection(cloud.ice.endpoint.removeprefix("http://"), timeout=60)
    replies = []
    for headers in ({}, {"Authorization": partly, "x-acs-date": now}):
        connection.request("POST", "/?JobId=job-1", headers=headers)
        replies.append(connection.getresponse().read().decode())
    connection.close()

    assert [re.findall('"Code": "([^"]+)"', reply) for reply in replies] == [
        ["MissingAccessKeyId"],
        ["IncompleteSignature"],
    ]


def test_closing_leaves_no_thread_and_no_listener() -> None:
    """Even with a connection still open; and closing twice is harmless."""
    before = set(threading.enumerate())
    cloud = LocalCloud().start()
    port = int(cloud.oss.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        peer.sendall(REQUEST)
        cloud.close()
        cloud.close()
        assert peer.recv(1) == b""

    assert set(threading.enumerate()) == before
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_a_closed_cloud_has_no_address_and_can_start_again() -> None:
    """What is in it stays."""
    cloud = LocalCloud()
    cloud.oss.create_bucket("records")
    with pytest.raises(RuntimeError, match="not running"):
        _ = cloud.environment
    with cloud:
        first = cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
    with cloud:
        assert cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] == first
        assert cloud.oss.keys("records") == []


def test_a_port_that_is_taken_is_an_error() -> None:
    """And the server that had started before it is closed again."""
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            LocalCloud(ports={"oss": port}).start()

    assert set(threading.enumerate()) == before


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.fixture
def tls(bundle: Path) -> ssl.SSLContext:
    return tls_of_an_authority(bundle)


def test_both_sdks_work_over_tls(
    tls: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch, ice_sdk: IceSdk, oss_sdk: OssSdk
) -> None:
    """With the authority's certificate where each SDK looks for it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with LocalCloud(tls=tls) as cloud:
        cloud.ice.put("job-1", JOB)
        cloud.oss.create_bucket("records")

        assert cloud.environment["ICE_RESULT_OSS_ENDPOINT"].startswith("https://127.0.0.1:")
        assert ice_sdk(cloud, ca=str(bundle))("job-1")["JobId"] == "job-1"
        assert oss_sdk(cloud).put_object("key", b"x").status == 200


def test_a_client_that_distrusts_the_certificate_does_no_harm(
    tls: ssl.SSLContext, bundle: Path, ice_sdk: IceSdk
) -> None:
    """Nor one that does not speak TLS at all; nor one that is silent when the server closes."""
    with LocalCloud(tls=tls) as cloud:
        cloud.ice.put("job-1", JOB)
        with pytest.raises(UnretryableException):
            ice_sdk(cloud)("job-1")
        with contextlib.suppress(ConnectionResetError):
            exchange(cloud, b"GET / HTTP/1.1\r\n\r\n")

        assert ice_sdk(cloud, ca=str(bundle))("job-1")["JobId"] == "job-1"
        silent = socket.create_connection(("127.0.0.1", int(cloud.ice.endpoint.rpartition(":")[2])), timeout=60)
    silent.close()


@pytest.mark.parametrize(("moment", "kept"), [("arrived", []), ("answered", ["key"])])
def test_who_watches_hears_of_each_call_twice_and_may_end_it(oss_sdk: OssSdk, moment: str, kept: list[str]) -> None:
    """GIVEN a watch that raises OSError WHEN a call has arrived, or is answered THEN its client gets no reply."""
    heard: list[CallEvent] = []

    def watch(passing: CallEvent) -> None:
        heard.append(passing)
        if passing.moment == moment:
            raise ConnectionAbortedError

    with LocalCloud(watch=watch) as cloud:
        cloud.oss.create_bucket("records")
        with pytest.raises(oss2.exceptions.RequestError):
            oss_sdk(cloud).put_object("key", b"")

        assert cloud.oss.keys("records") == kept
        assert set(heard) == {CallEvent("arrived", "OSS", "PUT", "records/key")} | (
            {CallEvent("answered", "OSS", "PUT", "records/key")} if kept else set()
        )
