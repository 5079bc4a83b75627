"""`setup`: what must be there before the first job, made once by somebody who may."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import click

from ice_result.app import ice_client, sink_context
from ice_result.cli.inputs import environment_with
from ice_result.cli.output import printable
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError, shorten
from ice_result.jobs import CallbackSetting, read_callback, write_callback
from ice_result.settings import STORES, Settings
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.registry import SinkUrl

_SECONDS = 60.0
_QUEUE = re.compile(r"ice-callback-[A-Za-z0-9-]{1,107}")
_KEY = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[\x21-\x7e]{1,32}")
_LONGEST_URL = 256


def set_up_callback(queue: str | None, *, write: bool) -> None:
    """Show the change, and make it when told to. Raises UsageError, SettingsError, or a ServiceError."""
    # Where records go does not matter here, and may not be decided yet.
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "file:.", **os.environ})
    client = ice_client(settings, Credentials())
    with time_limit(Deadline.after(_SECONDS)):
        present = read_callback(client)
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
        with time_limit(Deadline.after(_SECONDS)):
            write_callback(client, wanted)
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


_SECONDS_PER_SINK = 60.0
_WORDS = {"present": "is there", "created": "created", "missing": "would be created"}


@click.command()
@click.option("--tables", is_flag=True, help="Make the tables of every ots: and sqlite: sink.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Which sinks, in place of ICE_RESULT_SINKS.")
@click.option("--callback", is_flag=True, help="Show where ICE sends its events, and with --yes, send ours to us.")
@click.option("--queue", metavar="NAME", help="Send them to this MNS queue, in place of ICE_RESULT_CALLBACK_URL.")
@click.option("--yes", is_flag=True, help="Write the callback, which takes the place of the present one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def setup(*, tables: bool, sinks: tuple[str, ...], callback: bool, queue: str | None, yes: bool, dry_run: bool) -> int:
    """Make what is needed before the first job: tables, and ICE's callback.

    What is there already is checked, and left as it is or merged.
    Exit status: 0 when all is there or could be made, 1 otherwise, 2 for usage.
    """
    if not tables and not callback:
        raise click.UsageError("nothing to do: expected --tables or --callback")
    if (queue or yes) and not callback:
        raise click.UsageError("--queue and --yes belong to --callback")
    if callback:
        set_up_callback(queue, write=yes and not dry_run)
    return _set_up_tables(sinks, dry_run=dry_run) if tables else 0


def _set_up_tables(sinks: tuple[str, ...], *, dry_run: bool) -> int:
    settings = Settings.from_environment(environment_with(sinks), STORES)
    context = sink_context(settings, Credentials())
    done = [_prepare(url, context, dry_run=dry_run) for url in dict.fromkeys(settings.sinks)]
    return 0 if all(done) else 1


def _prepare(url: SinkUrl, context: SinkContext, *, dry_run: bool) -> bool:
    """Prepare one sink and say so; False, with the reason on standard error, when that failed."""
    sink = open_sink(url, context)
    if sink.capabilities.keeps != "tables":
        click.echo(f"{url}: has no tables, nothing to do")
        return True
    try:
        with time_limit(Deadline.after(_SECONDS_PER_SINK)):
            tables = sink.prepare(dry_run=dry_run)
    except IceResultError as error:
        click.echo(f"ice-result: {error}", err=True)
        return False
    for table, state in tables:
        click.echo(f"{url}: {table} {_WORDS[state]}")
    return True
