"""Connections to ICE that read no more of a response than may be worked on; imported with the SDK."""

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
    """Connections on which a response that is too large is given up: when its length is announced, before it is read.

    The limit is that of `largest_now` in the thread that sends. The connection is closed, for what is left of such a
    response would come first on it.
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
        """As `requests` does. Raises TooLargeError, also later, when the response is read."""
        response = super().send(request, stream, timeout, verify, cert, {**proxies} if proxies else None)
        limit, announced = largest_now(), response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > limit:
            response.close()
            raise _too_large(int(announced), limit)
        response.raw = _Bounded(response.raw, limit)
        return response


class _Bounded:
    """What `requests` reads a response from, with an end."""

    def __init__(self, raw: BaseHTTPResponse, limit: int) -> None:
        self._raw = raw
        self._limit = limit

    def __getattr__(self, name: str) -> object:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """The parts of the body, decompressed."""
        size = 0
        for part in self._raw.stream(amount, decode_content):
            size += len(part)
            if size > self._limit:
                self._raw.close()
                raise _too_large(None, self._limit)
            yield part


def _too_large(size: int | None, limit: int) -> TooLargeError:
    return TooLargeError("the response", size, limit, "bytes")
