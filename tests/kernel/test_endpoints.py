"""Where a service is called, in the forms that people write."""

from __future__ import annotations

import pytest

from ice_result.endpoints import parse_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("oss-cn-shanghai.aliyuncs.com", "https://oss-cn-shanghai.aliyuncs.com"),
        ("127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" https://oss.example/ ", "https://oss.example"),
    ],
)
def test_endpoints_come_in_four_forms(text: str, endpoint: str) -> None:
    """Without a scheme the endpoint is called over TLS."""
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize("text", ["", "ftp://host", "host/path", "user:pw@host", "host:port", "host:1:2", "a b"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    """Paths, credentials and other schemes would be dropped silently, so they are errors."""
    with pytest.raises(ValueError, match="not an endpoint"):
        parse_endpoint(text)
