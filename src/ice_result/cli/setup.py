"""`setup` and `teardown`: what a deployment needs in the account, beside what `s deploy` makes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cached_property, partial

import click

from ice_result.app import ice_client, mns_control_client, queue_at, ram_client, sink_context
from ice_result.cli.inputs import environment_with
from ice_result.cli.output import print_error
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.deployment import callback as callbacks
from ice_result.deployment import queues as queues_of
from ice_result.deployment.buckets import bucket_step, buckets_of
from ice_result.deployment.names import Names
from ice_result.deployment.policy import TRUST_POLICY, function_policy
from ice_result.deployment.role import Role
from ice_result.deployment.steps import Step, Target, make
from ice_result.deployment.tables import table_steps
from ice_result.errors import IceResultError, SettingsError, shorten
from ice_result.jobs.event_callback import CallbackSetting
from ice_result.settings import ACCOUNT, EVERYTHING, STORES_AND_PARKING, Section, Settings
from ice_result.sinks import capabilities_of

_SECONDS = 120.0  # for one thing
_IN_STORES = {"bucket", "tables"}
_IN_THE_ACCOUNT = {"queues", "callback"}
_queue = click.option("--queue", metavar="NAME", help="Queue of ICE's events, in place of DEPLOY_QUEUE.")
_yes = click.option("--yes", is_flag=True, help="Make the changes; without it they are only shown.")


class _Account:
    """The things of a deployment, made of names, settings and options when they are asked for."""

    def __init__(self, environment: Mapping[str, str], section: Section) -> None:
        """Read the settings, and the names unless stores alone are asked for. Raises SettingsError."""
        self._environment = environment
        if section is not STORES_AND_PARKING:
            self._names  # noqa: B018
        self._settings = Settings.from_environment(environment, section)
        self._credentials = Credentials()
        self._context = sink_context(self._settings, self._credentials)

    @cached_property
    def _names(self) -> Names:
        return Names.from_environment(self._environment)

    def needs(self, wanted: set[str]) -> Iterator[tuple[str, Target]]:
        """Yield the targets of setup, each with its name for messages, in the order in which they are made."""
        settings, context = self._settings, self._context
        if "bucket" in wanted:
            for bucket in buckets_of(settings):
                yield f"bucket {bucket}", partial(bucket_step, context, bucket)
        if "queues" in wanted:
            client, names = mns_control_client(settings, self._credentials), self._names
            yield f"queue {names.queue}", partial(queues_of.event_queue_step, client, names.queue)
            yield f"queue {names.dead_letters}", partial(queues_of.dead_letter_step, client, names.dead_letters)
        if "role" in wanted:
            names = self._names
            document = function_policy(settings, names.output_buckets, names.dead_letters, names.log_project)
            yield f"role {names.role}", partial(self._role().set_up, TRUST_POLICY, document)
        if "tables" in wanted:
            for url in dict.fromkeys(settings.sinks):
                if capabilities_of(url).keeps == "tables":
                    yield str(url), partial(table_steps, context, url)
        if "callback" in wanted:
            client_of_ice = ice_client(settings, self._credentials)
            yield "callback", partial(callbacks.callback_step, client_of_ice, settings, self._target())

    def removals(self) -> Iterator[tuple[str, Target]]:
        """Yield the targets of teardown, in the order in which they are taken away."""
        client_of_ice = ice_client(self._settings, self._credentials)
        yield "callback", partial(callbacks.removal_step, client_of_ice, self._settings, self._target())
        client = mns_control_client(self._settings, self._credentials)
        for queue in (self._names.queue, self._names.dead_letters):
            yield f"queue {queue}", partial(queues_of.removal_step, client, queue, partial(self._has_messages, queue))
        yield f"role {self._names.role}", self._role().take_down

    def _has_messages(self, queue: str) -> bool:
        with closing(queue_at(self._settings, self._credentials, queue, self._names.account_id)) as looked_into:
            return looked_into.has_messages()

    def _role(self) -> Role:
        return Role(ram_client(self._settings, self._credentials), self._names.role)

    def _target(self) -> CallbackSetting:
        """Return the target of events: a queue that is named, or else the callback URL, or else the queue."""
        over_http = self._settings.callback_url is not None and not self._environment.get("DEPLOY_QUEUE")
        return callbacks.wanted_target(self._settings, None if over_http else self._names.queue)


@click.command()
@click.option("--bucket", is_flag=True, help="The buckets of oss: sinks.")
@click.option("--queues", is_flag=True, help="The queue of ICE's events, and that of dead letters.")
@click.option("--role", is_flag=True, help="The function's role, with the policy that `ice-result policy` prints.")
@click.option("--tables", is_flag=True, help="The tables of ots: and sqlite: sinks.")
@click.option("--callback", is_flag=True, help="ICE's events into the queue, or to ICE_RESULT_CALLBACK_URL.")
@click.option("--all", "everything", is_flag=True, help="All of these but the callback, which others may use.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Use these, not ICE_RESULT_SINKS.")
@_queue
@click.option("--output-bucket", "output_buckets", metavar="NAME", multiple=True, help="Bucket that ICE writes to.")
@_yes
def setup(
    *,
    everything: bool,
    sinks: tuple[str, ...],
    queue: str | None,
    output_buckets: tuple[str, ...],
    yes: bool,
    **chosen: bool,
) -> int:
    """Make what a deployment needs: buckets, queues, the role, tables, and ICE's callback.

    Each thing is read first. The names come from the DEPLOY_ variables of s.yaml. Without a target, the state of all of
    them is shown. Run again, it changes nothing.

    Exit status: 0 when everything is there or was made, 1 otherwise, 2 for usage.
    """
    wanted = {name for name, is_chosen in chosen.items() if is_chosen or (everything and name != "callback")}
    if yes and not wanted:
        raise click.UsageError("--yes needs a target: expected --all, --callback or another one")
    wanted = wanted or {*chosen}
    section = ACCOUNT if wanted <= _IN_THE_ACCOUNT else STORES_AND_PARKING if wanted <= _IN_STORES else EVERYTHING
    named = {"DEPLOY_QUEUE": queue, "DEPLOY_OUTPUT_BUCKETS": ",".join(output_buckets)}
    environment = environment_with(sinks) | {name: text for name, text in named.items() if text}
    return _run(_Account(environment, section).needs(wanted), write=yes)


@click.command()
@_queue
@_yes
def teardown(*, queue: str | None, yes: bool) -> int:
    """Take away what setup made: the callback's event types, empty queues, the policy and the role.

    What setup did not make stays, and so do buckets, tables and records. Run `s remove` before: it takes the function
    away.

    Exit status: 0 when nothing of setup is left or it was taken away, 1 otherwise, 2 for usage.
    """
    environment = {**os.environ, "DEPLOY_QUEUE": queue} if queue else os.environ
    return _run(_Account(environment, ACCOUNT).removals(), write=yes, removing=True)


def _run(targets: Iterator[tuple[str, Target]], *, write: bool, removing: bool = False) -> int:
    """Show the steps of each target, and with `write` make their changes. Returns the exit status."""
    failed = is_open = False
    for name, target in targets:
        try:
            with time_limit(Deadline.after(_SECONDS)):
                for step in target():
                    is_open |= bool(step.changes) and not write
                    failed |= step.state == "blocked"
                    _show(step, write=write, removing=removing)
        except SettingsError:
            raise
        except IceResultError as error:
            failed = True
            print_error(f"{name}: {error}")
    if is_open:
        click.echo("nothing is changed: add --yes")
    return 1 if failed or is_open else 0


def _show(step: Step, *, write: bool, removing: bool) -> None:
    state = "to remove" if removing and step.changes else step.state
    click.echo(f"{state:<9} {step.thing}{f' ({shorten(step.note)})' if step.note else ''}")
    for change in make(step) if write else step.changes:
        click.echo(f"          {'calls' if write else 'would call'} {change.shown}  [{change.permission}]")
