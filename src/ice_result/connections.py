"""Connections that end with the call that uses them, for every SDK; imported with the first of them.

All SDKs connect with `http.client`, most of them through urllib3, whose pools say of which class a connection is.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from typing_extensions import override

from ice_result.kept_threads import UnderWay, use

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool


class EndsWithCall(HTTPConnection):
    """What makes a connection end when the call that uses it is given up; comes first among its base classes."""

    used_by: UnderWay | None = None

    @override
    def connect(self) -> None:
        use(self)
        super().connect()
        use(self)  # now it has a socket

    @override
    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        use(self)
        super().putrequest(method, url, skip_host, skip_accept_encoding)


def ending_with_calls(pools: Mapping[str, type[HTTPConnectionPool]]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's classes of pools by scheme, made to open connections of this kind."""
    return {scheme: _ending_with_calls(pool) for scheme, pool in pools.items()}


def _ending_with_calls(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    plain: type = pool.ConnectionCls
    if issubclass(plain, EndsWithCall):
        return pool
    connection = type(plain.__name__, (EndsWithCall, plain), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
