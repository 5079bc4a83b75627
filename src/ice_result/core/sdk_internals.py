"""Uses of what the SDKs do not publish. All of them are here, since a new version of an SDK may change any of them.

`READ_IN` has the versions in whose source they were read. A test compares it with the installed versions, and a test
for each function shows its effect on the real SDK: in tests/core/test_sdk_internals.py, and for connections in
tests/test_given_up_calls.py. The parts of a reply that an SDK reads are in the two sessions that are given to SDKs:
core/gateway.py and sinks/object/oss.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from http.client import HTTPConnection
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import quote

from ice_result.core.endpoints import Endpoint
from ice_result.core.http import EndsWithCall
from ice_result.core.http_headers import Headers
from ice_result.core.lazy_imports import deferred

if TYPE_CHECKING:
    import botocore.client
    import oss2
    import tablestore
    from alibabacloud_credentials.provider import DefaultCredentialsProvider
    from darabonba.core import _Session
    from mns.mns_client import MNSClient
    from urllib3 import HTTPConnectionPool

READ_IN = {
    "alibabacloud-ice20201109": "6.20",
    "alibabacloud-tea-openapi": "0.4",
    "alibabacloud-credentials": "1.0",
    "darabonba-core": "1.0",
    "oss2": "2.19",
    "botocore": "1.44",
    "tablestore": "6.4",
    "aliyun-mns-sdk": "1.3",
}
"""Versions in which the parts used here were read, by the name of the distribution."""

_NEVER_CALLED = {
    # The models of all actions, and modules for the asynchronous client, web sockets, forms, RSA keys, other gateways
    # and the SDK's own search for keys: four fifths of the SDK's imports.
    "gateway": (
        *("alibabacloud_ice20201109.models", "aiohttp", "asyncio", "apscheduler", "cryptography"),
        *("websocket", "darabonba.websocket", "alibabacloud_tea_openapi.websocket_utils"),
        *("darabonba.utils.form", "darabonba.utils.xml", "alibabacloud_tea_openapi.sm3"),
        *("alibabacloud_credentials.client", "alibabacloud_gateway_spi.client", "alibabacloud_gateway_spi.models"),
        "requests",
    ),
    # Encryption by the client, and uploads in parts.
    "OSS": (
        *("aliyunsdkcore", "aliyunsdkkms", "Crypto", "oss2.crypto", "oss2.crypto_bucket"),
        *("oss2.resumable", "oss2.task_queue", "oss2.select_response", "oss2.iterators"),
        "requests",
    ),
    # Time series, and the asynchronous client.
    "Tablestore": ("numpy", "aiohttp", "asyncio"),
}


def imported_lean(sdk: Literal["gateway", "OSS", "Tablestore"]) -> AbstractContextManager[None]:
    """Import an SDK in the block without the modules that our calls do not use.

    For the gateway and OSS, `requests` and urllib3 are among them: we send in their place. These SDKs name `requests`
    in many places, but use only three things of it while they are imported or for each request, which have replacements
    here. Code that uses the SDKs in another way, in the same process, gets the real `requests` at that moment.
    """
    return deferred(*_NEVER_CALLED[sdk], instead=_INSTEAD)


class SignedRequest:
    """`PreparedRequest` for requests that are encoded and signed already: they are taken as they are.

    A session of `requests` finds in it whatever else it looks for.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None

    def prepare(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> None:
        """Take the parts of a request."""
        self.method, self.url, self.headers, self.body = method, url, Headers(headers), data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever `requests` has under this name
        import requests  # noqa: PLC0415  only for those who send with it

        whole = requests.PreparedRequest()
        whole.prepare(self.method, self.url, headers=dict(self.headers), data=self.body)
        return getattr(whole, name)


class _LaterAdapter:
    """`HTTPAdapter` for a module that makes subclasses and instances of it while it is imported.

    The instances are never used. A subclass gets the real base class when it is used for the first time.
    """

    def __new__(cls, *_arguments: object, **_options: object) -> _LaterAdapter:  # noqa: PYI034  the class may change
        """Make an instance of a subclass that is as good as one of the real class."""
        if cls is not _LaterAdapter:
            from requests.adapters import HTTPAdapter  # noqa: PLC0415  only for those who send with it

            cls.__bases__ = (HTTPAdapter,)
        return object.__new__(cls)

    def __init__(self, *_arguments: object, **_options: object) -> None:
        """Do nothing."""


_INSTEAD: Mapping[str, object] = {
    "requests.PreparedRequest": SignedRequest,
    "requests.adapters.HTTPAdapter": _LaterAdapter,
    "requests.structures.CaseInsensitiveDict": Headers,
}


def send_gateway_calls_through(session: _Session, endpoint: Endpoint, pool_size: int) -> None:
    """Give the SDK of the gateway its session for an endpoint.

    The SDK has no option for it. It keeps one session for each protocol, host and number of connections, under a key of
    these and of a port that is always 80.
    """
    from darabonba.core import DaraCore  # noqa: PLC0415  loaded with the SDK

    key = f"{endpoint.scheme}://{endpoint.authority}:80:pool={pool_size}"
    DaraCore._sessions[key] = session  # noqa: SLF001  as said


def without_metadata_service() -> DefaultCredentialsProvider:
    """Make the SDK's chain of sources of keys without the metadata service of ECS.

    The SDK reads the variable that switches it off once, when it is imported. Its provider of this source starts
    threads when it is made.
    """
    from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415  slow, rarely used
    from alibabacloud_credentials.utils import auth_util  # noqa: PLC0415  as above

    as_read = auth_util.environment_ecs_metadata_disabled
    auth_util.environment_ecs_metadata_disabled = "true"
    try:
        return DefaultCredentialsProvider()
    finally:
        auth_util.environment_ecs_metadata_disabled = as_read


def quick_oss_signer(signer: type[oss2.ProviderAuthV4]) -> type[oss2.ProviderAuthV4]:
    """Derive the SDK's signer (V4) with two faster steps, which take a tenth of the CPU of a job in the SDK.

    A version of the SDK with other names for them uses its own steps again.
    """

    def v4_uri_encode(_: object, text: str | bytes, ignores_slashes: bool) -> str:
        return quote(text, safe="/" if ignores_slashes else "")

    def get_signing_key(_: object, request: _Scoped, credentials: oss2.credentials.Credentials, time: str) -> bytes:
        region = request.cloudbox_id or request.region or ""
        return _oss_key_of_day(credentials.get_access_key_secret(), time[:8], region, request.product)

    steps = {
        "_ProviderAuthV4__v4_uri_encode": v4_uri_encode,
        "_ProviderAuthV4__get_signing_key": get_signing_key,
    }
    return type("QuickSigner", (signer,), steps)


class _Scoped(Protocol):
    """Parts of a request that the SDK's signer takes for the scope of a signature."""

    cloudbox_id: str | None
    region: str | None
    product: str


@lru_cache(8)
def _oss_key_of_day(secret: str, *scope: str) -> bytes:
    """Derive the key that requests are signed with for a day, in a region, for a product."""
    key = f"aliyun_v4{secret}".encode()
    for part in (*scope, "aliyun_v4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def end_s3_connections_with_calls(client: botocore.client.S3) -> None:
    """Let the SDK's connections end with the call that uses them. It has no option for the class of its connections."""
    pools = client._endpoint.http_session._pool_classes_by_scheme  # noqa: SLF001  as said
    pools.update(_ending_with_calls(pools))


def end_tablestore_connections_with_calls(client: tablestore.OTSClient, tls: SSLContext | None) -> None:
    """Let the SDK's connections end with the call that uses them, and open them with our TLS context.

    The SDK makes its pools of connections of urllib3 itself; it has no option for their classes and certificates.
    """
    pools = client.connection.pool
    pools.pool_classes_by_scheme = _ending_with_calls(pools.pool_classes_by_scheme)
    options = pools.connection_pool_kw
    options.update(
        retries=False, block=False
    )  # no attempts of its own, and a call that hangs does not block the others
    if tls:
        options.update(ssl_context=tls, ca_certs=None)


def _ending_with_calls(pools: Mapping[str, type[HTTPConnectionPool]]) -> dict[str, type[HTTPConnectionPool]]:
    """Derive pool classes of urllib3, by scheme, whose connections end with the call that uses them."""
    derived = {}
    for scheme, pool in pools.items():
        plain: type = pool.ConnectionCls
        if issubclass(plain, EndsWithCall):
            derived[scheme] = pool
        else:
            connection = type(plain.__name__, (EndsWithCall, plain), {})
            derived[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": connection})
    return derived


def send_mns_calls_over(connection: HTTPConnection, client: MNSClient) -> None:
    """Give the client of MNS a connection in place of its own, which over https has no timeout and trusts fixed roots.

    The SDK has no option for it. It counts the bytes of a request in an attribute of the connection.
    """
    connection.request_length = 0  # type: ignore[attr-defined]  # as said
    client.http.conn = connection
