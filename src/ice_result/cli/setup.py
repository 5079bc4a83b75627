"""`setup` and `teardown`: what a deployment needs in the account, beside what `s deploy` makes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import click

from ice_result.app import ice_client, mns_control_client, ram_client, sink_context
from ice_result.cli.inputs import environment_with
from ice_result.cli.output import print_error
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.deployment.buckets import bucket_steps
from ice_result.deployment.callback import callback_step, removal_step, wanted_target
from ice_result.deployment.names import Names
from ice_result.deployment.policy import TRUST_POLICY, function_policy
from ice_result.deployment.queues import queue_steps, removal_steps
from ice_result.deployment.role import Role
from ice_result.deployment.steps import Step, Target, make
from ice_result.deployment.tables import table_steps
from ice_result.errors import IceResultError, shorten
from ice_result.settings import Settings

_SECONDS = 120.0  # for one target
_sinks = click.option("--sink", "sinks", metavar="URL", multiple=True, help="Use these, not ICE_RESULT_SINKS.")
_queue = click.option("--queue", metavar="NAME", help="Queue of ICE's events, in place of DEPLOY_QUEUE.")
_yes = click.option("--yes", is_flag=True, help="Make the changes; without it they are only shown.")


class _Account(NamedTuple):
    """Names, settings and keys of one run."""

    names: Names
    settings: Settings
    credentials: Credentials
    queue: str | None

    @classmethod
    def read(cls, sinks: tuple[str, ...], queue: str | None, output_buckets: tuple[str, ...]) -> _Account:
        """Read the environment and the options. Raises SettingsError."""
        environment = {"ICE_RESULT_SINKS": "file:.", **environment_with(sinks)}
        region = environment.get("DEPLOY_REGION") or environment.get("ICE_RESULT_REGION", "")
        settings = Settings.from_environment({**environment, "ICE_RESULT_REGION": region})
        options = {"DEPLOY_QUEUE": queue or "", "DEPLOY_OUTPUT_BUCKETS": ",".join(output_buckets)}
        names = Names.from_environment({**os.environ, **{k: v for k, v in options.items() if v}}, region)
        http = settings.callback_url is not None and queue is None and "DEPLOY_QUEUE" not in environment
        return cls(names, settings, Credentials(), None if http else names.queue)

    def targets(self) -> dict[str, Target]:
        """Return the targets of setup by name, in the order in which they are made."""
        context = sink_context(self.settings, self.credentials)
        document = function_policy(
            self.settings, self.names.output_buckets, self.names.dead_letters, self.names.log_project
        )
        return {
            "bucket": partial(bucket_steps, context, self.settings),
            "queues": lambda: queue_steps(mns_control_client(self.settings, self.credentials), self.names),
            "role": lambda: self._role().set_up(TRUST_POLICY, document),
            "tables": partial(table_steps, context, self.settings),
            "callback": lambda: callback_step(
                ice_client(self.settings, self.credentials), self.settings, wanted_target(self.settings, self.queue)
            ),
        }

    def removals(self) -> dict[str, Target]:
        """Return the targets of teardown by name, in the order in which they are taken away."""
        return {
            "callback": lambda: removal_step(
                ice_client(self.settings, self.credentials), self.settings, wanted_target(self.settings, self.queue)
            ),
            "queues": lambda: removal_steps(mns_control_client(self.settings, self.credentials), self.names),
            "role": lambda: self._role().take_down(),
        }

    def _role(self) -> Role:
        return Role(ram_client(self.settings, self.credentials), self.names.role)


@click.command()
@click.option("--bucket", is_flag=True, help="The buckets of oss: sinks.")
@click.option("--queues", is_flag=True, help="The queue of ICE's events, and that of dead letters.")
@click.option("--role", is_flag=True, help="The function's role, with the policy that `ice-result policy` prints.")
@click.option("--tables", is_flag=True, help="The tables of ots: and sqlite: sinks.")
@click.option("--callback", is_flag=True, help="ICE's events into the queue, or to ICE_RESULT_CALLBACK_URL.")
@click.option("--all", "everything", is_flag=True, help="All of these but the callback, which others may use.")
@_sinks
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
    account = _Account.read(sinks, queue, output_buckets)
    targets = account.targets()
    wanted = {name for name in targets if chosen[name] or (everything and name != "callback")}
    if yes and not wanted:
        raise click.UsageError("--yes needs a target: expected --all, --callback or another one")
    return _run({name: targets[name] for name in targets if not wanted or name in wanted}, write=yes)


@click.command()
@_queue
@_yes
def teardown(*, queue: str | None, yes: bool) -> int:
    """Take away what setup made: the callback's event types, empty queues, the policy and the role.

    What setup did not make stays, and so do buckets, tables and records. `s remove` takes the function away; run it
    before.

    Exit status: 0 when nothing of setup is left or was taken away, 1 otherwise, 2 for usage.
    """
    return _run(_Account.read((), queue, ()).removals(), write=yes, removing=True)


def _run(targets: Mapping[str, Target], *, write: bool, removing: bool = False) -> int:
    """Show the steps of each target, and with `write` make their changes. Returns the exit status."""
    failed = open_changes = False
    for name, target in targets.items():
        try:
            with time_limit(Deadline.after(_SECONDS)):
                for step in target():
                    open_changes |= bool(step.changes) and not write
                    _show(step, write=write, removing=removing)
        except IceResultError as error:
            failed = True
            print_error(f"{name}: {error}")
    if open_changes:
        click.echo("nothing is changed: add --yes")
    return 1 if failed or (open_changes and not removing) else 0


def _show(step: Step, *, write: bool, removing: bool) -> None:
    state = "to remove" if removing and step.changes else step.state
    click.echo(f"{state:<9} {step.thing}{f' ({shorten(step.note)})' if step.note else ''}")
    for change in make(step) if write else step.changes:
        click.echo(f"          {'calls' if write else 'would call'} {change.shown}  [{change.permission}]")
