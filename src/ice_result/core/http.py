"""Connections of the SDKs: one TLS context for the process, and sockets that end with the call that uses them.

The SDKs read the trusted certificates again for every connection, which costs as much CPU as several jobs [measured:
see docs/performance.md]. So every client here gets the one TLS context of the process; only boto3 accepts none. All
SDKs connect with `http.client`: those of ICE and OSS through http_transport.py, those of Tablestore and S3 through
urllib3, that of MNS by itself.
"""

from __future__ import annotations

import ssl
import threading
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from typing_extensions import override

from ice_result.core.threads import Attempt, use
from ice_result.errors import SettingsError

_one_at_a_time = threading.Lock()


def trusting(ca_bundle: str | None) -> ssl.SSLContext:
    """Return the TLS context that trusts the certificates in this file or folder; None means those of certifi.

    Raises SettingsError when the certificates cannot be read.
    """
    with _one_at_a_time:  # threads that open their first connections at the same time read the file once
        return _read(ca_bundle)


@cache
def _read(ca_bundle: str | None) -> ssl.SSLContext:
    import certifi  # noqa: PLC0415  loaded with the SDKs

    source = ca_bundle or certifi.where()
    try:
        is_folder = Path(source).is_dir()
        return ssl.create_default_context(cafile=None if is_folder else source, capath=source if is_folder else None)
    except OSError as error:
        raise SettingsError([("REQUESTS_CA_BUNDLE", f"{source}: {error.strerror or error}")]) from error


class EndsWithCall(HTTPConnection):
    """Mixin for a connection that ends when the call that uses it is given up. It must be the first base class."""

    used_by: Attempt | None = None

    @override
    def connect(self) -> None:
        use(self)
        super().connect()
        use(self)  # now it has a socket

    @override
    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        use(self)
        super().putrequest(method, url, skip_host, skip_accept_encoding)


class _EndsWithCallOverTls(EndsWithCall, HTTPSConnection):
    """A connection over TLS that ends with the call that uses it."""


def new_connection(authority: str, tls: ssl.SSLContext | None, *, seconds: float) -> EndsWithCall:
    """Make a connection to a host, which is not open yet. `seconds` bound each wait; `tls` is None for http.

    Raises http.client.InvalidURL for a port that is not a number.
    """
    if tls is None:
        return EndsWithCall(authority, timeout=seconds)
    return _EndsWithCallOverTls(authority, timeout=seconds, context=tls)
