"""The operations on queues.

Names, limits and fields are documented. Inferred: the codes and statuses of refusals, which are those of MNS's own
protocol, and that a queue which is there is refused only when it is asked for with other attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from alicloud_local.mns.store import DEFAULTS, Queue, QueueStore
from alicloud_local.rpc.messages import JsonObject, JsonValue
from alicloud_local.service import RefusedError

LIMITS: Mapping[str, tuple[int, int]] = {
    "DelaySeconds": (0, 604_800),
    "MaximumMessageSize": (1024, 65_536),
    "MessageRetentionPeriod": (60, 604_800),
    "PollingWaitSeconds": (0, 30),
    "VisibilityTimeout": (1, 43_200),
}
"""Lowest and highest value of each attribute."""
MESSAGE_COUNTS = ("ActiveMessages", "InactiveMessages", "DelayMessages")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,119}")
_TAG = re.compile(r"Tag\.(\d+)\.(Key|Value)")
_LARGEST_PAGE = 1000
_LONGEST_TAG = 128
Parameters: TypeAlias = Mapping[str, str]


def create_queue(store: QueueStore, parameters: Parameters, now: float) -> JsonObject:
    """Make a queue with the attributes and tags that are given."""
    name, attributes = _name(parameters), _attributes(parameters)
    queue = store.create(name, now, attributes, _tags(parameters))
    if queue.attributes != {**DEFAULTS, **attributes}:
        raise RefusedError(409, "QueueAlreadyExist", "The queue you want to create is already exist.")
    return {"Code": 200, "Success": True}


def get_queue_attributes(store: QueueStore, parameters: Parameters, _now: float) -> JsonObject:
    """Describe a queue."""
    queue = _queue(store, parameters)
    tags: list[JsonValue] = [{"TagKey": key, "TagValue": value} for key, value in queue.tags.items()]
    return {
        "QueueName": queue.name,
        "CreateTime": int(queue.created),
        "LastModifyTime": int(queue.modified),
        **queue.attributes,
        **dict(zip(MESSAGE_COUNTS, (len(queue.messages), 0, 0), strict=True)),
        "Tags": tags,
    }


def set_queue_attributes(store: QueueStore, parameters: Parameters, now: float) -> JsonObject:
    """Replace the attributes that are given."""
    store.change(_queue(store, parameters).name, _attributes(parameters), now)
    return {"Code": 200, "Success": True}


def delete_queue(store: QueueStore, parameters: Parameters, _now: float) -> JsonObject:
    """Remove a queue, and the messages in it."""
    store.remove(_queue(store, parameters).name)
    return {"Code": 200, "Success": True}


def list_queue(store: QueueStore, parameters: Parameters, _now: float) -> JsonObject:
    """List queues, by the beginning of their names, page by page."""
    begins = parameters.get("QueueName", "")
    names = sorted(name for name in store.queues() if name.startswith(begins))
    number, size = int(parameters.get("PageNum") or 1), min(int(parameters.get("PageSize") or 10), _LARGEST_PAGE)
    page: list[JsonValue] = [{"QueueName": name} for name in names[(number - 1) * size : number * size]]
    return {"PageData": page, "PageNum": number, "PageSize": size, "Total": len(names)}


OPERATIONS: Mapping[str, Callable[[QueueStore, Parameters, float], JsonObject]] = {
    "CreateQueue": create_queue,
    "GetQueueAttributes": get_queue_attributes,
    "SetQueueAttributes": set_queue_attributes,
    "DeleteQueue": delete_queue,
    "ListQueue": list_queue,
}


def _name(parameters: Parameters) -> str:
    name = parameters.get("QueueName", "")
    if not _NAME.fullmatch(name):
        raise RefusedError(400, "QueueNameInvalid", "The queue name you provided is invalid.")
    return name


def _queue(store: QueueStore, parameters: Parameters) -> Queue:
    queue = store.queues().get(_name(parameters))
    if queue is None:
        raise RefusedError(404, "QueueNotExist", "The queue name you provided is not exist.")
    return queue


def _attributes(parameters: Parameters) -> dict[str, int]:
    attributes = {}
    for name, (lowest, highest) in LIMITS.items():
        text = parameters.get(name)
        if text is None:
            continue
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            unit = "bytes" if name == "MaximumMessageSize" else "seconds"
            raise RefusedError(
                400, "InvalidArgument", f"The value of {name} should between {lowest} and {highest} {unit}."
            )
        attributes[name] = int(text)
    return attributes


def _tags(parameters: Parameters) -> dict[str, str]:
    """Return the tags, which come as `Tag.1.Key`, `Tag.1.Value`, `Tag.2.Key`, …"""
    parts: dict[str, dict[str, str]] = {}
    for name, value in parameters.items():
        if match := _TAG.fullmatch(name):
            parts.setdefault(match[1], {})[match[2]] = value
    tags = {each["Key"]: each.get("Value", "") for each in parts.values() if each.get("Key")}
    if any(len(text) > _LONGEST_TAG for tag in tags.items() for text in tag):
        raise RefusedError(400, "InvalidParameter", f"A tag has at most {_LONGEST_TAG} characters.")
    return tags
