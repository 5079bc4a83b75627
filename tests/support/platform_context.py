"""The context object that Function Compute passes to a handler, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PlatformFunction:
    """Part `function` of the context."""

    name: str = "ice-result"
    handler: str = "handler.handler"
    memory: int = 256
    timeout: int = 30


@dataclass(frozen=True)
class PlatformCredentials:
    """Part `credentials` of the context, on the runtimes that have it."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""


@dataclass(frozen=True)
class PlatformContext:
    """Context of python3.12, without credentials."""

    request_id: str = "1-6543-abc"
    region: str = "cn-shanghai"
    account_id: str = "1234567890123456"
    function: PlatformFunction = field(default_factory=PlatformFunction)


@dataclass(frozen=True)
class PlatformContextWithCredentials(PlatformContext):
    """Context of python3.10, with the keys of the function's role."""

    credentials: PlatformCredentials = field(default_factory=lambda: PlatformCredentials("", ""))
