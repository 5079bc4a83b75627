"""Whom to trust over TLS: the certificates of authorities are read once in a process.

What the SDKs build upon reads them anew for every connection, which costs as much CPU as several jobs [measured: see
docs/performance.md]. So every client here is given what is made here; boto3 alone takes no such thing.
"""

from __future__ import annotations

import ssl
import threading
from functools import cache
from pathlib import Path

from ice_result.errors import SettingsError

_one_at_a_time = threading.Lock()


def trusting(ca_bundle: str | None) -> ssl.SSLContext:
    """What trusts the authorities in this file or folder; those of certifi, as the SDKs do, when None.

    Raises SettingsError when there are none.
    """
    with _one_at_a_time:  # threads that open their first connections at once wait for one of them to read
        return _read(ca_bundle)


@cache
def _read(ca_bundle: str | None) -> ssl.SSLContext:
    import certifi  # noqa: PLC0415  loaded with the SDKs

    source = ca_bundle or certifi.where()
    is_folder = Path(source).is_dir()
    try:
        return ssl.create_default_context(cafile=None if is_folder else source, capath=source if is_folder else None)
    except OSError as error:
        raise SettingsError([("REQUESTS_CA_BUNDLE", f"{source}: {error.strerror or error}")]) from error
