"""How requests to OSS are sent: by the SDK's own transport, without what OSS has no use for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import oss2


class _Request(Protocol):
    """What the SDK hands to its session: a request, signed."""

    method: str
    url: str
    data: bytes | None
    params: Mapping[str, str]
    headers: Mapping[str, str | None]


class OssSession:
    """One pool of connections, in place of `oss2.Session`: a reply is read whole, and a redirect is a refusal.

    The SDK's session is one of `requests`, which for every request merges settings, looks for cookies, and would take
    a signed request to wherever a redirect points: a fifth of the CPU of a call [measured: `make bench`].
    """

    def __init__(self, endpoint: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """Proxies and certificates are those of `endpoint`, settled here once."""
        from requests.adapters import HTTPAdapter  # noqa: PLC0415  loaded with the SDK
        from requests.utils import get_environ_proxies  # noqa: PLC0415  as above

        self._adapter = HTTPAdapter(pool_connections=pool_size, pool_maxsize=pool_size)
        self._proxies = get_environ_proxies(endpoint)
        self._verify = ca_bundle or True

    def do_request(self, request: _Request, timeout: tuple[float, float]) -> oss2.http.Response:
        """Send it; `timeout` is (to connect, for each read) in seconds. Raises as the SDK's own session does."""
        import oss2  # noqa: PLC0415  as above
        import requests  # noqa: PLC0415  as above

        prepared = requests.PreparedRequest()
        prepared.prepare_method(request.method)
        try:
            prepared.prepare_url(request.url, request.params)
            prepared.prepare_headers({name: value for name, value in request.headers.items() if value is not None})
            prepared.prepare_body(request.data, None)
            reply = self._adapter.send(
                prepared, stream=True, timeout=timeout, verify=self._verify, proxies=self._proxies
            )
            _ = reply.content  # its connection is free again, and what breaks within it is told as such
        except requests.RequestException as error:
            raise oss2.exceptions.RequestError(error) from error
        return oss2.http.Response(reply)
