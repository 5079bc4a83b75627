"""How requests to OSS are sent: with the library below the SDK's own transport, without what OSS has no use for."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


class _Request(Protocol):
    """What the SDK hands to its session: a request, signed."""

    method: str
    url: str
    data: bytes | None
    params: Mapping[str, str]
    headers: Mapping[str, str | None]


class OssSession:
    """One pool of connections, in place of `oss2.Session`: a reply is read whole, and a redirect is a refusal.

    The SDK's session is one of `requests`, which for every request merges settings, looks for cookies and proxies,
    takes the URL apart several times, and would take a signed request to wherever a redirect points.
    """

    def __init__(self, endpoint: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """Proxies and certificates are those of `endpoint`, settled here once."""
        from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415  loaded with the SDK

        from ice_result.transport import Connections  # noqa: PLC0415  as above

        connections = Connections(endpoint.partition("://")[0], ca_bundle=ca_bundle, pool_size=pool_size)
        self._manager = connections.manager(select_proxy(endpoint, get_environ_proxies(endpoint)))

    def do_request(self, request: _Request, timeout: tuple[float, float]) -> Reply:
        """Send it; `timeout` is (to connect, for each read) in seconds. Raises as the SDK's own session does."""
        import oss2  # noqa: PLC0415  as above
        import urllib3  # noqa: PLC0415  as above

        connect, read = timeout
        try:
            reply = self._manager.urlopen(
                request.method,
                f"{request.url}?{urlencode(request.params)}" if request.params else request.url,
                body=request.data,
                headers={name: value for name, value in request.headers.items() if value is not None},
                timeout=urllib3.Timeout(connect=connect, read=read),
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:  # a ValueError: what cannot be sent
            raise oss2.exceptions.RequestError(error) from error
        return Reply(reply)


class Reply:
    """What the SDK reads of a reply; its own class for that takes one of `requests`."""

    def __init__(self, reply: BaseHTTPResponse) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.request_id = reply.headers.get("x-oss-request-id", "")
        self.read = BytesIO(reply.data).read
