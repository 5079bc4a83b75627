"""Connections to ICE with a limit to the size of a response; imported with the SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from typing_extensions import override

from ice_result.core.requests_transport import Connections
from ice_result.errors import TooLargeError
from ice_result.jobs.sizes import largest_now

if TYPE_CHECKING:
    from requests import PreparedRequest, Response
    from urllib3 import BaseHTTPResponse


class BoundedConnections(Connections):
    """Connections that give a response up when it is too large, before it is read where its length is announced.

    The limit is `largest_now` of the sending thread. The connection is then closed: the rest of the response would
    come before the next one.
    """

    @override
    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Send like `requests` does. Raises TooLargeError, also later, when the response is read."""
        response = super().send(request, stream, timeout, verify, cert, {**proxies} if proxies else None)
        limit, announced = largest_now(), response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > limit:
            response.close()
            raise _too_large(int(announced), limit)
        response.raw = _Bounded(response.raw, limit)
        return response


class _Bounded:
    """A response's source for `requests`, which ends at the limit."""

    def __init__(self, raw: BaseHTTPResponse, limit: int) -> None:
        self._raw = raw
        self._limit = limit

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the parts of the body, decompressed."""
        size = 0
        for part in self._raw.stream(amount, decode_content):
            size += len(part)
            if size > self._limit:
                self._raw.close()
                raise _too_large(None, self._limit)
            yield part


def _too_large(size: int | None, limit: int) -> TooLargeError:
    return TooLargeError("the response", size, limit, "bytes")
