"""Messages of Kafka, RocketMQ, RabbitMQ and MQTT: the data of a CloudEvent, or alone with `eventSchema: RawData`.

RocketMQ  {"topic", "systemProperties", "userProperties", "body"}
RabbitMQ  {"envelope", "props", "body"}          its body may be an object
MQTT      {"props", "body"}
Kafka     {"topic", "partition", "offset", "timestamp", "headers", "key", "value"}
"""

from __future__ import annotations

from ice_result.triggers.envelope import Contents, Envelope, Opened, label
from ice_result.triggers.model import TriggerOptions
from ice_result.values import JsonObject

__all__ = ["BROKER_MESSAGE"]

_BESIDE_BODY = frozenset({"topic", "systemProperties", "userProperties", "props", "envelope"})
_BESIDE_VALUE = frozenset({"topic", "partition", "offset"})


def _open(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if "body" in message and not _BESIDE_BODY.isdisjoint(message):
        return (Contents(field="body", value=message["body"], message_id=_message_id(message)),)
    if "value" in message and not _BESIDE_VALUE.isdisjoint(message):
        return (Contents(field="value", value=message["value"]),)
    return None


def _message_id(message: JsonObject) -> str | None:
    """RabbitMQ's messageId, or RocketMQ's UNIQ_KEY."""
    for field, name in (("props", "messageId"), ("systemProperties", "UNIQ_KEY")):
        properties = message.get(field)
        if isinstance(properties, dict) and (found := label(properties.get(name))):
            return found
    return None


BROKER_MESSAGE = Envelope("body or value with topic or props (a message broker)", _open)
