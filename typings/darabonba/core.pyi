from collections.abc import Mapping
from typing import ClassVar, Protocol

from _typeshed import Incomplete

class _Session(Protocol):  # the part of `requests.Session` that a call needs
    def send(
        self,
        request: Incomplete,
        *,
        proxies: Mapping[str, str],
        timeout: tuple[float, float],
        verify: Incomplete,
        cert: Incomplete,
    ) -> Incomplete: ...

class DaraCore:
    _sessions: ClassVar[dict[str, _Session]]
