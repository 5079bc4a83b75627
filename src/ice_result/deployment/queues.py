"""The two queues: one for ICE's events, which the trigger reads, and one for what fails for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from ice_result.core.types import JsonObject
from ice_result.deployment.clients import MnsControlClient
from ice_result.deployment.steps import MADE_BY_US, Change, Step, allowed
from ice_result.errors import NotFoundError, SettingsError

_TAG = "made-by"
VISIBILITY_SECONDS = 300
"""A message that the trigger has taken comes back after this time: twice the function's timeout, and more."""
RETENTION_SECONDS = 604_800
"""Seven days, the longest that MNS keeps a message [documented]."""


def event_queue_step(client: MnsControlClient, queue: str) -> Iterator[Step]:
    """Yield the step for the queue of events."""
    wanted = {"VisibilityTimeout": VISIBILITY_SECONDS, "MessageRetentionPeriod": RETENTION_SECONDS}
    yield _step(client, queue, wanted)


def dead_letter_step(client: MnsControlClient, queue: str) -> Iterator[Step]:
    """Yield the step for the queue of dead letters."""
    yield _step(client, queue, {"MessageRetentionPeriod": RETENTION_SECONDS})


def removal_step(client: MnsControlClient, queue: str, has_messages: Callable[[], bool]) -> Iterator[Step]:
    """Yield the step that removes a queue, if setup made it and it is empty; none when it is not there.

    A queue is removed with its messages, so MNS is asked twice: the counts among the attributes also tell of messages
    that a reader has taken, but are to become 0 for every queue [documented]; `has_messages` looks for one.
    """
    thing, found = f"queue {queue}", _attributes(client, queue)
    if found is None:
        return
    if not _is_ours(found):
        yield Step(thing, "kept", note="setup did not make it")
        return
    waiting = sum(_number(found, f"{kind}Messages") for kind in ("Active", "Inactive", "Delay"))
    if waiting:
        yield Step(thing, "blocked", note=f"messages in it: {waiting}")
    elif problem := _problem_with(has_messages):
        yield Step(thing, "blocked", note=problem)
    else:
        yield Step(thing, "there", (_change(client, "DeleteQueue", queue, {}),))


def _problem_with(has_messages: Callable[[], bool]) -> str | None:
    try:
        return "there are messages in it" if allowed("mns:PeekMessage", has_messages) else None
    except SettingsError as error:
        return f"it cannot be looked into: {error}"


def _step(client: MnsControlClient, queue: str, wanted: Mapping[str, int]) -> Step:
    """Return the step for one queue. Attributes with a higher value than is wanted stay."""
    found = _attributes(client, queue)
    if found is None:
        tag = {"Tag.1.Key": _TAG, "Tag.1.Value": MADE_BY_US}
        return Step(f"queue {queue}", "missing", (_change(client, "CreateQueue", queue, wanted, tag),))
    short = {name: value for name, value in wanted.items() if _number(found, name) < value}
    if not short:
        return Step(f"queue {queue}", "there")
    note = ", ".join(f"{name} is {_number(found, name)}" for name in short)
    return Step(f"queue {queue}", "differs", (_change(client, "SetQueueAttributes", queue, short),), note)


def _attributes(client: MnsControlClient, queue: str) -> JsonObject | None:
    """Return the attributes of a queue; None when it is not there."""
    ask = partial(client.call, "GetQueueAttributes", {"QueueName": queue}, about=queue, read=_data)
    try:
        return allowed("mns:GetQueueAttributes", ask)
    except NotFoundError:
        return None


def _change(
    client: MnsControlClient,
    action: str,
    queue: str,
    attributes: Mapping[str, int],
    tag: Mapping[str, str] | None = None,
) -> Change:
    values = {name: str(value) for name, value in attributes.items()}
    query = {"QueueName": queue, **values, **(tag or {})}
    shown = " ".join((action, queue, *(f"{name}={value}" for name, value in values.items())))
    return Change(f"mns:{action}", shown, partial(client.call, action, query, about=queue, read=lambda body: body))


def _data(response: JsonObject) -> JsonObject:
    found = response.get("Data")
    return found if isinstance(found, dict) else {}


def _number(attributes: JsonObject, name: str) -> int:
    value = attributes.get(name)
    return value if isinstance(value, int) else 0


def _is_ours(attributes: JsonObject) -> bool:
    tags = attributes.get("Tags")
    return any(
        isinstance(tag, dict) and (tag.get("TagKey"), tag.get("TagValue")) == (_TAG, MADE_BY_US)
        for tag in (tags if isinstance(tags, list) else [])
    )
