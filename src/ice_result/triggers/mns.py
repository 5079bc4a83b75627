"""Messages of MNS (now SMQ): queues through EventBridge, and topics in all of their formats.

The body is a string in all of them. A topic's messages in the STREAM format without attributes have no envelope; an XML
notification is read into the keys of the JSON format (see `mns_xml`).
"""

from __future__ import annotations

from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject

__all__ = ["MNS_QUEUE_MESSAGE", "MNS_TOPIC_MESSAGE", "MNS_TOPIC_STREAM"]


def _open_queue_message(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"requestId", "messageId", "messageBody"}`: the data of a CloudEvent, or alone with `eventSchema: RawData`."""
    if "messageBody" not in message:
        return None
    message_id = label(message.get("messageId"))
    return (Contents(field="messageBody", value=message["messageBody"], message_id=message_id),)


def _open_topic_message(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"TopicOwner", "TopicName", "Message", "MessageId", …}`; a message's attributes stand beside these."""
    if "Message" not in message or not {"TopicName", "TopicOwner"} & message.keys():
        return None
    return (Contents(field="Message", value=message["Message"], message_id=label(message.get("MessageId"))),)


def _open_topic_stream(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"body", "attrs"}`: what STREAM makes of a message that has attributes; it carries no id."""
    if not {"body", "attrs"} <= message.keys():
        return None
    return (Contents(field="body", value=message["body"]),)


MNS_QUEUE_MESSAGE = Envelope("messageBody (an MNS queue)", _open_queue_message)
MNS_TOPIC_MESSAGE = Envelope("TopicName and Message (an MNS topic)", _open_topic_message)
MNS_TOPIC_STREAM = Envelope("body and attrs (an MNS topic, STREAM)", _open_topic_stream)
