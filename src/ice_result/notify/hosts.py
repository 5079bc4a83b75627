"""Hosts that webhooks may not reach: addresses from which a machine gets keys and settings without a password.

    URL ── check_host: an address in any spelling ── look up the name ── check each address ── connect to one of them

A name is looked up once for a connection, and the connection goes to an address that was checked. So a name that
changes its address in between gains nothing. Private networks (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7) are
allowed: receivers in the function's VPC are common.

All addresses of a name share the time of the connection, and a call that is given up ends it at any step after the
look-up: receivers that are dead must not keep the threads that other services need.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from typing_extensions import override

from ice_result.core.deadline import Deadline
from ice_result.core.http import EndsWithCall
from ice_result.core.threads import use
from ice_result.errors import RejectedError

SERVICE = "webhook"
_Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "100.100.100.200",  # Alibaba Cloud: keys of roles and user data [documented]
            "168.63.129.16",  # Azure: its agent of virtual machines [documented]
            "192.0.0.192",  # Oracle Cloud, in its classic network [documented]
            "fd00:ec2::254",  # AWS [documented]
            "fd20:ce::254",  # Google Cloud [documented]
        ),
    )
)
_NO_HOSTS = ipaddress.ip_network("0.0.0.0/8")
_WITH_IPV4 = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))
"""Networks whose addresses end in one of IPv4: behind NAT64 (public and local), translated, and compatible."""
_LARGEST_IPV4 = 0xFFFFFFFF


def check_host(host: str, *, only_this_machine: bool = False) -> None:
    """Check a host that may be an address in any spelling. Raises ValueError for one that may not be reached.

    `host` is without brackets and port. A name is checked when it is looked up.
    """
    address = _read(host.rstrip("."))
    problem = _problem(address, only_this_machine=only_this_machine) if address else None
    if problem:
        raise ValueError(f"webhooks to {host} are not allowed: {problem}")


def new_checked_connection(authority: str, tls: ssl.SSLContext | None, *, seconds: float) -> EndsWithCall:
    """Make a connection, not open yet, that goes only to addresses that webhooks may reach. It uses no proxy.

    `seconds` bound the whole opening after the look-up of the name.
    """
    if tls is None:
        return _Checked(authority, seconds)
    return _CheckedOverTls(authority, tls, seconds)


class _Checked(EndsWithCall):
    """A connection that checks every address of its host before it opens a socket. Over http, it stays here."""

    only_this_machine = True

    def __init__(self, authority: str, seconds: float) -> None:
        super().__init__(authority, timeout=seconds)
        self._seconds = seconds

    @override
    def connect(self) -> None:
        use(self)
        host = self.host.strip("[]")
        found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        for *_, address in found:
            self._check(host, str(address[0]))
        end = Deadline.after(self._seconds)
        self._open([(family, address) for family, *_, address in found], end)
        self._secure(end)

    def _open(self, addresses: Sequence[tuple[int, tuple[object, ...]]], end: Deadline) -> None:
        """Connect to the first address that accepts, in its share of the time. Raises the OSError of the last one."""
        last = OSError("the name has no address")
        for number, (family, address) in enumerate(addresses):
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            use(self)  # before it waits: a call that is given up ends it
            try:
                _wait_until(self.sock, end.part(1 / (len(addresses) - number)))
                self.sock.connect(address)
            except OSError as error:
                self.sock.close()
                last = error
            else:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return
        raise last

    def _secure(self, end: Deadline) -> None:
        """Begin TLS on the open socket: not over http."""

    def _check(self, host: str, address: str) -> None:
        """Raise RejectedError for an address that webhooks may not reach."""
        read = _read(address)
        problem = _problem(read, only_this_machine=self.only_this_machine) if read else "not an address"
        if problem:
            shown = address if host == address else f"{host} is {address}"
            raise RejectedError("connect", service=SERVICE, detail=f"blocked: {shown}: {problem}")


class _CheckedOverTls(_Checked):
    """A checked connection over TLS."""

    default_port = 443
    only_this_machine = False

    def __init__(self, authority: str, tls: ssl.SSLContext, seconds: float) -> None:
        super().__init__(authority, seconds)
        self._tls = tls

    @override
    def _secure(self, end: Deadline) -> None:
        name = self.host.strip("[]").rstrip(".")
        secured = self._tls.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
        self.sock = secured
        use(self)  # it has another socket now
        _wait_until(secured, end)
        secured.do_handshake()


def _wait_until(connected: socket.socket, end: Deadline) -> None:
    """Bound the waits on a socket. Raises TimeoutError when no time is left: 0 would mean not to wait at all."""
    left = end.left()
    if not left:
        raise TimeoutError("timed out")
    connected.settimeout(left)


def _read(host: str) -> _Address | None:
    """Read an address in any spelling that a resolver takes: dotted, one number, hexadecimal, octal, short; IPv6."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])  # without the zone of an IPv6 address
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _problem(address: _Address, *, only_this_machine: bool) -> str | None:
    """Return the reason why an address may not be reached."""
    for each in _meant(address):
        if each in _METADATA:
            return "address of a metadata service"
        if each.is_link_local:
            return "link-local address, as metadata services have"
        if each.is_unspecified or each.is_multicast or each in _NO_HOSTS:
            return "not a host address"
    if only_this_machine and not any(each.is_loopback for each in _meant(address)):
        return "http:// is only for this machine (127.0.0.1, ::1 and localhost)"
    return None


def _meant(address: _Address) -> Iterator[_Address]:
    """Yield an address, and the IPv4 address within it: mapped, translated, compatible, behind NAT64, or of 6to4."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address.is_loopback or address.is_unspecified:
        return
    elif any(address in network for network in _WITH_IPV4):
        yield ipaddress.IPv4Address(int(address) & _LARGEST_IPV4)
    elif address.sixtofour:
        yield address.sixtofour
