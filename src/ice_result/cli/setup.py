"""`setup`: tables and the callback setting of ICE, which must exist before the first job."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import click

from ice_result.app import ice_client, sink_context
from ice_result.cli.inputs import environment_with
from ice_result.cli.output import print_error
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.errors import IceResultError, shorten
from ice_result.jobs.event_callback import CallbackSetting, read_callback, write_callback
from ice_result.settings import STORES, Settings
from ice_result.sinks import open_sink

_SECONDS = 60.0
_TABLE_STATES = {"present": "is there", "created": "created", "missing": "would be created"}
_QUEUE = re.compile(r"ice-callback-[A-Za-z0-9-]{1,107}")
_KEY = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[\x21-\x7e]{1,32}")
_LONGEST_URL = 256


def _set_up_callback(queue: str | None, *, write: bool) -> None:
    """Show the change of the callback setting, and with `write` make it."""
    # The sinks do not matter here, and may not be decided yet.
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
        click.echo(f"  no event will go to {shorten(present.target)} any more: its readers get none")
    if write:
        with time_limit(Deadline.after(_SECONDS)):
            write_callback(client, wanted)
        click.echo("written")
    else:
        click.echo("nothing is written: add --yes")


def _wanted(present: CallbackSetting, settings: Settings, queue: str | None) -> CallbackSetting:
    """Return the setting with our target, and with our event types added to the present ones."""
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
        before = f"{present.type} {shorten(present.target)}" if present.target else "nothing"
        yield f"target: {before} → {wanted.type} {shorten(wanted.target or '')}"
    if added := [name for name in wanted.event_types if name not in present.event_types]:
        before = ", ".join(present.event_types) or "none"
        yield f"event types: {shorten(before)}; and now {shorten(', '.join(added))}"
    if wanted.type == "HTTP" and (present.auth_switch, present.auth_key) != (wanted.auth_switch, wanted.auth_key):
        replaced = "another key" if present.auth_switch == "on" and not moves else "on"
        yield f"signature: {replaced}, with the first of ICE_RESULT_CALLBACK_KEYS"


@click.command()
@click.option("--tables", is_flag=True, help="Create the tables of every ots: and sqlite: sink.")
@click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Prepare these sinks, in place of ICE_RESULT_SINKS."
)
@click.option("--callback", is_flag=True, help="Show the target of ICE's events; with --yes, set it.")
@click.option("--queue", metavar="NAME", help="Target: this MNS queue, in place of ICE_RESULT_CALLBACK_URL.")
@click.option("--yes", is_flag=True, help="Write the callback setting, in place of the present one.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show the changes.")
def setup(*, tables: bool, sinks: tuple[str, ...], callback: bool, queue: str | None, yes: bool, dry_run: bool) -> int:
    """Create tables, and set the callback of ICE, before the first job.

    Present tables are checked and stay as they are; event types are added to the present ones.

    Exit status: 0 when everything is there or was created, 1 otherwise, 2 for usage.
    """
    if not tables and not callback:
        raise click.UsageError("nothing to do: expected --tables or --callback")
    if (queue or yes) and not callback:
        raise click.UsageError("--queue and --yes belong to --callback")
    if callback:
        _set_up_callback(queue, write=yes and not dry_run)
    return _set_up_tables(sinks, dry_run=dry_run) if tables else 0


def _set_up_tables(sinks: tuple[str, ...], *, dry_run: bool) -> int:
    """Prepare the tables of each sink, and print their states. Returns the exit status."""
    settings = Settings.from_environment(environment_with(sinks), STORES)
    context = sink_context(settings, Credentials())
    status = 0
    for url in dict.fromkeys(settings.sinks):
        sink = open_sink(url, context)
        if sink.capabilities.keeps != "tables":
            click.echo(f"{url}: has no tables, nothing to do")
            continue
        try:
            with time_limit(Deadline.after(_SECONDS)):
                tables = sink.prepare(dry_run=dry_run)
        except IceResultError as error:
            print_error(str(error))
            status = 1
            continue
        for table, state in tables:
            click.echo(f"{url}: {table} {_TABLE_STATES[state]}")
    return status
