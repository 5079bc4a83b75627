"""Which parked events a command is about: those of its stores that its filters admit and its arguments name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import click

from ice_result.app import open_parking_stores
from ice_result.cli.inputs import SECONDS
from ice_result.cli.jobs_list import read_since
from ice_result.cli.output import printable
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import valid_text
from ice_result.errors import IceResultError
from ice_result.maintenance import Kept, kept
from ice_result.settings import PARKING, Settings
from ice_result.sinks.object.layout import file_name
from ice_result.sinks.parked_events import DEAD, ParkedEvents
from ice_result.triggers import without_blanks

T = TypeVar("T", bound=Callable[..., int])


@dataclass(frozen=True)
class Wanted:
    """What was asked for: nothing given means all. `names` are keys, addresses or job ids."""

    names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    since: datetime | None = None
    dead: bool = True

    def admits(self, each: Kept) -> bool:
        """Whether the filters let it through, and it is one of those named if any are."""
        return (
            (self.dead or each.reason != DEAD)
            and (self.since is None or each.written >= self.since)
            and (not self.names or any(_names(name, each) for name in self.names))
        )


@dataclass(frozen=True)
class Choice:
    """What was found, that parked longest ago first. `whole` unless a store could not be read or a name found."""

    found: list[Kept]
    whole: bool

    def counts(self) -> str:
        """How many there are, in all and by reason."""
        by_reason = Counter(each.reason for each in self.found)
        counted = ", ".join(f"{number} {printable(reason)}" for reason, number in sorted(by_reason.items()))
        return f"{len(self.found)} parked{': ' if counted else ''}{counted}"


def filters(command: T) -> T:
    """The options that all of these commands have."""
    options = (
        click.option("--reason", "reasons", metavar="REASON", multiple=True, help="Only those parked for this reason."),
        click.option("--since", callback=read_since, metavar="TIME", help="Only those parked since: as for `list`."),
        click.option("--sink", "sinks", metavar="URL", multiple=True, help="Where to look, in place of all that park."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def choose(sinks: Sequence[str], wanted: Wanted) -> Choice:
    """What the stores hold of it; what is missing is told on standard error."""
    parking_stores = open_parking_stores(
        Settings.from_environment(environment_looking_in(sinks), PARKING), Credentials()
    )
    found, whole = _found(parking_stores, frozenset(wanted.reasons) or None)
    unknown = [name for name in wanted.names if not any(_names(name, each) for each in found)]
    for name in unknown:
        urls = ", ".join(store.url for store in parking_stores)
        complain(f"no parked event {printable(valid_text(name))} in {printable(urls)}")
    chosen = [each for each in found if wanted.admits(each)]
    if spared := sum(map(replace(wanted, dead=True).admits, found)) - len(chosen):
        complain(f"{spared} dead left alone: see --dead")
    return Choice(chosen, whole and not unknown)


def environment_looking_in(sinks: Sequence[str]) -> dict[str, str]:
    """The environment with these stores in place of all that park."""
    if not sinks:
        return {**os.environ}
    return {**os.environ, "ICE_RESULT_SINKS": ",".join(sinks), "ICE_RESULT_PARK_URL": ""}


def complain(line: str) -> None:
    """Tell what did not go well, without ending."""
    click.echo(f"ice-result: {line}", err=True)


def _found(parking_stores: Iterable[ParkedEvents], reasons: frozenset[str] | None) -> tuple[list[Kept], bool]:
    found: list[Kept] = []
    whole = True
    for parking_store in parking_stores:
        try:
            with time_limit(Deadline.after(SECONDS)):
                found += kept([parking_store], reasons)
        except IceResultError as error:
            complain(printable(str(error)))
            whole = False
    return sorted(found, key=lambda each: (each.written, each.key)), whole


def _names(name: str, each: Kept) -> bool:
    """Whether it is the key, the address that ends in it, or the job id."""
    name = without_blanks(valid_text(name))
    return name == each.key or name.endswith(f"/{each.key}") or each.key.rpartition("/")[2] == file_name(name)
