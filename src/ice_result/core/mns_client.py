"""Calls of MNS (SMQ) with the official SDK: messages to queues and topics, and a look at either.

The SDK is an optional package, which is imported with the first call. It reads no proxy from the environment [read in
its source].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from traceback import clear_frames
from typing import TYPE_CHECKING, TypeVar
from weakref import finalize

from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.extras import require_extra
from ice_result.core.http import new_connection, trusting
from ice_result.core.mns_errors import SERVICE, Failures, no_message, refused_parts, translate
from ice_result.core.sdk_errors import links
from ice_result.errors import SettingsError, UnavailableError

if TYPE_CHECKING:
    from mns.auth import Credentials as SdkCredentials
    from mns.mns_client import MNSClient
    from mns.mns_request import ResponseBase

T = TypeVar("T")
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


class MnsClient:
    """Connections to MNS in one account and region, until `close()`. Threads share its rate limit and connections.

    Each method but `call` and `load` makes one request, without retries: `call` makes it again after a temporary error.
    """

    def __init__(
        self,
        endpoint: Endpoint | None,
        credentials: Credentials,
        *,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        """`endpoint` is the one of MNS, `<account id>.mns.<region>.aliyuncs.com`.

        Raises SettingsError without an endpoint, and for unreadable certificates.
        """
        if endpoint is None:
            raise SettingsError([("ICE_RESULT_MNS_ENDPOINT", "not set: <account id>.mns.<region>.aliyuncs.com")])
        self._endpoint = endpoint
        self._credentials = credentials
        self._caller = caller or ServiceCaller(SERVICE)
        self._tls = trusting(ca_bundle) if endpoint.scheme == "https" else None
        self._idle: list[MNSClient] = []
        self._closed = False
        finalize(self, _close_all, self._idle)

    def load(self, needed_by: str) -> None:
        """Import the SDK. Raises SettingsError, which names what it is needed by, when it is not installed."""
        require_extra("queue", needed_by)
        import mns.mns_client  # noqa: F401, PLC0415  an optional package

    def call(self, operation: str, request: Callable[[], T]) -> T:
        """Return the value of `request()`, which makes one request, with retries and new keys. Raises ServiceError."""

        def attempt() -> T:
            with self._credentials.renewed_once_expired():
                return request()

        return self._caller.call(operation, attempt)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        _close_all(self._idle)

    def send_batch(self, queue: str, texts: Sequence[str], operation: str) -> Failures:
        """Send messages to a queue in base64. Returns the refused ones and their errors, by position in the batch."""
        from mns.mns_request import BatchSendMessageRequest, BatchSendMessageResponse  # noqa: PLC0415  see `load`

        request = BatchSendMessageRequest(queue, base64encode=True)
        for text in texts:
            request.add_message(text)
        response = BatchSendMessageResponse()
        refused = self._exchange(
            operation,
            response,
            lambda client: client.batch_send_message(request, response),
            lambda error: refused_parts(error, len(texts)),
        )
        answered = len(response.message_list) if refused is None else len(texts)
        if answered != len(texts):
            detail = f"{len(texts)} messages were sent, but the number of results in the reply is {answered}"
            raise UnavailableError(operation, service=SERVICE, detail=detail)
        return refused or {}

    def send(self, queue: str, text: str, operation: str) -> None:
        """Send one message to a queue, in base64."""
        from mns.mns_request import SendMessageRequest, SendMessageResponse  # noqa: PLC0415  see `load`

        request, response = SendMessageRequest(queue, text, base64encode=True), SendMessageResponse()
        self._exchange(operation, response, lambda client: client.send_message(request, response))

    def publish(self, topic: str, text: str, operation: str) -> None:
        """Publish one message of JSON to a topic, as it is: MNS hands it to subscribers as it was sent.

        XML has no form for two characters, which JSON can escape.
        """
        from mns.mns_request import PublishMessageRequest, PublishMessageResponse  # noqa: PLC0415  see `load`

        escaped = _NOT_IN_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        # The SDK refuses its own default of a message's group.
        request, response = PublishMessageRequest(topic, escaped, message_group_id=""), PublishMessageResponse()
        self._exchange(operation, response, lambda client: client.publish_message(request, response))

    def has_message(self, queue: str, operation: str) -> bool:
        """Return True when there is a message that a reader could take. It stays in the queue."""
        from mns.mns_request import PeekMessageRequest, PeekMessageResponse  # noqa: PLC0415  see `load`

        request, response = PeekMessageRequest(queue, base64decode=False), PeekMessageResponse()
        nothing = self._exchange(operation, response, lambda client: client.peek_message(request, response), no_message)
        return nothing is None

    def find_queue(self, queue: str, operation: str) -> None:
        """Ask for the attributes of a queue. Raises NotFoundError for one that is not there."""
        from mns.mns_request import GetQueueAttributesRequest, GetQueueAttributesResponse  # noqa: PLC0415  see `load`

        request, response = GetQueueAttributesRequest(queue), GetQueueAttributesResponse()
        self._exchange(operation, response, lambda client: client.get_queue_attributes(request, response))

    def find_topic(self, topic: str, operation: str) -> None:
        """Ask for the attributes of a topic. Raises NotFoundError for one that is not there."""
        from mns.mns_request import GetTopicAttributesRequest, GetTopicAttributesResponse  # noqa: PLC0415  see `load`

        request, response = GetTopicAttributesRequest(topic), GetTopicAttributesResponse()
        self._exchange(operation, response, lambda client: client.get_topic_attributes(request, response))

    def _exchange(
        self,
        operation: str,
        response: ResponseBase,
        send: Callable[[MNSClient], None],
        answer_in: Callable[[Exception], T | None] = lambda _: None,
    ) -> T | None:
        """Make one call. Returns None for a success, or what `answer_in` makes of an error that is an answer."""
        client = self._take_client()
        answer = None
        try:
            send(client)
        except Exception as error:  # noqa: BLE001  the SDK raises errors of every layer below it
            for link in links(error):  # frames of the SDK keep a reply that was cut short, and so its socket
                clear_frames(link.__traceback__)
            answer = answer_in(error)
            if answer is None:
                client.close_connection()
                # From None: an exception of the SDK may contain the request, with the security token.
                raise translate(error, operation, response.status) from None
        self._give_back(client)
        return answer

    def _take_client(self) -> MNSClient:
        """Return an idle client, or a new one: a connection of the SDK carries one request at a time."""
        with suppress(IndexError):
            return self._idle.pop()
        from mns.mns_client import MNSClient  # noqa: PLC0415  see `load`

        from ice_result.core.sdk_internals import send_mns_calls_over  # noqa: PLC0415  as above

        client = MNSClient(str(self._endpoint), credentials_provider=_Signer(self._credentials))
        seconds = self._caller.attempt_seconds
        send_mns_calls_over(new_connection(self._endpoint.authority, self._tls, seconds=seconds), client)
        return client

    def _give_back(self, client: MNSClient) -> None:
        if self._closed:  # an attempt that was given up ends late
            client.close_connection()
        else:
            self._idle.append(client)


def _close_all(clients: list[MNSClient]) -> None:
    while clients:
        clients.pop().close_connection()


class _Signer:
    """Provider that the SDK asks for keys before every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get_credentials(self) -> SdkCredentials:
        from mns.auth import Credentials as SdkCredentials  # noqa: PLC0415  see `load`

        keys = self._credentials.keys()
        return SdkCredentials(keys.access_key_id, keys.access_key_secret, keys.security_token)
