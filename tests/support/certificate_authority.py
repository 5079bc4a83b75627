"""Certificates of a test authority."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def tls_of_an_authority(bundle: Path) -> ssl.SSLContext:
    """Make the TLS context of a server on 127.0.0.1, and write its authority's certificate to `bundle`."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(bundle))
    return context
