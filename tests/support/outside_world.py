"""A stand-in for what lies outside: a site that answers with fixed pages, and a proxy that leads hosts to it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from typing_extensions import override


@dataclass
class OutsideWorld:
    """`pages` are answers by path, of any host and to any method; `routes` lead a host that is asked for to a port.

    A host without a route is reached as it is. `asked` has each page and each tunnel that was asked for.
    """

    pages: Mapping[str, str]
    routes: Mapping[str, int]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its address, as a site and as a proxy."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def outside_world(
    pages: Mapping[str, str], routes: Mapping[str, int] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[OutsideWorld]:
    """Serve on loopback until the block ends."""
    world = OutsideWorld(pages, routes or {})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = urlsplit(self.path).path
            world.asked.append(path)
            body = world.pages.get(path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or "")))
            self.end_headers()
            self.wfile.write((body or "").encode())

        def do_PUT(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.do_GET()

        def do_CONNECT(self) -> None:
            host, _, port = self.path.partition(":")
            world.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            to = ("127.0.0.1", world.routes[host]) if host in world.routes else (host, int(port))
            with socket.create_connection(to) as other:
                back = threading.Thread(target=_pass_on, args=(other, self.connection))
                back.start()
                _pass_on(self.connection, other)
                back.join()
            self.close_connection = True

        @override
        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        world.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield world
        finally:
            server.shutdown()
            thread.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until either side ends."""
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
