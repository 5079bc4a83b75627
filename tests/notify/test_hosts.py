"""Addresses that webhooks may not reach, in the URL and when a name is looked up."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicloud_local.http_server import Reply
from ice_result.core import threads
from ice_result.core.calls import ServiceCaller
from ice_result.core.deadline import Deadline
from ice_result.errors import RejectedError, UnavailableError
from ice_result.notify.hosts import check_host, new_checked_connection
from ice_result.notify.http import Webhook
from ice_result.notify.urls import notify_url
from support.fake_clock import FakeTime
from support.notifications import a_notification
from support.webhook_receiver import WebhookReceiver

FORBIDDEN = [
    "100.100.100.200",
    "100.100.100.200.",
    "1684301000",  # the same as one number,
    "0x646464c8",
    "0x64.0x64.0x64.0xc8",
    "0144.0144.0144.0310",
    "100.100.25800",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.16689662",
    "169.254.0.1",
    "0.0.0.0",  # noqa: S104
    "0",
    "0x0",
    "0.1.2.3",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::ffff:100.100.100.200",
    "::ffff:0.0.0.0",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::6464:64c8",
    "64:ff9b:1::a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "ff02::1",
]
ALLOWED = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "100.100.100.201", "127.0.0.1", "::1", "fc00::1"]
ALLOWED += ["8.8.8.8", "2400:3200::1", "hooks.example.com", "localhost", "169.254.169.254.nip.example", "1.2.3.4.5"]


@pytest.mark.parametrize("host", FORBIDDEN)
def test_an_address_is_refused_in_every_spelling(host: str) -> None:
    """GIVEN an address of a metadata service, a link-local one or none THEN it is refused, however it is written."""
    with pytest.raises(ValueError, match="address"):
        check_host(host)


@pytest.mark.parametrize("host", ALLOWED)
def test_private_networks_and_names_are_allowed(host: str) -> None:
    """GIVEN an address of a VPC, a public one, or a name THEN it passes; a name is checked when it is looked up."""
    check_host(host)


@pytest.mark.parametrize("host", [host for host in FORBIDDEN if "%" not in host])
def test_the_url_of_a_target_is_refused_before_any_call(host: str) -> None:
    """GIVEN such an address in a URL THEN the settings' error is one line that says why."""
    authority = f"[{host}]" if ":" in host else host
    with pytest.raises(ValueError, match=r"webhooks to .* are not allowed") as caught:
        notify_url(f"https://{authority}/hook")
    assert "\n" not in str(caught.value)


@given(st.ip_addresses(v=4, network="169.254.0.0/16"), st.sampled_from(["dotted", "number", "hex", "mapped", "nat64"]))
def test_every_link_local_address_is_refused(address: object, form: str) -> None:
    """GIVEN any link-local address in any form THEN it is refused."""
    number = int(address)  # type: ignore[call-overload]
    text = {
        "dotted": str(address),
        "number": str(number),
        "hex": hex(number),
        "mapped": f"::ffff:{address}",
        "nat64": f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}",
    }[form]
    with pytest.raises(ValueError, match="address"):
        check_host(text)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Make the name hooks.example.com an address, another one at each look-up; returns the log of look-ups."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *rest: int, **options: int) -> list[tuple[object, ...]]:
        if host != "hooks.example.com":
            return [*real(host, port, *rest, **options)]
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["127.0.0.1", "100.100.100.200"], ["0.0.0.0"]])  # noqa: S104
def test_a_name_that_is_such_an_address_is_not_called(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    """GIVEN a name whose addresses include a forbidden one THEN the call is refused for good, and nothing is sent."""
    with WebhookReceiver() as receiver:
        resolve_to(monkeypatch, addresses)
        target = Webhook(f"https://hooks.example.com:{receiver.port}/x", [b"k" * 24])
        with pytest.raises(RejectedError, match=r"blocked: hooks\.example\.com is .*: .*address"):
            target.send(a_notification())
        assert receiver.requests == []


def test_the_address_that_was_checked_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a name with another, forbidden address at the second look-up THEN there is no second look-up."""
    with WebhookReceiver(Reply(200)) as receiver:
        asked = resolve_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        target = Webhook(f"http://hooks.example.com:{receiver.port}/x")
        target.send(a_notification())
        assert (len(receiver.requests), len(asked)) == (1, 1)


def test_http_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN http:// and a name that is an address elsewhere THEN the call is refused."""
    resolve_to(monkeypatch, ["10.0.0.1"])
    with pytest.raises(RejectedError, match="http:// is only for this machine"):
        Webhook("http://hooks.example.com/x").send(a_notification())


def test_a_name_that_nobody_knows_is_a_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a resolver that fails THEN the error is temporary, and names what failed."""

    def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(UnavailableError, match="Name or service not known"):
        Webhook("https://hooks.example.com/x", caller=ServiceCaller("webhook", attempts=1)).send(a_notification())


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port of this machine at which a connection is neither accepted nor refused: its queue is full."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield int(listening.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of this machine at which a connection is accepted, and nothing is said."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield int(listening.getsockname()[1])


def test_all_addresses_share_the_time_of_a_connection(monkeypatch: pytest.MonkeyPatch, fake_time: FakeTime) -> None:
    """GIVEN eight addresses that do not answer THEN each has an equal share, and the connection ends in its time."""
    waits: list[float] = []

    def connect(connecting: socket.socket, _: object) -> None:
        wait = connecting.gettimeout()
        assert wait
        waits.append(round(wait, 3))
        fake_time.move(wait)
        raise TimeoutError("timed out")

    resolve_to(monkeypatch, [f"127.0.0.{number}" for number in range(1, 9)])
    monkeypatch.setattr("ice_result.core.deadline.MACHINE_CLOCK", fake_time.clock)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(TimeoutError):
        new_checked_connection("hooks.example.com:80", None, seconds=1.0).connect()
    assert waits == [0.125] * 8


def test_a_dead_address_does_not_keep_a_live_one_from_being_reached(
    monkeypatch: pytest.MonkeyPatch, dead_port: int
) -> None:
    """GIVEN an address that does not answer, and one that does THEN the notification arrives."""
    with WebhookReceiver() as receiver:
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *rest: int, **options: int) -> list[tuple[object, ...]]:
            return [*real(host, dead_port, *rest, **options), *real(host, port, *rest, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        Webhook(receiver.url).send(a_notification())
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(("scheme", "port"), [("http", "dead_port"), ("https", "silent_port")])
def test_a_call_that_is_given_up_ends_while_it_connects(request: pytest.FixtureRequest, scheme: str, port: str) -> None:
    """GIVEN a connection with ten minutes, in a call that is given up THEN its thread ends, also within TLS."""
    tls = ssl.create_default_context() if scheme == "https" else None
    connection = new_checked_connection(f"127.0.0.1:{request.getfixturevalue(port)}", tls, seconds=600)
    ended = threading.Event()

    def call() -> None:
        with suppress(OSError), threads.attempt(Deadline.after(0.2), ("webhook", "tell")):
            connection.connect()
        ended.set()

    threading.Thread(target=call, daemon=True).start()
    for _ in range(600):  # a minute; it ends at once
        threads.end_overdue_attempts()
        if ended.wait(0.1):
            break
    assert ended.is_set()
    connection.close()
