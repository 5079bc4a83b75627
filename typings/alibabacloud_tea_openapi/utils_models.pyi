from collections.abc import Mapping

from _typeshed import Incomplete

class Config:
    def __init__(
        self,
        *,
        credential: object = None,
        region_id: str | None = None,
        endpoint: str | None = None,
        protocol: str | None = None,
        max_idle_conns: int | None = None,
        **more: object,
    ) -> None: ...

class OpenApiRequest:
    def __init__(
        self, *, query: Mapping[str, str] | None = None, body: Mapping[str, str] | None = None, **more: object
    ) -> None: ...

class Params:
    def __init__(
        self,
        *,
        action: str,
        version: str,
        protocol: str,
        pathname: str,
        method: str,
        auth_type: str,
        style: str,
        req_body_type: str,
        body_type: str,
    ) -> None: ...

def __getattr__(name: str) -> Incomplete: ...
