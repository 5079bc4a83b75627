"""Secrets of webhooks in the form of Standard Webhooks, each for one host: `host=whsec_<base64>`."""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from typing_extensions import override

MOST_PER_HOST = 2
"""Maximum number of secrets of a host: the new one and the old one, while a secret is replaced."""
_PREFIX = "whsec_"
_WITH_PORT = re.compile(r"([^:\[\]]+|\[.*\]):[0-9]*")  # an IPv6 address has more than one colon
_NOT_IN_A_HOST = re.compile(r"[/?#@\s]")
_SHORTEST, _LONGEST = 24, 64  # bytes, by the specification of Standard Webhooks


class WebhookSecret(NamedTuple):
    """Secret key of one host. `host` is in lower case, without a port and a final dot."""

    host: str
    key: bytes

    @override
    def __repr__(self) -> str:
        return f"WebhookSecret(host={self.host!r})"  # the key is secret


def webhook_secret(text: str) -> WebhookSecret:
    """Parse `host=whsec_<base64>`. Raises ValueError, with an explanation without the secret."""
    host, equals, secret = text.partition("=")
    host = host.strip().lower()
    name = host.removesuffix(".").strip("[]")
    if not equals or not name or _PREFIX in host:
        raise ValueError(f"a secret has no host: expected host={_PREFIX}<base64>")
    if _NOT_IN_A_HOST.search(host):
        raise ValueError(f"a secret has a URL or a path: write only the host, as in {_bare(host)}={_PREFIX}<base64>")
    if _WITH_PORT.fullmatch(host):
        raise ValueError(f"the secret of {host[:80]} is invalid: the host has a port; a secret is for all ports")
    host = name
    if not secret.startswith(_PREFIX):
        raise ValueError(f"the secret of {host[:80]} is invalid: it must begin with {_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the secret of {host[:80]} is invalid: the text after {_PREFIX} is not base64") from None
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(
            f"the secret of {host[:80]} is invalid: {len(key)} bytes in base64, expected {_SHORTEST} to {_LONGEST}"
        )
    return WebhookSecret(host, key)


def _bare(text: str) -> str:
    """Return the host of a URL, without the parts that may be secret."""
    return re.split(r"[/?#]", text.rpartition("://")[2], maxsplit=1)[0].rpartition("@")[2][:80] or "host"
