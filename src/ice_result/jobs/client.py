"""Calls to ICE through its official SDK. Only this module imports the SDK, at the first call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from ice_result.core import json_text
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import current_deadline
from ice_result.core.endpoints import Endpoint
from ice_result.core.types import JsonObject
from ice_result.errors import InvalidResponseError, NotJsonError, SettingsError
from ice_result.jobs.errors import SERVICE, translate
from ice_result.jobs.sizes import check_response, check_text

if TYPE_CHECKING:
    from alibabacloud_credentials.models import CredentialModel
    from alibabacloud_ice20201109.client import Client
    from alibabacloud_tea_openapi.utils_models import Params

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
T = TypeVar("T")


class IceClient:
    """Actions of ICE in one region. One instance serves any number of threads, which share one rate limit.

    Calls go through the SDK's generic `call_api`, like those of its own typed methods: request, signature and choice of
    a proxy are the SDK's. The typed methods would drop each field of a response without a model; a record keeps all
    fields.

    The SDK takes HTTP_PROXY and HTTPS_PROXY from the environment, and ignores NO_PROXY [read in its source].
    """

    def __init__(
        self,
        *,
        region: str,
        endpoint: Endpoint | None = None,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
        concurrency: int = 8,
    ) -> None:
        """Take an `endpoint` in place of `ice.<region>.aliyuncs.com`: host, host:port or http(s)://host:port.

        The SDK's own list of endpoints sends most regions to `ice.aliyuncs.com`, which does not know their jobs.
        Raises SettingsError without a region and an endpoint.
        """
        if endpoint is None and not region:
            raise SettingsError([("region", "needed to know where ICE is, unless an endpoint is given")])
        self.endpoint = endpoint or Endpoint("https", f"ice.{region}.aliyuncs.com")
        self._region = region
        self._credentials = credentials
        self.caller = caller or ServiceCaller(SERVICE)
        self._ca_bundle = ca_bundle
        self._concurrency = concurrency
        self._client: Client | None = None
        self._lock = threading.Lock()

    @property
    def where(self) -> str:
        """The region, or else the host, for messages."""
        return self._region or self.endpoint.authority

    def load(self) -> None:
        """Import the SDK and make its client now: the first call would otherwise wait for it."""
        self._sdk_client()

    def call(
        self,
        action: str,
        query: Mapping[str, str],
        *,
        about: str = "",
        read: Callable[[JsonObject], T],
    ) -> T:
        """Call `action` and return its response as read by `read`, with retries; `about` is for messages.

        `read` is part of the call: a response that it refuses is worth another try. Raises a ServiceError,
        InvalidResponseError, or TooLargeError.
        """
        client = self._sdk_client()
        operation = " ".join(part for part in (action, about, "in", self.where) if part)

        def attempt() -> T:
            with self._credentials.renewed_once_expired():
                return read(_call(client, action, query, operation))

        return self.caller.call(operation, attempt)

    def _sdk_client(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> Client:
        from ice_result.core.sdk_internals import imported_lean, send_ice_calls_through  # noqa: PLC0415  as below

        with imported_lean("ICE"):
            from alibabacloud_ice20201109.client import Client  # noqa: PLC0415  most of a cold start
            from alibabacloud_tea_openapi.utils_models import Config  # noqa: PLC0415  as above

        from ice_result.jobs.connections import IceSession  # noqa: PLC0415  as above

        # With DEBUG=sdk in the environment it prints every header, the security token among them.
        logging.getLogger("darabonba-core").setLevel(logging.INFO)
        # The SDK has no option for our trusted certificates, nor one against redirects.
        session = IceSession(self.endpoint.scheme, ca_bundle=self._ca_bundle, pool_size=self._concurrency)
        send_ice_calls_through(session, self.endpoint, self._concurrency)
        return Client(
            Config(
                credential=_Signer(self._credentials),
                region_id=self._region,
                endpoint=self.endpoint.authority,
                protocol=self.endpoint.scheme.upper(),
                max_idle_conns=self._concurrency,
            )
        )


class _Signer:
    """Provider of keys for the SDK, which asks it for every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get_credential(self) -> CredentialModel:
        from alibabacloud_credentials.models import CredentialModel  # noqa: PLC0415  loaded with the SDK

        keys = self._credentials.keys()
        return CredentialModel(
            access_key_id=keys.access_key_id,
            access_key_secret=keys.access_key_secret,
            security_token=keys.security_token or None,
            type="sts" if keys.security_token else "access_key",
        )


def _call(client: Client, action: str, query: Mapping[str, str], operation: str) -> JsonObject:
    """Send one request. Our errors do not carry the SDK's as their cause: its text can show the signed text."""
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest  # noqa: PLC0415  loaded with the client
    from darabonba.runtime import RuntimeOptions  # noqa: PLC0415  as above

    timeouts = RuntimeOptions(
        connect_timeout=_milliseconds(min(_CONNECT_SECONDS, current_deadline().left())),
        read_timeout=_milliseconds(min(_READ_SECONDS, current_deadline().left())),
    )
    try:
        answer = client.call_api(_parameters(action), OpenApiRequest(query=dict(query)), timeouts)
    except Exception as error:  # noqa: BLE001  every class of the SDK and of its transport
        failure = translate(error, operation)
    else:
        return _body(str(answer["body"]), operation)
    raise failure


def _parameters(action: str) -> Params:
    """Describe the action like the SDK's own method, but with the body as text.

    We parse the JSON ourselves: with limits, and without NaN and half characters, which cannot be written.
    """
    from alibabacloud_tea_openapi.utils_models import Params  # noqa: PLC0415  loaded with the client

    return Params(
        action=action,
        version="2020-11-09",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="string",
    )


def _body(text: str, operation: str) -> JsonObject:
    check_text(text)
    try:
        body = json_text.load(text)
    except NotJsonError as error:
        raise InvalidResponseError(f"{operation}: {error}") from error
    if not isinstance(body, dict):
        raise InvalidResponseError(f"{operation}: the response is not a JSON object")
    check_response(body)
    return body


def _milliseconds(seconds: float) -> int:
    """Convert to at least 1: the SDK takes 0 for its own default."""
    return max(1, int(seconds * 1000))
