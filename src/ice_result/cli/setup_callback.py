"""`setup --callback`: where ICE sends its events. One setting serves the whole account in a region, so it is merged.

What is there now is shown beside what it would be; nothing is written without --yes, and no AuthKey is ever shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import click

from ice_result.assembly import ice_client
from ice_result.calls import Deadline
from ice_result.cli.console import printable
from ice_result.credentials import Credentials
from ice_result.errors import shorten
from ice_result.jobs import CallbackSetting, read_callback, write_callback
from ice_result.settings import Settings

_SECONDS = 60.0
_QUEUE = re.compile(r"ice-callback-[A-Za-z0-9-]{1,107}")
_KEY = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[\x21-\x7e]{1,32}")
_LONGEST_URL = 256


def set_up_callback(queue: str | None, *, write: bool) -> None:
    """Show the change, and make it when told to. Raises UsageError, SettingsError, or a ServiceError."""
    # Where records go does not matter here, and may not be decided yet.
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "file:.", **os.environ})
    client = ice_client(settings, Credentials())
    present = read_callback(client, Deadline.after(_SECONDS))
    wanted = _wanted(present, settings, queue)
    changes = [*_changes(present, wanted)]
    click.echo(f"callback of {client.where}: {'as it should be' if not changes else ''}".rstrip(": "))
    for line in changes:
        click.echo(f"  {line}")
    if not changes:
        return
    if present.target and present.target != wanted.target:
        click.echo(f"  no event will go to {_shown(present.target)} any more: whoever reads there gets none")
    if write:
        write_callback(client, wanted, Deadline.after(_SECONDS))
        click.echo("written")
    else:
        click.echo("nothing is written: add --yes")


def _wanted(present: CallbackSetting, settings: Settings, queue: str | None) -> CallbackSetting:
    """The setting with our target, and with our event types added to those that are there."""
    types = (*present.event_types, *settings.triggers.event_types)
    merged = tuple(dict.fromkeys(types))
    if queue is not None:
        if not _QUEUE.fullmatch(queue):
            raise click.UsageError(f"{queue!r} is not a queue ICE can send to: ice-callback-, then letters and digits")
        return CallbackSetting(type="MNS", queue_name=queue, event_types=merged)
    if not settings.callback_url:
        raise click.UsageError(
            "nothing to send events to: expected --queue NAME, or ICE_RESULT_CALLBACK_URL and ICE_RESULT_CALLBACK_KEYS"
        )
    if len(settings.callback_url.encode()) > _LONGEST_URL:
        raise click.UsageError(f"ICE_RESULT_CALLBACK_URL is longer than {_LONGEST_URL} bytes, the most ICE takes")
    key = settings.callback_keys[0]
    if not _KEY.fullmatch(key):
        raise click.UsageError(
            "the first of ICE_RESULT_CALLBACK_KEYS is no AuthKey; expected at most 32 characters, with A-Z, a-z and 0-9"
        )
    return CallbackSetting(type="HTTP", url=settings.callback_url, event_types=merged, auth_switch="on", auth_key=key)


def _changes(present: CallbackSetting, wanted: CallbackSetting) -> Iterator[str]:
    moves = (present.type, present.target) != (wanted.type, wanted.target)
    if moves:
        before = f"{present.type} {_shown(present.target)}" if present.target else "nothing"
        yield f"target: {before} → {wanted.type} {_shown(wanted.target or '')}"
    if added := [name for name in wanted.event_types if name not in present.event_types]:
        kept = ", ".join(present.event_types) or "none"
        yield f"event types: {_shown(kept)}; and now {_shown(', '.join(added))}"
    if wanted.type == "HTTP" and (present.auth_switch, present.auth_key) != (wanted.auth_switch, wanted.auth_key):
        replaced = "another key" if present.auth_switch == "on" and not moves else "on"
        yield f"signature: {replaced}, with the first of ICE_RESULT_CALLBACK_KEYS"


def _shown(text: str) -> str:
    return printable(shorten(text))
