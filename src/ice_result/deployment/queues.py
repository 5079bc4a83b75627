"""The two queues: one for ICE's events, which the trigger reads, and one for what fails for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from ice_result.core.types import JsonObject
from ice_result.deployment.clients import MnsControlClient
from ice_result.deployment.names import other_owner
from ice_result.deployment.steps import Change, InUseError, Step, allowed
from ice_result.errors import InvalidResponseError, NotFoundError, SettingsError, shorten

_TAG = "made-by"
VISIBILITY_SECONDS = 300
"""A message that the trigger has taken comes back after this time: twice the function's timeout, and more."""
RETENTION_SECONDS = 604_800
"""Seven days, the longest that MNS keeps a message [documented]."""


class Queues:
    """Queues of a region, by the control of MNS. `mark` is the tag on those that setup makes."""

    def __init__(self, client: MnsControlClient, mark: str) -> None:
        self._client = client
        self._mark = mark

    def problem_with(self, queue: str, *, may_be_missing: bool) -> str | None:
        """Return the reason why ICE's events must not go to a queue, if there is one."""
        found = self._attributes(queue)
        if found is None:
            problem = f"there is no queue {queue}: create it first, with `ice-result setup --queues --yes`"
            return None if may_be_missing else problem
        owner = other_owner(_made_by(found), self._mark)
        return owner and f"the queue {queue} was made for {owner}: choose another name, with DEPLOY_QUEUE"

    def other_owner(self, queue: str) -> str | None:
        """Return the region and function that setup made a queue for, if it is another one."""
        return other_owner(_made_by(self._attributes(queue) or {}), self._mark)

    def event_step(self, queue: str) -> Iterator[Step]:
        """Yield the step for the queue of events."""
        wanted = {"VisibilityTimeout": VISIBILITY_SECONDS, "MessageRetentionPeriod": RETENTION_SECONDS}
        yield self._step(queue, wanted, "DEPLOY_QUEUE")

    def dead_letter_step(self, queue: str) -> Iterator[Step]:
        """Yield the step for the queue of dead letters."""
        yield self._step(queue, {"MessageRetentionPeriod": RETENTION_SECONDS}, "DEPLOY_DEAD_LETTERS")

    def removal_step(
        self, queue: str, has_messages: Callable[[], bool], types_sent_to_it: Callable[[], Sequence[str]]
    ) -> Iterator[Step]:
        """Yield the step that removes a queue, if setup made it and nobody needs it; none when it is not there.

        A queue is removed with its messages, so MNS is asked twice. The counts among the attributes also count
        messages that a reader has taken, but are to become 0 for every queue [documented];
        `has_messages` looks for one.
        """
        thing, found = f"queue {queue}", self._attributes(queue)
        if found is None:
            return
        waiting = sum(_number(found, f"{kind}Messages") for kind in ("Active", "Inactive", "Delay"))
        if _made_by(found) != self._mark:
            yield Step(thing, "kept", note="setup did not make it for this function")
        elif types := types_sent_to_it():
            yield Step(thing, "blocked", note=f"ICE sends {', '.join(types)} to it")
        elif waiting:
            yield Step(thing, "blocked", note=f"messages in it: {waiting}")
        elif problem := _problem_with(has_messages):
            yield Step(thing, "blocked", note=problem)
        else:
            yield Step(thing, "exists", (self._change("DeleteQueue", queue, {}),))

    def _step(self, queue: str, wanted: Mapping[str, int], variable: str) -> Step:
        """Return the step for one queue. Attributes with a higher value than is wanted stay.

        Raises InUseError for a queue that setup has made for another function: two streams would share its events.
        """
        found = self._attributes(queue)
        if found is None:
            tag = {"Tag.1.Key": _TAG, "Tag.1.Value": self._mark}
            return Step(f"queue {queue}", "missing", (self._change("CreateQueue", queue, wanted, tag),))
        if owner := other_owner(_made_by(found), self._mark):
            raise InUseError(f"it was made for {owner}: choose another name, with {variable}")
        short = {name: value for name, value in wanted.items() if _number(found, name) < value}
        if not short:
            return Step(f"queue {queue}", "exists")
        note = ", ".join(f"{name} is {_number(found, name)}" for name in short)
        return Step(f"queue {queue}", "differs", (self._change("SetQueueAttributes", queue, short),), note)

    def _attributes(self, queue: str) -> JsonObject | None:
        """Return the attributes of a queue; None when it is not there."""
        ask = partial(self._client.call, "GetQueueAttributes", {"QueueName": queue}, about=queue, read=_data)
        try:
            return allowed("mns:GetQueueAttributes", ask)
        except NotFoundError:
            return None

    def _change(
        self, action: str, queue: str, attributes: Mapping[str, int], tag: Mapping[str, str] | None = None
    ) -> Change:
        values = {name: str(value) for name, value in attributes.items()}
        query = {"QueueName": queue, **values, **(tag or {})}
        shown = " ".join((action, queue, *(f"{name}={value}" for name, value in values.items())))
        return Change(f"mns:{action}", shown, partial(self._client.call, action, query, about=queue, read=_succeeded))


def _made_by(attributes: JsonObject) -> str:
    """Return the mark of setup on a queue; none where it is nobody's."""
    tags = attributes.get("Tags")
    values = (
        tag.get("TagValue")
        for tag in (tags if isinstance(tags, list) else [])
        if isinstance(tag, dict) and tag.get("TagKey") == _TAG
    )
    return next((value for value in values if isinstance(value, str)), "")


def _problem_with(has_messages: Callable[[], bool]) -> str | None:
    try:
        return "there are messages in it" if allowed("mns:PeekMessage", has_messages) else None
    except SettingsError as error:
        return f"it cannot be looked into: {error}"


def _succeeded(response: JsonObject) -> JsonObject:
    """Check that an action says that it succeeded: a status of 200 alone does not [documented]."""
    if response.get("Success") is not True:
        raise InvalidResponseError(f"MNS answered {shorten(str(response.get('Message', 'without Success')))}")
    return response


def _data(response: JsonObject) -> JsonObject:
    found = _succeeded(response).get("Data")
    if not isinstance(found, dict):
        raise InvalidResponseError("MNS answered without the attributes of the queue")
    return found


def _number(attributes: JsonObject, name: str) -> int:
    value = attributes.get(name)
    return value if isinstance(value, int) else 0
