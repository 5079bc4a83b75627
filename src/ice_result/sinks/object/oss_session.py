"""Session of the SDK of OSS, in place of its own; imported with the SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Protocol
from urllib.parse import urlencode

from ice_result.core.http_transport import HttpReply, HttpTransport, environment_proxy


class _SdkRequest(Protocol):
    """Signed request that the SDK gives to its session."""

    method: str
    url: str
    data: bytes | None
    params: Mapping[str, str]
    headers: Mapping[str, str | None]


class OssSession:
    """Connections to all buckets, in place of `oss2.Session`: a reply is read whole, and a redirect is a refusal.

    The SDK's session is one of `requests`, which would take a signed request to wherever a redirect points.
    """

    def __init__(
        self, endpoint: str, *, error: Callable[[Exception], Exception], ca_bundle: str | None, pool_size: int
    ) -> None:
        """Settle proxies and certificates once, as `endpoint` needs them. Raises SettingsError.

        `error` is the SDK's own, for a request that got no reply.
        """
        self._error = error
        self._proxy = environment_proxy(endpoint)
        self._transport = HttpTransport(endpoint.partition("://")[0], ca_bundle=ca_bundle, most_idle=pool_size)

    def do_request(self, request: _SdkRequest, timeout: tuple[float, float]) -> Reply:
        """Send it; `timeout` is (to connect, for each read) in seconds. Raises as the SDK's own session does."""
        try:
            reply = self._transport.send(
                request.method,
                f"{request.url}?{urlencode(request.params)}" if request.params else request.url,
                {name: value for name, value in request.headers.items() if value is not None},
                request.data,
                seconds=timeout,
                proxy=self._proxy,
            )
        except (OSError, ValueError) as error:  # a ValueError: the request cannot be sent
            raise self._error(error) from error
        return Reply(reply)


class Reply:
    """Parts of a reply that the SDK reads. The class of the SDK for them takes a reply of `requests`."""

    def __init__(self, reply: HttpReply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.request_id = reply.headers.text("x-oss-request-id")
        self.read = BytesIO(reply.body).read
