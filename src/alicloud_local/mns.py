"""A stand-in for MNS (now SMQ): queues that take messages over the real protocol, and hand them on as EventBridge does.

Limits, fields and most codes are documented. Inferred: the status of a batch of which a part is refused (the SDKs
only say that it is an error's), and the codes of too many messages and of an unknown path.
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import re
import threading
import uuid
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import ClassVar

from typing_extensions import override

from alicloud_local import mns_xml
from alicloud_local.faults import RefusalKind
from alicloud_local.mns_sign import API_VERSION, MnsVerifier
from alicloud_local.service import Conditions, Keyring, LocalService, Refusal, RefusedError
from alicloud_local.wire import Reply, Request
from ice_result.core.types import JsonObject

MOST_MESSAGES = 16
MOST_BYTES = 65_536
_PATH = re.compile(r"/queues/([A-Za-z0-9][A-Za-z0-9-]{0,119})/messages")
_INTERNAL_ERROR = Refusal(500, "InternalError", "Interal error.")  # spelled so by MNS


@dataclass(frozen=True)
class Message:
    """A message as it lies in a queue: `body` is as it was sent, which SDKs do in base64."""

    message_id: str
    body: str
    sent_at: float


class MnsServer(LocalService):
    """Queues, made with `create_queue`, that take messages one by one or in batches of up to 16.

    Every request must bear a valid signature. In place of a consumer's calls, `deliver` takes messages out.
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

    def __init__(self, keyring: Keyring, conditions: Conditions, *, region: str, port: int = 0) -> None:
        super().__init__(keyring, conditions, is_fault_target=operator.eq, port=port)
        self._verifier = MnsVerifier(keyring, conditions.clock)
        self._region = region
        self._lock = threading.Lock()
        self._queues: dict[str, list[Message]] = {}
        self._refused_parts: deque[tuple[frozenset[int], Refusal]] = deque()

    def create_queue(self, name: str) -> None:
        """Make a queue; one that is there already stays as it is."""
        with self._lock:
            self._queues.setdefault(name, [])

    def messages(self, queue: str) -> tuple[Message, ...]:
        """What lies in the queue now, oldest first. Raises KeyError for a queue that was not made."""
        with self._lock:
            return tuple(self._queues[queue])

    def refuse_part(self, positions: Collection[int], refusal: Refusal = _INTERNAL_ERROR) -> None:
        """Refuse the messages at these positions (from 0) of the next batch, and take the others of it.

        Called more than once, it speaks of the batches to come in turn.
        """
        with self._lock:
            self._refused_parts.append((frozenset(positions), refusal))

    def deliver(self, queue: str, most: int = 20, *, decoded: bool = True) -> bytes | None:
        """Take up to `most` messages out: the payload that an EventBridge stream hands to a function; None for none.

        `decoded` is the stream's setting `IsBase64Decode`.
        """
        with self._lock:
            waiting = self._queues[queue]
            taken, waiting[:] = waiting[:most], waiting[most:]
        events = [_event(message, queue, self._region, decoded=decoded) for message in taken]
        return json.dumps(events, ensure_ascii=False).encode() if events else None

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        match = _PATH.fullmatch(request.path)
        operation = "BatchSendMessage" if b"<Messages" in request.body else "SendMessage"
        return (operation, match[1]) if match and request.method == "POST" else (request.method, request.path)

    @override
    def answer(self, request: Request) -> Reply:
        self._verifier.verify(request)
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            raise RefusedError(400, "InvalidRequestURL", "Http request URL format invalid.")
        if self.locate(request)[0] == "SendMessage":
            sent = self._send(match[1], mns_xml.bodies(request.body, "Message"), frozenset())
            return _reply(201, mns_xml.message(_receipt(sent[0])))
        return self._send_batch(match[1], mns_xml.bodies(request.body, "Messages"))

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        request_id = _request_id()
        fields = {
            "Code": refusal.code,
            "Message": refusal.message,
            "RequestId": request_id,
            "HostId": request.headers.get("host", ""),
        }
        return _reply(refusal.status, mns_xml.error(fields), request_id)

    def _send_batch(self, queue: str, bodies: list[str]) -> Reply:
        if len(bodies) > MOST_MESSAGES:
            raise RefusedError(400, "InvalidArgument", f"The batch size must be between 1 and {MOST_MESSAGES}.")
        with self._lock:
            refused, refusal = self._refused_parts.popleft() if self._refused_parts else (frozenset(), _INTERNAL_ERROR)
        refused &= set(range(len(bodies)))
        sent = iter(self._send(queue, bodies, refused))
        no = {"ErrorCode": refusal.code, "ErrorMessage": refusal.message}
        outcomes = [no if position in refused else _receipt(next(sent)) for position in range(len(bodies))]
        return _reply(refusal.status if refused else 201, mns_xml.messages(outcomes))

    def _send(self, queue: str, bodies: list[str], refused: frozenset[int]) -> list[Message]:
        if sum(len(body.encode()) for body in bodies) > MOST_BYTES:
            raise RefusedError(
                400, "InvalidArgument", f"The value of MessageBody should between 1 and {MOST_BYTES} bytes."
            )
        sent = [
            Message(uuid.uuid4().hex.upper(), body, self.clock())
            for position, body in enumerate(bodies)
            if position not in refused
        ]
        with self._lock:
            if queue not in self._queues:
                raise RefusedError(404, "QueueNotExist", "The queue name you provided is not exist.")
            self._queues[queue] += sent
        return sent


def _receipt(message: Message) -> dict[str, str]:
    digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest().upper()
    return {"MessageId": message.message_id, "MessageBodyMD5": digest}


def _reply(status: int, body: bytes, request_id: str = "") -> Reply:
    headers = {
        "Content-Type": "text/xml;charset=UTF-8",
        "x-mns-request-id": request_id or _request_id(),
        "x-mns-version": API_VERSION,
    }
    return Reply(status, headers, body)


def _request_id() -> str:
    return uuid.uuid4().hex.upper()


def _event(message: Message, queue: str, region: str, *, decoded: bool) -> JsonObject:
    """The CloudEvent that EventBridge makes of a message."""
    body = base64.b64decode(message.body).decode() if decoded else message.body
    return {
        "id": message.message_id,
        "source": "MNS-ice-result-queue",
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": f"acs:mns:{region}:1234567890123456:queues/{queue}",
        "time": datetime.fromtimestamp(message.sent_at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "data": {"requestId": _request_id(), "messageId": message.message_id, "messageBody": body},
    }
