"""What is sent to an S3 endpoint, read off the wire: where to, signed by whom, and in which form."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typing_extensions import override

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.endpoints import parse_endpoint
from ice_result.errors import ForbiddenError, UnavailableError
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.base import JobFilter
from ice_result.sinks.object.s3 import S3Client, S3Store
from support.missing_keys import take_keys_away

ON_ALIBABA_CLOUD = "http://s3.oss-cn-shanghai.aliyuncs.com"
ELSEWHERE = "http://s3.example.com"


@dataclass
class Proxy:
    """A proxy that answers every request itself, and keeps what it was asked."""

    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def signed_by(self) -> list[str]:
        """The scope of each signature: key id, date, region, service."""
        scopes = [re.search(r"Credential=([^,]+)", headers["authorization"]) for _, headers in self.requests]
        return [re.sub(r"/\d{8}/", "/DATE/", scope[1]) for scope in scopes if scope]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """All of HTTP goes through here, whichever host it is for."""
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            proxy.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"a part")
            self.close_connection = True

        @override
        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        yield proxy
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _keys_of_both_clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either could be taken for the other's."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA-aws",
        "AWS_SECRET_ACCESS_KEY": "secret-aws",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-ali",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret-ali",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "ALIBABA_CLOUD_SECURITY_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def store_at(endpoint: str, *, credentials: Credentials | None = None, path_style: bool = False) -> S3Store:
    context = SinkContext(
        region="cn-shanghai",
        s3_endpoint=parse_endpoint(endpoint),
        s3_path_style=path_style,
        credentials=credentials or Credentials(),
        new_caller=lambda service: ServiceCaller(service, attempts=1),
    )
    return S3Store(S3Client(context), "records")


def test_alibaba_clouds_endpoint_gets_the_functions_keys_at_every_request(proxy: Proxy) -> None:
    """GIVEN OSS's S3 endpoint WHEN the role's keys change THEN the next write is signed with the new ones."""
    credentials = Credentials()
    store = store_at(ON_ALIBABA_CLOUD, credentials=credentials)
    for number in (1, 2):
        credentials.use(Keys(f"STS.{number}", "secret", f"token-{number}"))
        store.put("key", b"{}")

    assert proxy.signed_by() == [f"STS.{number}/DATE/cn-shanghai/s3/aws4_request" for number in (1, 2)]
    assert [headers["x-amz-security-token"] for _, headers in proxy.requests] == ["token-1", "token-2"]


def test_long_lived_keys_come_without_a_token(proxy: Proxy) -> None:
    """The environment's pair has none."""
    store_at(ON_ALIBABA_CLOUD).put("key", b"{}")

    assert proxy.signed_by() == ["LTAI-ali/DATE/cn-shanghai/s3/aws4_request"]
    assert "x-amz-security-token" not in proxy.requests[0][1]


def test_any_other_endpoint_gets_the_keys_and_the_region_of_awss_chain(proxy: Proxy) -> None:
    """A store that is not OSS has keys and a region of its own."""
    store_at(ELSEWHERE).put("key", b"{}")

    assert proxy.signed_by() == ["AKIA-aws/DATE/eu-central-1/s3/aws4_request"]


@pytest.mark.parametrize(
    ("path_style", "url"),
    [(False, "http://records.s3.example.com/a%2520b/c"), (True, "http://s3.example.com/records/a%2520b/c")],
)
def test_the_bucket_stands_in_the_host_or_in_the_path(proxy: Proxy, url: str, *, path_style: bool) -> None:
    """OSS takes the first form only, many other servers the second."""
    assert store_at(ELSEWHERE, path_style=path_style).put("a%20b/c", b"{}") == "s3://records/a%20b/c"

    assert [path for path, _ in proxy.requests] == [url]


def test_a_write_is_one_plain_body_with_its_digest(proxy: Proxy) -> None:
    """No chunks and no checksum behind the body, which OSS would refuse."""
    store_at(ELSEWHERE).put("key", b"{}")

    ((_, headers),) = proxy.requests
    assert headers["content-md5"] == "mZFLkyvTelC5g8XnyQrpOw=="
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == "2"
    assert "if-none-match" not in headers
    assert "content-encoding" not in headers
    assert not [name for name in headers if "checksum" in name or "trailer" in name]


@pytest.mark.usefixtures("proxy")
def test_an_object_that_comes_in_part_is_never_taken_for_whole() -> None:
    """GIVEN a connection that ends within the body WHEN an object is read THEN it is worth another try."""
    with pytest.raises(UnavailableError, match="IncompleteRead"):
        store_at(ELSEWHERE).get("key")


def test_missing_keys_of_alibaba_clouds_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is that of the role's keys, not one of boto3."""
    take_keys_away(monkeypatch)

    with pytest.raises(ForbiddenError, match="RAM: find credentials"):
        store_at(ON_ALIBABA_CLOUD).put("key", b"{}")


def test_the_store_of_aws_needs_no_endpoint() -> None:
    """GIVEN no endpoint THEN the sink opens: boto3 knows AWS's own."""
    assert open_sink("s3://records/ice", SinkContext()).url == "s3://records/ice"
    assert open_sink("s3://records/ice", SinkContext()).reads_everything(JobFilter())
