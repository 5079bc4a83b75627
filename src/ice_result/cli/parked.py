"""`parked list`, `show`, `retry` and `discard`: events that could not be finished, and what to do about them."""

from __future__ import annotations

from datetime import datetime

import click

from ice_result.calls import Deadline
from ice_result.cli.looking_up import SECONDS
from ice_result.cli.parked_choice import Wanted, choose, complain, filters
from ice_result.cli.parked_discard import discard_parked
from ice_result.cli.parked_lines import show_lines
from ice_result.cli.parked_retry import retry_parked
from ice_result.cli.parked_show import show_parked
from ice_result.upkeep import read_each


@click.group()
def parked() -> None:
    """Events that could not be finished: see them, try them again, or remove them."""


@parked.command(name="list")
@filters
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many events.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per event.")
def list_parked(
    *, reasons: tuple[str, ...], since: datetime | None, sinks: tuple[str, ...], limit: int, as_json: bool
) -> int:
    """List parked events, that parked longest ago first, and count them by reason (`dead` ones apart).

    Exit status: 0 when all stores could be read, 1 otherwise, 2 for usage.
    """
    choice = choose(sinks, Wanted(reasons=reasons, since=since))
    show_lines(read_each(choice.found[:limit], Deadline.after(SECONDS)), as_json=as_json)
    if not as_json:
        click.echo(choice.counts(), err=True)
    if len(choice.found) > limit:
        complain(f"there are more than these {limit}: see --limit, --reason and --since")
    return 0 if choice.whole else 1


for _command in (show_parked, retry_parked, discard_parked):
    parked.add_command(_command)
