"""A listening socket on 127.0.0.1 with a thread for each connection, which leaves nothing behind when closed."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

HOST = "127.0.0.1"
_BACKLOG = 128


class Listener:
    """Runs `serve(socket)` in a thread of its own for every connection, from the start until `close`."""

    def __init__(
        self, name: str, serve: Callable[[socket.socket], None], *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises OSError when `port` is taken; 0 takes any free one."""
        self._name = name
        self._serve = serve
        self._tls = tls
        self._closing = False
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._socket = socket.create_server((HOST, port), backlog=_BACKLOG)
        self.port: int = self._socket.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name=f"{name} listener", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening, end every connection, and wait for their threads."""
        self._closing = True
        with contextlib.suppress(OSError):  # a connection of our own wakes accept(), on every system
            socket.create_connection((HOST, self.port), timeout=1).close()
        self._accepting.join()
        self._socket.close()
        with self._lock:
            connections = dict(self._connections)
        for peer in connections.values():
            with contextlib.suppress(OSError):
                # The plain socket's shutdown, also for TLS: it wakes a blocked recv without touching the TLS state.
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in connections:
            thread.join()

    def _accept(self) -> None:
        while not self._closing:
            with contextlib.suppress(OSError):  # too many open files, say: that must not end the server
                peer, _ = self._socket.accept()
                self._start(peer)

    def _start(self, peer: socket.socket) -> None:
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                peer = self._tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
        except OSError:  # the client has left already
            peer.close()
            return
        thread = threading.Thread(target=self._run, args=(peer,), name=f"{self._name} connection", daemon=True)
        with self._lock:
            self._connections[thread] = peer
        thread.start()

    def _run(self, peer: socket.socket) -> None:
        try:
            if isinstance(peer, ssl.SSLSocket):
                peer.do_handshake()
            self._serve(peer)
        except OSError:
            pass  # the client left, or distrusts our certificate: it knows, and there is nobody else to tell
        finally:
            peer.close()
            with self._lock:
                self._connections.pop(threading.current_thread(), None)
