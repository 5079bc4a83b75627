"""The messages of an MNS (SMQ) queue, with the official SDK: jobs are sent to it, and it is looked into.

The SDK is an optional package, which is imported with the first call. A message is `{"JobId": "…"}` in base64, as MNS
requires; the first stage reads it with and without base64.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from traceback import clear_frames
from typing import TYPE_CHECKING, TypeVar

from ice_result.core import json_text
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.extras import require_extra
from ice_result.core.http import new_connection, trusting
from ice_result.core.sdk_errors import links
from ice_result.core.types import JobId
from ice_result.errors import SettingsError, UnavailableError
from ice_result.maintenance.mns_queue_errors import SERVICE, Failures, no_message, partial, refused_parts, translate

if TYPE_CHECKING:
    from mns.auth import Credentials as SdkCredentials
    from mns.mns_client import MNSClient
    from mns.mns_request import ResponseBase

T = TypeVar("T")
MOST_JOBS = 16
"""Maximum number of messages in one request to MNS. With the longest job ids they use a sixth of its 64 KB."""
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,119}")


class MnsQueue:
    """A queue, until `close()`. Threads share its rate limit and connections.

    MNS stores a message at least once: after a lost reply the same jobs are sent again, and some are in the queue
    twice. The function records a job once, also when it receives several messages.

    The SDK reads no proxy from the environment [read in its source].
    """

    def __init__(
        self,
        queue: str,
        *,
        endpoint: Endpoint | None,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        """`endpoint` is the one of MNS, `<account id>.mns.<region>.aliyuncs.com`.

        Raises SettingsError without an endpoint, for an impossible queue name, and for unreadable certificates.
        """
        if endpoint is None:
            raise SettingsError([("ICE_RESULT_MNS_ENDPOINT", "not set: <account id>.mns.<region>.aliyuncs.com")])
        self._endpoint = endpoint
        if not QUEUE_NAME.fullmatch(queue):
            raise SettingsError(
                [("queue", f"{queue!r} is not a queue's name: letters, digits and hyphens, at most 120")]
            )
        self._queue = queue
        self._credentials = credentials
        self._caller = caller or ServiceCaller(SERVICE)
        self._tls = trusting(ca_bundle) if endpoint.scheme == "https" else None
        self._idle: list[MNSClient] = []
        self._closed = False

    def load(self) -> None:
        """Import the SDK. Raises SettingsError when it is not installed."""
        require_extra("queue", f"the queue {self._queue}")
        import mns.mns_client  # noqa: F401, PLC0415  an optional package

    def send(self, job_ids: Sequence[JobId]) -> None:
        """Send one message for each job, at most 16. The messages that MNS refuses are sent again without the others.

        Raises ServiceError when messages are still refused at the end, and SettingsError without the SDK.
        """
        if len(job_ids) > MOST_JOBS:
            raise ValueError(f"{len(job_ids)} jobs: at most {MOST_JOBS} are sent at once")
        self.load()
        operation = f"send {len(job_ids)} jobs to the queue {self._queue}"
        waiting = tuple(job_ids)

        def attempt() -> None:
            nonlocal waiting
            batch = waiting
            if not batch:  # an attempt that was given up has succeeded after all
                return
            with self._credentials.renewed_once_expired():
                refused = self._send(batch, operation)
            waiting = tuple(job_id for position, job_id in enumerate(batch) if position in refused)
            if refused:
                raise partial(refused, operation)

        self._caller.call(operation, attempt)

    def has_messages(self) -> bool:
        """Return True when there is a message that a reader could take. It stays in the queue.

        Messages that a reader has taken and not yet removed are not seen, nor those that are delayed [documented].
        Raises ServiceError, and SettingsError without the SDK.
        """
        self.load()
        operation = f"look into the queue {self._queue}"

        def attempt() -> bool:
            with self._credentials.renewed_once_expired():
                return self._look(operation)

        return self._caller.call(operation, attempt)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        while self._idle:
            self._idle.pop().close_connection()

    def _send(self, batch: tuple[JobId, ...], operation: str) -> Failures:
        """Send one request. Returns the refused messages and their errors, by position in the batch."""
        from mns.mns_request import BatchSendMessageRequest, BatchSendMessageResponse  # noqa: PLC0415  see `load`

        request = BatchSendMessageRequest(self._queue, base64encode=True)
        for job_id in batch:
            request.add_message(json_text.dump({"JobId": job_id}))
        response = BatchSendMessageResponse()
        refused = self._exchange(
            operation,
            response,
            lambda client: client.batch_send_message(request, response),
            lambda error: refused_parts(error, len(batch)),
        )
        answered = len(response.message_list) if refused is None else len(batch)
        if answered != len(batch):
            detail = f"{len(batch)} messages were sent, but the number of results in the reply is {answered}"
            raise UnavailableError(operation, service=SERVICE, detail=detail)
        return refused or {}

    def _look(self, operation: str) -> bool:
        """Send one request. Returns True when there is a message that a reader could take."""
        from mns.mns_request import PeekMessageRequest, PeekMessageResponse  # noqa: PLC0415  see `load`

        request, response = PeekMessageRequest(self._queue, base64decode=False), PeekMessageResponse()
        nothing = self._exchange(operation, response, lambda client: client.peek_message(request, response), no_message)
        return nothing is None

    def _exchange(
        self,
        operation: str,
        response: ResponseBase,
        send: Callable[[MNSClient], None],
        answer_in: Callable[[Exception], T | None],
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


class _Signer:
    """Provider that the SDK asks for keys before every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get_credentials(self) -> SdkCredentials:
        from mns.auth import Credentials as SdkCredentials  # noqa: PLC0415  see `load`

        keys = self._credentials.keys()
        return SdkCredentials(keys.access_key_id, keys.access_key_secret, keys.security_token)
