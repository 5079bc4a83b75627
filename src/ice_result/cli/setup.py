"""`setup` and `teardown`: what a deployment needs in the account, beside what `s deploy` makes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ice_result.cli.options import environment_of_deployment, region
from ice_result.cli.output import print_error
from ice_result.core.deadline import Deadline, time_limit
from ice_result.deployment.account import Account
from ice_result.deployment.policy import check_length
from ice_result.deployment.steps import Change, Step, Target, run
from ice_result.errors import IceResultError, KeysRefusedError, shorten
from ice_result.settings import ACCOUNT, EVERYTHING, STORES_AND_PARKING

_SECONDS = 120.0  # for one thing
_IN_STORES = {"bucket", "tables"}
_IN_THE_ACCOUNT = {"queues", "callback"}
_queue = click.option("--queue", metavar="NAME", help="Queue of ICE's events, instead of DEPLOY_QUEUE.")
_yes = click.option("--yes", is_flag=True, help="Make the changes. Without it, they are only shown.")


@click.command(short_help="Create the resources of a deployment.", epilog="Example: ice-result setup --all --yes")
@click.option("--bucket", is_flag=True, help="Create the buckets of oss: sinks.")
@click.option("--queues", is_flag=True, help="Create the queue for ICE's events and the queue for dead letters.")
@click.option("--role", is_flag=True, help="Create the function's role, with the policy that `policy` prints.")
@click.option("--tables", is_flag=True, help="Create the tables of ots: and sqlite: sinks.")
@click.option("--callback", is_flag=True, help="Send ICE's events to the queue, or to ICE_RESULT_CALLBACK_URL.")
@click.option(
    "--all", "everything", is_flag=True, help="All of these except the callback, which other programs may use."
)
@click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Prepare this store instead of those of ICE_RESULT_SINKS."
)
@region
@_queue
@click.option(
    "--output-bucket",
    "output_buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket that ICE writes files to, instead of DEPLOY_OUTPUT_BUCKETS. The role may read it.",
)
@click.option(
    "--input-bucket",
    "input_buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket with the input files of jobs, instead of DEPLOY_INPUT_BUCKETS. The role may read it.",
)
@_yes
def setup(
    *,
    everything: bool,
    sinks: tuple[str, ...],
    region: str | None,
    queue: str | None,
    output_buckets: tuple[str, ...],
    input_buckets: tuple[str, ...],
    yes: bool,
    **chosen: bool,
) -> int:
    """Create what a deployment needs: buckets, queues, the role, tables, and ICE's callback.

    Each resource is read before it is changed. The names come from the DEPLOY_ variables of s.yaml. Without a target,
    the command shows the state of all resources. A second run changes nothing.

    Exit status: 0 when everything exists or was created, 1 otherwise, 2 for wrong usage.
    """
    wanted = {name for name, is_chosen in chosen.items() if is_chosen or (everything and name != "callback")}
    if yes and not wanted:
        raise click.UsageError("--yes needs a target: --bucket, --queues, --role, --tables, --callback or --all")
    wanted = wanted or {*chosen}
    section = ACCOUNT if wanted <= _IN_THE_ACCOUNT else STORES_AND_PARKING if wanted <= _IN_STORES else EVERYTHING
    account = Account(environment_of_deployment(sinks, queue, output_buckets, input_buckets, region=region), section)
    targets = [*account.needs({*wanted, "account"}, write=yes)]
    if "role" in wanted:
        check_length(account.policy)
        for note in account.notes():
            print_error(note)
    return _run(targets, write=yes, if_nothing="nothing to create: these sinks need no bucket and no table")


@click.command(short_help="Remove what setup created.", epilog="Example: ice-result teardown, and then with --yes")
@region
@_queue
@_yes
def teardown(*, region: str | None, queue: str | None, yes: bool) -> int:
    """Remove what setup created: the callback's event types, empty queues, the policy and the role.

    Resources that setup did not create are kept, and so are buckets, tables and records. Run `s remove` first: it
    removes the function.

    Exit status: 0 when nothing that setup created is left, 1 otherwise, 2 for wrong usage.
    """
    targets = [*Account(environment_of_deployment((), queue, region=region), ACCOUNT).removals(write=yes)]
    nothing = "nothing that setup created is left under these names"
    return _run(targets, write=yes, removing=True, if_nothing=nothing)


def _run(targets: Sequence[tuple[str, Target]], *, write: bool, if_nothing: str, removing: bool = False) -> int:
    """Show the steps of each target, and with `write` make their changes. Returns the exit status.

    Nothing else is done when the keys are refused, or the account is not known.
    """
    shown = failed = is_open = False
    for name, target in targets:
        try:
            with time_limit(Deadline.after(_SECONDS)):
                for item in run(target, write=write):
                    shown |= name != "account"
                    if isinstance(item, Step):
                        is_open |= bool(item.changes) and not write
                        failed |= item.state == "blocked"
                        _show_step(item, removing=removing)
                    else:
                        _show_change(item, write=write)
        except IceResultError as error:
            failed = True
            print_error(f"{name}: {error}")
            if name == "account" or isinstance(error, KeysRefusedError):
                break
    if is_open:
        click.echo("nothing was changed; add --yes to make these changes")
    elif not shown and not failed:
        click.echo(if_nothing)
    return 1 if failed or is_open else 0


def _show_step(step: Step, *, removing: bool) -> None:
    state = "to remove" if removing and step.changes else step.state
    click.echo(f"{state:<9} {shorten(step.thing)}{f' ({shorten(step.note)})' if step.note else ''}")


def _show_change(change: Change, *, write: bool) -> None:
    permission = f"  [{change.permission}]" if change.permission else ""
    click.echo(f"          {'calls' if write else 'would call'} {shorten(change.shown)}{permission}")
