"""Selection of parked events: the events in the stores that the filters admit and the arguments name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import click

from ice_result.app import open_parking_stores
from ice_result.cli.inputs import SECONDS, read_since
from ice_result.cli.output import print_error, printable
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import valid_text
from ice_result.errors import IceResultError
from ice_result.maintenance.listing import ParkedEntry, list_parked
from ice_result.settings import PARKING, Settings
from ice_result.sinks.object.layout import file_name
from ice_result.sinks.parked_events import DEAD
from ice_result.triggers import without_blanks

T = TypeVar("T", bound=Callable[..., int])


@dataclass(frozen=True)
class ParkedFilter:
    """Filter of parked events, which admits all by default. `names` are keys, addresses or job ids."""

    names: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    since: datetime | None = None
    dead: bool = True

    def admits(self, entry: ParkedEntry) -> bool:
        """Return True for an event that passes every filter, and that one of the names means."""
        return (
            (self.dead or entry.reason != DEAD)
            and (self.since is None or entry.written >= self.since)
            and (not self.names or any(_means(name, entry) for name in self.names))
        )


@dataclass(frozen=True)
class Selection:
    """Selected events, the oldest first. `whole` is false when a store could not be read or a name was not found."""

    entries: list[ParkedEntry]
    whole: bool

    def counts(self) -> str:
        """Return the number of events, in all and by reason."""
        by_reason = Counter(entry.reason for entry in self.entries)
        counted = ", ".join(f"{number} {printable(reason)}" for reason, number in sorted(by_reason.items()))
        return f"{len(self.entries)} parked{': ' if counted else ''}{counted}"


def filters(command: T) -> T:
    """Add the filter options to a command."""
    options = (
        click.option(
            "--reason", "reasons", metavar="REASON", multiple=True, help="Only events parked for this reason."
        ),
        click.option("--since", callback=read_since, metavar="TIME", help="Only events parked since: as for `list`."),
        click.option(
            "--sink", "sinks", metavar="URL", multiple=True, help="Read this store, in place of all that park."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def select(sinks: Sequence[str], wanted: ParkedFilter) -> Selection:
    """Select events in the stores. A name that is not found, and a store that cannot be read, are printed as errors."""
    stores = open_parking_stores(Settings.from_environment(parking_environment(sinks), PARKING), Credentials())
    found: list[ParkedEntry] = []
    whole = True
    for store in stores:
        try:
            with time_limit(Deadline.after(SECONDS)):
                found += list_parked([store], frozenset(wanted.reasons) or None)
        except IceResultError as error:
            print_error(str(error))
            whole = False
    found.sort(key=lambda entry: (entry.written, entry.key))
    unknown = [name for name in wanted.names if not any(_means(name, entry) for entry in found)]
    for name in unknown:
        print_error(f"no parked event {valid_text(name)} in {', '.join(store.url for store in stores)}")
    entries = [entry for entry in found if wanted.admits(entry)]
    if spared := sum(map(replace(wanted, dead=True).admits, found)) - len(entries):
        print_error(f"{spared} dead left alone: see --dead")
    return Selection(entries, whole and not unknown)


def parking_environment(sinks: Sequence[str]) -> dict[str, str]:
    """Return the environment with these stores in place of all that park."""
    if not sinks:
        return {**os.environ}
    return {**os.environ, "ICE_RESULT_SINKS": ",".join(sinks), "ICE_RESULT_PARK_URL": ""}


def _means(name: str, entry: ParkedEntry) -> bool:
    """Return True when the name is the key, an address that ends in the key, or the job id."""
    name = without_blanks(valid_text(name))
    return name == entry.key or name.endswith(f"/{entry.key}") or entry.key.rpartition("/")[2] == file_name(name)
