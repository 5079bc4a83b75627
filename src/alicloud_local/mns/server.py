"""A stand-in for MNS (now SMQ), and for the EventBridge stream that hands its messages on."""

from __future__ import annotations

import base64
import json
import operator
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import ClassVar

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.mns import messages as xml
from alicloud_local.mns.operations import OPERATIONS, operation_of
from alicloud_local.mns.signature import MnsVerifier
from alicloud_local.mns.store import Message, QueueStore
from alicloud_local.service import ACCOUNT_ID, Keyring, LocalService, Refusal, RefusedError, ServerOptions

_INTERNAL_ERROR = Refusal(500, "InternalError", "Interal error.")  # spelled so by MNS


class MnsServer(LocalService):
    """Queues, made with `create_queue`, that take messages one by one or in batches of up to 16, and topics.

    Every request must bear a valid signature. There are no consumers and no subscriptions: `deliver` takes messages out
    of a queue. The operation of a call is one of `OPERATIONS`, its target the queue or the topic.
    """

    name: ClassVar[str] = "MNS"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(
            429, "TooManyRequests", "The request is denied by cluster flow limiter for too many requests."
        ),
        "error_500": _INTERNAL_ERROR,
        "forbidden": Refusal(
            403, "AccessDenied", "The OwnerId that your Access Key Id associated to is forbidden for this operation."
        ),
        # Inferred.
        "expired_keys": Refusal(403, "SecurityTokenExpired", "The security token you provided has expired."),
        "clock_skew": Refusal(408, "TimeExpired", "The http request you sent is expired."),
    }

    def __init__(self, keyring: Keyring, options: ServerOptions, store: QueueStore | None = None) -> None:
        super().__init__(keyring, options, is_fault_target=operator.eq)
        self._verifier = MnsVerifier(keyring, options.clock)
        self._store = store or QueueStore()

    def create_queue(self, name: str) -> None:
        """Make a queue; one that is there already stays as it is."""
        self._store.create(name, self.clock())

    def messages(self, queue: str) -> tuple[Message, ...]:
        """Return the messages in a queue, oldest first. Raises KeyError for a queue that was not made."""
        return self._store.messages(queue)

    def create_topic(self, name: str) -> None:
        """Make a topic; one that is there already stays as it is."""
        self._store.create_topic(name, self.clock())

    def published(self, topic: str) -> tuple[Message, ...]:
        """Return the messages published to a topic, oldest first. Raises KeyError for a topic that was not made."""
        return self._store.published(topic)

    def refuse_part(self, positions: Collection[int], refusal: Refusal = _INTERNAL_ERROR) -> None:
        """Refuse the messages at these positions (from 0) of the next batch, and take its others.

        A second call is about the batch after that.
        """
        self._store.refuse_part(frozenset(positions), refusal)

    def deliver(self, queue: str, most: int = 20, *, decoded: bool = True) -> bytes | None:
        """Take up to `most` messages out, as the payload that an EventBridge stream hands to a function.

        None where there is no message. `decoded` is the stream's setting `IsBase64Decode`.
        """
        events = [self._event(message, queue, decoded=decoded) for message in self._store.take(queue, most)]
        return json.dumps(events, ensure_ascii=False).encode() if events else None

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        return operation_of(request) or (request.method, request.path)

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        found = operation_of(request)
        if found is None:
            raise RefusedError(400, "InvalidRequestURL", "Http request URL format invalid.")
        operation, target = found
        return OPERATIONS[operation](self._store, target, request.body, self.clock())

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        request_id = xml.request_id()
        return xml.reply(refusal.status, xml.error(refusal.document(request, request_id)), request_id)

    def _event(self, message: Message, queue: str, *, decoded: bool) -> dict[str, object]:
        """Return the CloudEvent that EventBridge makes of a message."""
        body = base64.b64decode(message.body).decode() if decoded else message.body
        return {
            "id": message.message_id,
            "source": "MNS-ice-result-queue",
            "specversion": "1.0",
            "type": "mns:Queue:SendMessage",
            "datacontenttype": "application/json; charset=utf-8",
            "subject": f"acs:mns:{self.region}:{ACCOUNT_ID}:queues/{queue}",
            "time": datetime.fromtimestamp(message.sent_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "data": {"requestId": xml.request_id(), "messageId": message.message_id, "messageBody": body},
        }
