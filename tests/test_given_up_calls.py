"""Calls that are given up, by every SDK, over sockets: their connections and threads end."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.core import threads as threads_module
from ice_result.core.calls import MOST_LEFT_BEHIND, ServiceCaller, call_within
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.threads import DaemonThreadPool
from ice_result.core.types import JobId
from ice_result.errors import TimedOutError, UnavailableError
from ice_result.function import Function
from ice_result.jobs import IceClient
from ice_result.maintenance.mns_queue import MnsQueue
from ice_result.notify.registry import NotifyContext, open_target
from ice_result.notify.urls import notify_url
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import OssClient, OssStore
from ice_result.sinks.object.s3 import S3Client, S3Store
from ice_result.sinks.table.tablestore_client import Tablestore
from support.certificate_authority import tls_of_an_authority
from support.notifications import a_notification
from support.platform_context import PlatformContext

HEADS = {
    "kept open": b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n",
    "to be closed": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 50000\r\n\r\n",
    "without an end": b"HTTP/1.1 200 OK\r\nX-Endless: ",
}
"""How a reply begins that then comes byte by byte, for ever."""
CallSdk = Callable[[str, SinkContext], object]


def _soon() -> Deadline:
    return Deadline.after(30)


def _call_ice(endpoint: str, context: SinkContext) -> object:
    client = IceClient(
        region="cn-shanghai",
        endpoint=parse_endpoint(endpoint),
        credentials=context.credentials,
        caller=context.new_caller("ICE"),
        ca_bundle=context.ca_bundle,
    )
    return client.call("QueryIProductionJob", {"JobId": "job-1"}, read=lambda body: body)


def _call_mns(endpoint: str, context: SinkContext) -> None:
    caller, bundle = context.new_caller("MNS"), context.ca_bundle
    sender = MnsQueue(
        "jobs", endpoint=parse_endpoint(endpoint), credentials=context.credentials, caller=caller, ca_bundle=bundle
    )
    with closing(sender):
        sender.send([JobId("job-1")])


def _tell(url: str, context: SinkContext) -> None:
    """Send a notification to a target; an MNS target and a bus are at the endpoint of the server."""
    target = open_target(
        notify_url(url if "//told" in url else f"{url}/hook"),
        NotifyContext(
            region="cn-shanghai",
            credentials=context.credentials,
            mns_endpoint=context.oss_endpoint,
            eventbridge_endpoint=context.oss_endpoint,
            ca_bundle=context.ca_bundle,
            new_caller=context.new_caller,
        ),
    )
    target.send(a_notification())


SDKS: dict[str, CallSdk] = {
    "ICE": _call_ice,
    "OSS": lambda _, context: OssStore(OssClient(context), "records").get("a"),
    "S3": lambda _, context: S3Store(S3Client(context), "records").get("a"),
    "Tablestore": lambda _, context: Tablestore("ice-tests", context).names(),
    "MNS": _call_mns,
    "mns-topic": lambda _, context: _tell("mns-topic://told", context),
    "eventbridge": lambda _, context: _tell("eventbridge://told", context),
    "webhook": _tell,
}


class DrippingServer:
    """Answers any request with a head, and then a byte every 20 ms until the client has gone."""

    def __init__(self, head: bytes, tls: ssl.SSLContext | None) -> None:
        self._head = head
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self._stopping = threading.Event()
        self.client_has_gone = threading.Event()
        scheme = "https" if tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with self._tls.wrap_socket(peer, server_side=True) if self._tls else peer as client:
            client.recv(65536)
            try:
                client.sendall(self._head)
                while not self._stopping.wait(0.02):
                    client.sendall(b"x")
            except OSError:
                self.client_has_gone.set()

    def close(self) -> None:
        """End the reply, if the client has not gone."""
        self._stopping.set()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str | None], SinkContext]:
    """How stores are reached at an endpoint: one attempt, of half a second."""
    for variable in ("ALIBABA_CLOUD_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable if "SECRET" in variable else f"{variable}_ID", "key")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return lambda endpoint, bundle: SinkContext(
        region="cn-shanghai",
        oss_endpoint=parse_endpoint(endpoint),
        oss_path_style=True,
        s3_endpoint=parse_endpoint(endpoint),
        s3_path_style=True,
        ots_endpoint=parse_endpoint(endpoint),
        ca_bundle=bundle,
        new_caller=lambda service: ServiceCaller(service, attempts=1, attempt_seconds=0.5),
    )


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "head", [pytest.param(head, marks=() if head == "kept open" else pytest.mark.slow) for head in HEADS]
)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_call_that_is_given_up_ends_its_connection(
    sdk: str, head: str, tmp_path: Path, context: Callable[[str, str | None], SinkContext], *, secure: bool
) -> None:
    """GIVEN a reply that drips WHEN the call's time is over THEN its connection ends, and its thread is free again."""
    bundle = str(tmp_path / "ca.pem") if secure else None
    tls = tls_of_an_authority(tmp_path / "ca.pem") if secure else None
    with closing(DrippingServer(HEADS[head], tls)) as server:
        with pytest.raises(TimedOutError, match=r"no complete reply within 0\.5 s"):
            SDKS[sdk](server.endpoint, context(server.endpoint, bundle))
        assert server.client_has_gone.wait(30)
        _wait_until(lambda: threads_module.pool.left_behind == 0)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> DaemonThreadPool:
    """Threads for this test alone."""
    threads = DaemonThreadPool()
    monkeypatch.setattr(threads_module, "pool", threads)
    return threads


