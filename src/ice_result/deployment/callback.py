"""ICE's callback: one setting a region, which says where events go and which types of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from ice_result.deployment.steps import Change, Step, allowed
from ice_result.errors import SettingsError, shorten
from ice_result.jobs.client import IceClient
from ice_result.jobs.event_callback import CallbackSetting, read_callback, write_callback
from ice_result.settings import Settings

_KEY = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[\x21-\x7e]{1,32}")
_LONGEST_URL = 256


def target_of(settings: Settings, queue: str | None) -> CallbackSetting:
    """Return the target of events: the queue, or without one the callback URL of the settings."""
    if queue is not None:
        return CallbackSetting(type="MNS", queue_name=queue)
    return CallbackSetting(type="HTTP", url=settings.callback_url)


def wanted_target(settings: Settings, queue: str | None) -> CallbackSetting:
    """Return the target with the key that is to sign the events. Raises SettingsError for what ICE does not take."""
    target = target_of(settings, queue)
    if target.type == "MNS":
        return target
    problems = []
    url, keys = settings.callback_url or "", settings.callback_keys
    if len(url.encode()) > _LONGEST_URL:
        problems.append(("ICE_RESULT_CALLBACK_URL", f"longer than {_LONGEST_URL} bytes, the most ICE takes"))
    if not keys or not _KEY.fullmatch(keys[0]):
        expected = "the first is not an AuthKey; expected at most 32 characters, with A-Z, a-z and 0-9"
        problems.append(("ICE_RESULT_CALLBACK_KEYS", expected))
    if problems:
        raise SettingsError(problems)
    return replace(target, auth_switch="on", auth_key=keys[0])


def callback_step(
    client: IceClient, settings: Settings, target: CallbackSetting, problem_with: Callable[[str], str | None]
) -> Iterator[Step]:
    """Yield the step that sends our event types to the target, beside the types that are sent already.

    `problem_with` says why events must not go to a queue: those to a missing one are lost.
    """
    present = allowed("ice:GetEventCallback", partial(read_callback, client))
    types = tuple(dict.fromkeys((*present.event_types, *settings.triggers.event_types)))
    wanted = replace(target, event_types=types)
    notes = [*_differences(present, wanted)]
    thing = f"callback of {client.where}: {_shown(present)}"
    if target.queue_name and (problem := problem_with(target.queue_name)):
        yield Step(thing, "blocked", note=problem)
        return
    if not notes:
        yield Step(thing, "exists")
        return
    if present.target and present.target != wanted.target:
        notes.append(
            f"events are no longer sent to {shorten(present.target)}: programs that read it get no more events"
        )
    yield Step(thing, "differs" if present.target else "missing", (_set(client, wanted),), "; ".join(notes))


def removal_step(
    client: IceClient, settings: Settings, target: CallbackSetting, other_owner: Callable[[str], str | None]
) -> Iterator[Step]:
    """Yield the step that takes our event types out, while events still go to our target.

    `other_owner` says for which other function a queue was made, if any: its events must not be stopped.
    """
    present = allowed("ice:GetEventCallback", partial(read_callback, client))
    thing = f"callback of {client.where}: {_shown(present)}"
    if present.target is None or not set(present.event_types) & set(settings.triggers.event_types):
        return
    left = types_left(present, settings, target)
    if left == present.event_types:
        yield Step(thing, "kept", note="events are sent to another target")
    elif target.queue_name and (owner := other_owner(target.queue_name)):
        yield Step(thing, "kept", note=f"the queue was made for {owner}")
    else:
        yield Step(thing, "exists", (_set(client, replace(present, event_types=left)),))


def types_left(present: CallbackSetting, settings: Settings, target: CallbackSetting) -> tuple[str, ...]:
    """Return the event types that are still sent once ours are taken out, if they go to our target."""
    if (present.type, present.target) != (target.type, target.target):
        return present.event_types
    return tuple(name for name in present.event_types if name not in settings.triggers.event_types)


def _set(client: IceClient, wanted: CallbackSetting) -> Change:
    types = ", ".join(wanted.event_types) or "no event type"
    shown = f"SetEventCallback {wanted.type} {shorten(wanted.target or '')} for {types}"
    return Change("ice:SetEventCallback", shown, partial(write_callback, client, wanted))


def _differences(present: CallbackSetting, wanted: CallbackSetting) -> Iterator[str]:
    moves = (present.type, present.target) != (wanted.type, wanted.target)
    if moves and present.target:
        yield "events are sent to another target"
    elif moves:
        yield "none is set: ICE sends no events"
    if missing := [name for name in wanted.event_types if name not in present.event_types]:
        yield f"events of type {', '.join(missing)} are not sent"
    if wanted.type == "HTTP" and not moves and (present.auth_switch, present.auth_key) != ("on", wanted.auth_key):
        yield "requests are signed with another key" if present.auth_switch == "on" else "requests are not signed"


def _shown(setting: CallbackSetting) -> str:
    if setting.target is None:
        return "none"
    return f"{setting.type} {shorten(setting.target)} for {shorten(', '.join(setting.event_types)) or 'no event type'}"
