"""Session of the SDK of ICE, in place of one of `requests`; imported with the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.http_transport import Headers, HttpTransport
from ice_result.jobs.sizes import largest_now

if TYPE_CHECKING:
    from ice_result.core.sdk_internals import SignedRequest

_REDIRECTS = (301, 302, 303, 307, 308)


class SdkReply(NamedTuple):
    """Parts of a reply that the SDK reads [read in its source: DaraCore.do_action]."""

    status_code: int
    reason: str
    headers: Headers
    content: bytes


class IceSession:
    """Session with a limit to the size of a response, which is `largest_now` of the sending thread.

    A response that is too large is given up, before it is read where its length is announced. A redirect is an error:
    it would take a signed request, and the security token in it, to another host.
    """

    def __init__(self, scheme: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """Raise SettingsError for a bundle of certificates that cannot be read."""
        self._scheme = scheme
        self._transport = HttpTransport(scheme, ca_bundle=ca_bundle, most_idle=pool_size)

    def send(
        self, request: SignedRequest, *, proxies: Mapping[str, str], timeout: tuple[float, float], **_: object
    ) -> SdkReply:
        """Send a request. `timeout` is (to connect, for each read) in seconds; the other options concern certificates.

        Raises OSError, UnsendableError and TooLargeError like the transport.
        """
        reply = self._transport.send(
            request.method,
            request.url,
            request.headers,
            request.body,
            seconds=timeout,
            proxy=proxies.get(self._scheme),
            limit=largest_now(),
        )
        if reply.status in _REDIRECTS and "location" in reply.headers:
            import requests  # noqa: PLC0415  loaded with the SDK

            raise requests.TooManyRedirects("redirected")
        return SdkReply(*reply)