def _leave_behind(count: int, release: threading.Event) -> None:
    """So many calls that hang where no connection is to be ended, one after the other."""
    for _ in range(count):
        with pytest.raises(TimedOutError):
            call_within(0.01, lambda: release.wait(60), service="ICE", operation="try")


def test_no_call_begins_while_thirty_two_threads_are_left_behind(threads: DaemonThreadPool) -> None:
    """GIVEN 32 calls that were given up and hang WHEN another comes THEN it is refused as unavailable.

    It is made as soon as one of them has ended.
    """
    release, called = threading.Event(), threading.Event()
    _leave_behind(MOST_LEFT_BEHIND - 1, release)
    last = threading.Event()
    _leave_behind(1, last)
    assert threads.left_behind == MOST_LEFT_BEHIND == 32
    with pytest.raises(UnavailableError, match=r"^ICE: try: not called: 32 calls that were given up have not ended"):
        call_within(30, called.set, service="ICE", operation="try")
    assert not called.is_set()
    last.set()
    _wait_until(lambda: threads.left_behind == MOST_LEFT_BEHIND - 1)
    call_within(30, called.set, service="ICE", operation="try")
    assert called.is_set()
    release.set()
    _wait_until(lambda: threads.left_behind == 0)


@pytest.mark.slow
def test_events_over_http_leave_no_thread_behind(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN an ICE whose replies drip WHEN event after event comes THEN all are parked, and no connection stays."""
    context = PlatformContext()
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}
    cloud.ice.fail(Fault("drip", times=None, interval_seconds=0.2))
    with closing(Function(environment)) as function:
        for number in range(3):
            request = {"headers": {}, "body": json.dumps({"JobId": f"job-{number}"}), "requestContext": {"http": {}}}
            reply = function.handle(json.dumps(request).encode(), context)
            assert json.loads(str(reply["body"]))["parked"] == 1
            _wait_until(lambda: threads_module.pool.left_behind == 0)


def test_http_is_answered_with_503_when_no_thread_may_be_left_behind(
    cloud: LocalCloud, tmp_path: Path, threads: DaemonThreadPool
) -> None:
    """GIVEN 32 threads that hang WHEN an event comes over HTTP THEN ICE is asked to send it again."""
    release = threading.Event()
    _leave_behind(MOST_LEFT_BEHIND, release)
    request = {"headers": {}, "body": json.dumps({"JobId": "cover-0001"}), "requestContext": {"http": {}}}
    with closing(Function({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"})) as function:
        assert function.handle(json.dumps(request).encode(), PlatformContext())["statusCode"] == 503
        release.set()
        _wait_until(lambda: threads.left_behind == 0)
        cloud.seed_outputs()
        assert function.handle(json.dumps(request).encode(), PlatformContext())["statusCode"] == 200
