"""MNS's operations: SendMessage, BatchSendMessage and PeekMessage.

Limits, fields and most codes are documented. Inferred: the status of a batch of which a part is refused (the SDKs
only say that it is an error's), and the codes of too many messages and of an unknown path.
"""

from __future__ import annotations

import hashlib
import re

from alicloud_local.http_server import Reply, Request
from alicloud_local.mns import messages as xml
from alicloud_local.mns.store import Message, QueueStore
from alicloud_local.service import RefusedError

MOST_MESSAGES = 16
MOST_BYTES = 65_536
_PATH = re.compile(r"/queues/([A-Za-z0-9][A-Za-z0-9-]{0,119})/messages")


def operation_of(request: Request) -> tuple[str, str] | None:
    """Return the operation of a request and its queue; None for any other request."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        return None
    if request.method == "GET" and request.parameters.keys() == {"peekonly"}:
        return "PeekMessage", match[1]
    if request.method != "POST":
        return None
    return "BatchSendMessage" if b"<Messages" in request.body else "SendMessage", match[1]


def send_message(store: QueueStore, queue: str, body: bytes, now: float) -> Reply:
    """Put one message into a queue."""
    (sent,) = _send(store, queue, xml.bodies(body, "Message"), now)
    return xml.reply(201, xml.message(_receipt(sent)))


def batch_send_message(store: QueueStore, queue: str, body: bytes, now: float) -> Reply:
    """Put up to 16 messages into a queue; a part of them may be refused."""
    bodies = xml.bodies(body, "Messages")
    if len(bodies) > MOST_MESSAGES:
        raise RefusedError(400, "InvalidArgument", f"The batch size must be between 1 and {MOST_MESSAGES}.")
    refused_part = store.next_refused_part()
    positions = refused_part[0] & set(range(len(bodies))) if refused_part else frozenset()
    sent = iter(_send(store, queue, bodies, now, positions))
    if refused_part is None or not positions:
        return xml.reply(201, xml.messages([_receipt(message) for message in sent]))
    refusal = refused_part[1]
    refused = {"ErrorCode": refusal.code, "ErrorMessage": refusal.message}
    outcomes = [refused if position in positions else _receipt(next(sent)) for position in range(len(bodies))]
    return xml.reply(refusal.status, xml.messages(outcomes))


def peek_message(store: QueueStore, queue: str) -> Reply:
    """Show the oldest message, which stays where it is."""
    try:
        waiting = store.messages(queue)
    except KeyError:
        raise RefusedError(404, "QueueNotExist", "The queue name you provided is not exist.") from None
    if not waiting:
        raise RefusedError(404, "MessageNotExist", "Message not exist.")
    oldest = waiting[0]
    taken = {"DequeueCount": "0", "FirstDequeueTime": "0", "Priority": "8"}
    fields = {"MessageBody": oldest.body, "EnqueueTime": f"{oldest.sent_at * 1000:.0f}", **taken}
    return xml.reply(200, xml.message({**_receipt(oldest), **fields}))


def _send(
    store: QueueStore, queue: str, bodies: list[str], now: float, refused: frozenset[int] = frozenset()
) -> list[Message]:
    if sum(len(body.encode()) for body in bodies) > MOST_BYTES:
        raise RefusedError(400, "InvalidArgument", f"The value of MessageBody should between 1 and {MOST_BYTES} bytes.")
    try:
        return store.add(queue, [body for position, body in enumerate(bodies) if position not in refused], now)
    except KeyError:
        raise RefusedError(404, "QueueNotExist", "The queue name you provided is not exist.") from None


def _receipt(message: Message) -> dict[str, str]:
    digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest().upper()
    return {"MessageId": message.message_id, "MessageBodyMD5": digest}
