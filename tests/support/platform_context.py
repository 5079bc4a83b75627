"""The context object as Function Compute hands it to a handler, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PlatformFunction:
    """`context.function`."""

    name: str = "ice-result"
    handler: str = "handler.handler"
    memory: int = 256
    timeout: int = 30


@dataclass(frozen=True)
class PlatformCredentials:
    """`context.credentials`, on the runtimes that have it."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""


@dataclass(frozen=True)
class PlatformContext:
    """What python3.12 hands over: no credentials."""

    request_id: str = "1-6543-abc"
    region: str = "cn-shanghai"
    account_id: str = "1234567890123456"
    function: PlatformFunction = field(default_factory=PlatformFunction)


@dataclass(frozen=True)
class PlatformContextWithCredentials(PlatformContext):
    """What python3.10 hands over: the keys of the function's role."""

    credentials: PlatformCredentials = field(default_factory=lambda: PlatformCredentials("", ""))
