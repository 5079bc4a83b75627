"""Connections for the SDKs that send with `requests`; imported with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from typing_extensions import override

from ice_result.core.http import ending_with_calls, trusting

if TYPE_CHECKING:
    from urllib3 import PoolManager


class Connections(HTTPAdapter):
    """A pool of connections that all trust the same authorities."""

    def __init__(self, protocol: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """`protocol` is http or https. Raises SettingsError for a bundle of certificates that cannot be read."""
        self._tls = trusting(ca_bundle) if protocol == "https" else None
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size)

    def manager(self, proxy: str | None) -> PoolManager:
        """The connections themselves, for whoever sends without `requests`."""
        return self.proxy_manager_for(proxy) if proxy else self.poolmanager

    @override
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: object) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = ending_with_calls(self.poolmanager.pool_classes_by_scheme)

    @override
    def proxy_manager_for(self, proxy: str, **options: object) -> PoolManager:
        through: PoolManager = super().proxy_manager_for(proxy, ssl_context=self._tls, **options)
        through.pool_classes_by_scheme = ending_with_calls(through.pool_classes_by_scheme)
        return through

    @override
    def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
        """Nothing: whom to trust is settled, and `requests` would read a bundle for every connection."""
