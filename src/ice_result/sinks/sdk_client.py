"""Calls of the stores in the cloud, each through the SDK of its service, which is imported with the first call."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Generic, TypeVar

from ice_result.core.credentials import Credentials
from ice_result.errors import KeysExpiredError
from ice_result.sinks.base import SinkContext

C = TypeVar("C")
T = TypeVar("T")
CONNECT_SECONDS = 3.0
"""Longest time to open a connection."""


class SdkClient(ABC, Generic[C]):
    """Calls through one client of an SDK: one pool of connections and one pace for all threads.

    `service` is the name of the service in errors. Keys are asked for at every request.
    """

    service: ClassVar[str]

    def __init__(self, context: SinkContext) -> None:
        self._context = context
        self._caller = context.new_caller(self.service)
        self._client: C | None = None
        self._lock = threading.Lock()

    @abstractmethod
    def _open(self) -> C:
        """Import the SDK and make its client."""

    @abstractmethod
    def _translate(self, error: Exception, operation: str) -> Exception:
        """Return our error for what the SDK raised; one of ours, or a defect, comes out unchanged."""

    def _keys_have_expired(self, client: C) -> None:
        """Make ready for other keys at the next attempt."""

    def load(self) -> None:
        """Import the SDK and make its client."""
        self._opened(f"open {self.service}")

    def call(self, operation: str, use: Callable[[C], T]) -> T:
        """Return the value of `use(client)`, retried while that can help. Raises our own errors."""

        def attempt() -> T:
            client = self._opened(operation)
            try:
                with self._context.credentials.renewed_once_expired(), self._translated(operation):
                    return use(client)
            except KeysExpiredError:
                self._keys_have_expired(client)
                raise

        self._opened(operation)  # loads the SDK, before the attempts are timed
        return self._caller.call(operation, attempt)

    def _opened(self, operation: str) -> C:
        with self._lock:
            if self._client is None:
                with self._translated(operation):
                    self._client = self._open()
            return self._client

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  SDKs let errors of every layer below them through
            # From None: the SDK's exceptions may contain what was signed, and with it the security token.
            raise self._translate(error, operation) from None


class KeyProvider(Generic[C]):
    """Provider of our keys in an SDK's own class for them; the SDK asks it before every request."""

    def __init__(self, credentials: Credentials, new_keys: Callable[[str, str, str | None], C]) -> None:
        self._credentials = credentials
        self._new_keys = new_keys

    def get_credentials(self) -> C:
        """Return the keys to sign with now."""
        keys = self._credentials.keys()
        return self._new_keys(keys.access_key_id, keys.access_key_secret, keys.security_token or None)
