"""The endpoint of a service, in the forms people write it."""

from __future__ import annotations

import re

_ENDPOINT = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+(?::\d{1,5})?)/?")


def parse_endpoint(text: str) -> str:
    """`scheme://host[:port]` of `host`, `host:port` or `http(s)://host[:port]`; https unless it says otherwise.

    Raises ValueError for anything else.
    """
    match = _ENDPOINT.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an endpoint: a host, host:port, or http(s)://host:port without a path")
    return f"{match[1] or 'https'}://{match[2]}"
