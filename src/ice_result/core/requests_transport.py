"""Connections of the SDKs that use `requests`. This module is imported with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter
from typing_extensions import override

from ice_result.core.http import ending_with_calls, trusting

if TYPE_CHECKING:
    from urllib3 import PoolManager


class Connections(HTTPAdapter):
    """Adapter of `requests` whose connections share one TLS context."""

    def __init__(self, protocol: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """`protocol` is http or https. Raises SettingsError for a bundle of certificates that cannot be read."""
        self._tls = trusting(ca_bundle) if protocol == "https" else None
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size)

    def manager(self, proxy: str | None) -> PoolManager:
        """Return the pool of connections, for a caller that does not use `requests`."""
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
        """Do nothing: the TLS context is set, and `requests` would read the certificates for every connection."""
