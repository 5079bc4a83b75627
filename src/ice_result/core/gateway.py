"""Calls of actions behind Alibaba Cloud's API gateway, through the official SDK.

    action, query ──► GatewayClient ──► the SDK's call_api ──► GatewaySession ──► HttpTransport
                      retries, rate     request, signature     no redirects,      connections
                                                               a largest size

Only this module imports the SDK, at the first call; a service whose SDK has a client of its own imports that one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeVar

from ice_result.core import json_text
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import current_deadline
from ice_result.core.endpoints import Endpoint
from ice_result.core.gateway_errors import translate
from ice_result.core.sdk_errors import ErrorTable
from ice_result.core.types import JsonObject
from ice_result.errors import InvalidResponseError, NotJsonError

if TYPE_CHECKING:
    from alibabacloud_credentials.models import CredentialModel
    from alibabacloud_tea_openapi.client import Client
    from alibabacloud_tea_openapi.utils_models import Params

    from ice_result.core.http_headers import Headers
    from ice_result.core.sdk_internals import SignedRequest

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_LARGEST_RESPONSE = 4 * 1024 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
T = TypeVar("T")


class GatewayClient:
    """Actions of one service. One instance serves any number of threads, which share one rate limit.

    A subclass says which service. Calls go through the SDK's generic `call_api`, like those of its typed methods:
    request, signature and choice of a proxy are the SDK's. The typed methods would drop each field of a response
    without a model; a record keeps all fields.

    The SDK takes HTTP_PROXY and HTTPS_PROXY from the environment, and ignores NO_PROXY [read in its source].
    """

    service: ClassVar[str]
    version: ClassVar[str]
    errors: ClassVar[ErrorTable]

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        region: str,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
        concurrency: int = 8,
    ) -> None:
        self.endpoint = endpoint
        self.caller = caller or ServiceCaller(self.service)
        self._region = region
        self._credentials = credentials
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
        form: Mapping[str, str] | None = None,
        about: str = "",
        read: Callable[[JsonObject], T],
    ) -> T:
        """Call `action` and return its response as read by `read`, with retries; `about` is for messages.

        Parameters that are too long for a URL are sent in the body, as `form`. `read` is part of the call: a response
        that it refuses is worth another try. Raises a ServiceError, InvalidResponseError, or TooLargeError.
        """
        client = self._sdk_client()
        operation = " ".join(part for part in (action, about, "in", self.where) if part)

        def attempt() -> T:
            with self._credentials.renewed_once_expired():
                return read(self._send(client, action, (query, form), operation))

        return self.caller.call(operation, attempt)

    def import_client(self) -> type[Client]:
        """Import the class of the SDK's client."""
        from alibabacloud_tea_openapi.client import Client  # noqa: PLC0415  most of a cold start

        return Client

    def largest_response(self) -> int:
        """Return the bytes of the largest response that may be read at this moment."""
        return _LARGEST_RESPONSE

    def read_body(self, text: str) -> JsonObject:
        """Read the body of a response. Raises NotJsonError for what is not a JSON object, and TooLargeError."""
        body = json_text.load(text)
        if not isinstance(body, dict):
            raise NotJsonError("the response is not a JSON object")
        return body

    def _sdk_client(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> Client:
        from ice_result.core.sdk_internals import imported_lean, send_gateway_calls_through  # noqa: PLC0415  as below

        with imported_lean("gateway"):
            from alibabacloud_tea_openapi.utils_models import Config  # noqa: PLC0415  most of a cold start

            client = self.import_client()

        # With DEBUG=sdk in the environment it prints every header, the security token among them.
        logging.getLogger("darabonba-core").setLevel(logging.INFO)
        # The SDK has no option for our trusted certificates, nor one against redirects.
        session = GatewaySession(
            self.endpoint.scheme,
            ca_bundle=self._ca_bundle,
            pool_size=self._concurrency,
            largest_response=self.largest_response,
        )
        send_gateway_calls_through(session, self.endpoint, self._concurrency)
        return client(
            Config(
                credential=_Signer(self._credentials),
                region_id=self._region,
                endpoint=self.endpoint.authority,
                protocol=self.endpoint.scheme.upper(),
                max_idle_conns=self._concurrency,
            )
        )

    def _send(
        self,
        client: Client,
        action: str,
        parameters: tuple[Mapping[str, str], Mapping[str, str] | None],
        operation: str,
    ) -> JsonObject:
        """Send one request. Our errors do not carry the SDK's as their cause: its text can show the signed text."""
        from alibabacloud_tea_openapi.utils_models import OpenApiRequest  # noqa: PLC0415  loaded with the client
        from darabonba.runtime import RuntimeOptions  # noqa: PLC0415  as above

        timeouts = RuntimeOptions(
            connect_timeout=_milliseconds(min(_CONNECT_SECONDS, current_deadline().left())),
            read_timeout=_milliseconds(min(_READ_SECONDS, current_deadline().left())),
        )
        query, form = parameters
        request = OpenApiRequest(query=dict(query), body=form and dict(form))
        try:
            answer = client.call_api(self._parameters(action), request, timeouts)
        except Exception as error:  # noqa: BLE001  every class of the SDK and of its transport
            failure = translate(error, operation, self.errors)
        else:
            try:
                return self.read_body(str(answer["body"]))
            except NotJsonError as error:
                raise InvalidResponseError(f"{operation}: {error}") from error
        raise failure

    def _parameters(self, action: str) -> Params:
        """Describe the action like the SDK's own method, but with the body as text.

        We parse the JSON ourselves: with limits, and without NaN and half characters, which cannot be written.
        """
        from alibabacloud_tea_openapi.utils_models import Params  # noqa: PLC0415  loaded with the client

        return Params(
            action=action,
            version=self.version,
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="string",
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


class SdkReply(NamedTuple):
    """Parts of a reply that the SDK reads [read in its source: DaraCore.do_action]."""

    status_code: int
    reason: str
    headers: Headers
    content: bytes


class GatewaySession:
    """Session of the SDK, in place of one of `requests`, with a limit to the size of a response.

    A response that is too large is given up, before it is read where its length is announced. A redirect is an error:
    it would take a signed request, and the security token in it, to another host.
    """

    def __init__(
        self, scheme: str, *, ca_bundle: str | None, pool_size: int, largest_response: Callable[[], int]
    ) -> None:
        """Raise SettingsError for a bundle of certificates that cannot be read.

        `largest_response` is asked in the thread that sends.
        """
        from ice_result.core.http_transport import HttpTransport  # noqa: PLC0415  imported with the SDK

        self._scheme = scheme
        self._transport = HttpTransport(scheme, ca_bundle=ca_bundle, most_idle=pool_size)
        self._largest_response = largest_response

    def send(
        self, request: SignedRequest, *, proxies: Mapping[str, str], timeout: tuple[float, float], **_: object
    ) -> SdkReply:
        """Send a request. `timeout` is (to connect, for each read) in seconds; the other options concern certificates.

        Raises OSError, UnsendableError and TooLargeError like the transport.
        """
        reply = self._transport.send(
            request.method,
            request.url,
            request.headers,
            request.body,
            seconds=timeout,
            proxy=proxies.get(self._scheme),
            limit=self._largest_response(),
        )
        if reply.status in _REDIRECTS and "location" in reply.headers:
            import requests  # noqa: PLC0415  loaded with the SDK

            raise requests.TooManyRedirects("redirected")
        return SdkReply(*reply)


def _milliseconds(seconds: float) -> int:
    """Convert to at least 1: the SDK takes 0 for its own default."""
    return max(1, int(seconds * 1000))
