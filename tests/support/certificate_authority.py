"""Certificates of a test authority."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def tls_of_an_authority(bundle: Path) -> ssl.SSLContext:
    """Make the TLS context of a server on 127.0.0.1, and write its authority's certificate to `bundle`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(bundle))
    return tls_for(authority, "127.0.0.1")


def tls_for(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """Return a server's context for this host, with a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context
