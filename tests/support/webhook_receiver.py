"""A receiver of webhooks on this machine, which answers what a test tells it to."""

from __future__ import annotations

import ssl
from collections import deque
from types import TracebackType
from typing import Literal, TypeAlias

from typing_extensions import Self

from alicloud_local.http_server import Connection, HttpServer, Reply, Request

Answer: TypeAlias = Reply | bytes | Literal["reset", "hang"]
"""A reply; bytes that are sent as they are before the connection is closed; or none."""


class WebhookReceiver:
    """A server on 127.0.0.1 within `with`. It gives its `answers` in order, and then 204 to every request."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.answers: deque[Answer] = deque(answers)
        self._tls = tls

    def __enter__(self) -> Self:
        self._server = HttpServer("webhook receiver", self._respond, tls=self._tls)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        """The receiver's URL, with a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hooks/ice"

    def _respond(self, request: Request, connection: Connection) -> bool:
        self.requests.append(request)
        answer = self.answers.popleft() if self.answers else Reply(204)
        if answer == "reset":
            connection.reset()
        elif answer == "hang":
            connection.wait_until_closed()
        elif isinstance(answer, bytes):
            connection.send(answer)
        else:
            assert isinstance(answer, Reply)
            connection.send(answer.encode())
            return True
        return False
