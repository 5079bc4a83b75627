"""MNS's operations: sending to queues, publishing to topics, looking at a message, and describing both.

Limits, fields and most codes are documented. Inferred: the status of a batch of which a part is refused (the SDKs
only say that it is an error's), and the codes of too many messages and of an unknown path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping

from alicloud_local.http_server import Reply, Request
from alicloud_local.mns import messages as xml
from alicloud_local.mns.store import Message, QueueStore
from alicloud_local.service import RefusedError

MOST_MESSAGES = 16
MOST_BYTES = 65_536
_QUEUE_PATH = re.compile(r"/queues/([A-Za-z0-9][A-Za-z0-9-]{0,119})(/messages)?")
_TOPIC_PATH = re.compile(r"/topics/([A-Za-z0-9][A-Za-z0-9-]{0,254})(/messages)?")


def operation_of(request: Request) -> tuple[str, str] | None:
    """Return the operation of a request and its queue or topic; None for any other request."""
    if match := _TOPIC_PATH.fullmatch(request.path):
        wanted = ("POST", "PublishMessage") if match[2] else ("GET", "GetTopicAttributes")
        return (wanted[1], match[1]) if request.method == wanted[0] else None
    match = _QUEUE_PATH.fullmatch(request.path)
    if match is None:
        return None
    if not match[2]:
        return ("GetQueueAttributes", match[1]) if request.method == "GET" else None
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


def publish_message(store: QueueStore, topic: str, body: bytes, now: float) -> Reply:
    """Publish one message to a topic."""
    (text,) = xml.bodies(body, "Message")
    _check_size([text])
    try:
        sent = store.publish(topic, text, xml.tag(body), now)
    except KeyError:
        raise _no_topic() from None
    return xml.reply(201, xml.message(_receipt(sent)))


def get_queue_attributes(store: QueueStore, name: str, _body: bytes, _now: float) -> Reply:
    """Describe a queue."""
    queue = store.queues().get(name)
    if queue is None:
        raise _no_queue()
    fields = {
        "QueueName": queue.name,
        "CreateTime": f"{queue.created:.0f}",
        "LastModifyTime": f"{queue.modified:.0f}",
        **{attribute: str(value) for attribute, value in queue.attributes.items()},
        **dict.fromkeys(("InactiveMessages", "DelayMessages"), "0"),
        "ActiveMessages": str(len(queue.messages)),
        "LoggingEnabled": "False",
    }
    return xml.reply(200, xml.attributes("Queue", fields))


def get_topic_attributes(store: QueueStore, name: str, _body: bytes, _now: float) -> Reply:
    """Describe a topic. Its defaults are documented."""
    topic = store.topics().get(name)
    if topic is None:
        raise _no_topic()
    fields = {
        "TopicName": topic.name,
        "CreateTime": f"{topic.created:.0f}",
        "LastModifyTime": f"{topic.created:.0f}",
        "MaximumMessageSize": str(MOST_BYTES),
        "MessageRetentionPeriod": "86400",
        "MessageCount": str(len(topic.messages)),
        "LoggingEnabled": "False",
    }
    return xml.reply(200, xml.attributes("Topic", fields))


def peek_message(store: QueueStore, queue: str, _body: bytes, _now: float) -> Reply:
    """Show the oldest message, which stays where it is."""
    try:
        waiting = store.messages(queue)
    except KeyError:
        raise _no_queue() from None
    if not waiting:
        raise RefusedError(404, "MessageNotExist", "Message not exist.")
    oldest = waiting[0]
    taken = {"DequeueCount": "0", "FirstDequeueTime": "0", "Priority": "8"}
    fields = {"MessageBody": oldest.body, "EnqueueTime": f"{oldest.sent_at * 1000:.0f}", **taken}
    return xml.reply(200, xml.message({**_receipt(oldest), **fields}))


def _send(
    store: QueueStore, queue: str, bodies: list[str], now: float, refused: frozenset[int] = frozenset()
) -> list[Message]:
    _check_size(bodies)
    try:
        return store.add(queue, [body for position, body in enumerate(bodies) if position not in refused], now)
    except KeyError:
        raise _no_queue() from None


def _receipt(message: Message) -> dict[str, str]:
    digest = hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest().upper()
    return {"MessageId": message.message_id, "MessageBodyMD5": digest}


def _check_size(bodies: list[str]) -> None:
    if sum(len(body.encode()) for body in bodies) > MOST_BYTES:
        raise RefusedError(400, "InvalidArgument", f"The value of MessageBody should between 1 and {MOST_BYTES} bytes.")


def _no_queue() -> RefusedError:
    return RefusedError(404, "QueueNotExist", "The queue name you provided is not exist.")


def _no_topic() -> RefusedError:
    return RefusedError(404, "TopicNotExist", "The topic name you provided is not exist.")


OPERATIONS: Mapping[str, Callable[[QueueStore, str, bytes, float], Reply]] = {
    "SendMessage": send_message,
    "BatchSendMessage": batch_send_message,
    "PeekMessage": peek_message,
    "GetQueueAttributes": get_queue_attributes,
    "PublishMessage": publish_message,
    "GetTopicAttributes": get_topic_attributes,
}
