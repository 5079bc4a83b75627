"""The checks of `doctor` for targets of notifications: each is checked, and on request sent a test event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches

from ice_result.cli.checks import Check, failed_check, not_allowed, unopened_store
from ice_result.core.redaction import without_query
from ice_result.deployment.names import Names
from ice_result.deployment.policy import LOOKING
from ice_result.errors import ForbiddenError, IceResultError, SettingsError
from ice_result.jobs import IceClient
from ice_result.jobs.event_callback import read_callback
from ice_result.notify.documents import trial_notification
from ice_result.notify.eventbridge import rules_that_call
from ice_result.notify.model import Target
from ice_result.notify.registry import NotifyContext, open_target
from ice_result.notify.urls import NotifyUrl
from ice_result.results.registry import FUNCTIONS
from ice_result.settings import Settings

_ANOTHER = "send notifications to another queue, topic or URL: this one is read by the function itself"


def own_sources(settings: Settings, names: Names | None, topic: str | None, queue: str | None) -> dict[str, str]:
    """Return what events come to this function from, by the name that a target would have, each with the reason.

    `topic` is the one of an MNS trigger, where there is one, and `queue` the one that events are known to come from.
    """
    sources = {}
    if names:
        sources[f"mns://{names.dead_letters}"] = "it is the queue of dead letters, DEPLOY_DEAD_LETTERS"
    if queue:
        sources[f"mns://{queue}"] = "it is the queue that the function reads"
    if topic:
        sources[f"mns-topic://{topic}"] = "it is the topic that calls the function, DEPLOY_TOPIC"
    if settings.callback_url:
        sources[without_query(settings.callback_url)] = "it is the URL of the function itself, ICE_RESULT_CALLBACK_URL"
    return sources


def queue_of_callback(client: IceClient) -> str | None:
    """Return the queue that ICE sends events to; None when it sends them elsewhere, or when that is not known."""
    with suppress(IceResultError):
        return read_callback(client).queue_name
    return None


def check_target(
    url: NotifyUrl, context: NotifyContext, sources: Mapping[str, str], function: str | None, *, sends: bool
) -> Iterator[Check]:
    """Check that a target is there and is not a source of the function; with `sends`, send it a test event.

    `function` is the name of the function, where it is known: the rules on a bus may call it.
    """
    if reason := sources.get(url.name):
        yield Check(url.name, "failed", f"{reason}: notifications would come back as events", _ANOTHER)
        return
    try:
        target = open_target(url, context)
    except SettingsError as error:
        yield unopened_store(url.name, error)
        return
    looked = _look(url, target)
    yield looked
    yield from _check_functions(url)
    if looked.status == "ok" and function and url.scheme == "eventbridge":
        yield from _check_rules(url, context, function)
    if sends and looked.status != "failed":
        yield _send(target, context.region)


def _check_functions(url: NotifyUrl) -> Iterator[Check]:
    """Warn of filters with a function that this version does not know: ICE may have a new one, or it is misspelt."""
    for name in url.filters.functions:
        if name not in FUNCTIONS:
            near = get_close_matches(name, FUNCTIONS, n=1)
            message = f"{name} is not one of the {len(FUNCTIONS)} known functions"
            remedy = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(FUNCTIONS)}"
            yield Check(f"{url.name} function", "warning", message, remedy)


def _look(url: NotifyUrl, target: Target) -> Check:
    try:
        return Check(url.name, "ok", target.check())
    except ForbiddenError as error:
        return not_allowed(url.name, error, LOOKING[url.scheme])
    except IceResultError as error:
        return failed_check(url.name, error)


def _check_rules(url: NotifyUrl, context: NotifyContext, function: str) -> Iterator[Check]:
    """Warn of rules on a bus that call the function. It ignores its own notifications, but each one costs a call."""
    name = f"{url.name} rules"
    try:
        rules = rules_that_call(function, url, context)
    except ForbiddenError as error:
        yield not_allowed(name, error, "eventbridge:ListRules")
    except IceResultError as error:
        yield failed_check(name, error)
    else:
        if rules:
            message = f"{', '.join(rules)}: calls the function {function}, which ignores its own notifications"
            yield Check(name, "warning", message, "narrow the pattern of the rule to other event types")


def _send(target: Target, region: str | None) -> Check:
    name, notification = f"{target.name} test event", trial_notification(region)
    try:
        target.send(notification)
    except IceResultError as error:
        return failed_check(name, error)
    return Check(name, "ok", f"sent and acknowledged: type {notification.type}, id {notification.id}")
