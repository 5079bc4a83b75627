"""Selection of parked events: the options that say which, the stores that are read, and the events that are meant."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from ice_result.app import open_parking_stores
from ice_result.cli.keys import credentials_of_stores
from ice_result.cli.options import SECONDS, Overrides, close_match, options, read_since
from ice_result.cli.output import print_error, printable
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import valid_text
from ice_result.errors import IceResultError, parked_reasons
from ice_result.maintenance.listing import ParkedEntry, list_parked
from ice_result.settings import EVERYTHING, PARKING, Settings
from ice_result.sinks.object.layout import file_name
from ice_result.sinks.parked_model import DEAD
from ice_result.triggers import without_blanks

_REASONS = sorted({DEAD, *parked_reasons()})


def _read_reasons(_context: click.Context, _option: click.Parameter, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Check the values of `--reason`: an unknown one would look as if no event was parked."""
    for reason in reasons:
        if reason not in _REASONS:
            near = close_match(reason, _REASONS)
            hint = f"did you mean {near}? Known" if near else "known"
            problem = f"no event is parked for the reason {valid_text(reason)!r}"
            raise click.BadParameter(f"{problem}; {hint} reasons are {', '.join(_REASONS)}")
    return reasons


def _complete_reason(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    return [reason for reason in _REASONS if reason.startswith(begun)]


other_stores = click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Read this store instead of all that keep parked events."
)
filters = options(
    click.option(
        "--reason",
        "reasons",
        callback=_read_reasons,
        shell_complete=_complete_reason,
        metavar="REASON",
        multiple=True,
        help="Only events parked for this reason.",
    ),
    click.option(
        "--since",
        callback=read_since,
        metavar="TIME",
        help="Only events parked since: 24h, 7d, a date or RFC 3339.",
    ),
    other_stores,
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


def select(
    overrides: Overrides,
    names: Sequence[str] = (),
    reasons: Sequence[str] = (),
    since: datetime | None = None,
    *,
    dead: bool = True,
) -> Selection:
    """Select events in the stores. `names` are keys, addresses or job ids. Without filters, all events are selected.

    The sinks of `overrides` are read in place of all stores that keep parked events.

    A name that is not found, and a store that cannot be read, are printed as errors.
    """
    settings = Settings.from_environment(overrides.parking_environment(), PARKING)
    stores = open_parking_stores(settings, credentials_of_stores(settings, settings.parking_urls))
    found: list[ParkedEntry] = []
    whole = True
    for store in stores:
        try:
            with time_limit(Deadline.after(SECONDS)):
                if settings.park_url is None:  # the first parked event makes that of ICE_RESULT_PARK_URL
                    store.check_exists()
                found += list_parked([store], frozenset(reasons) or None)
        except IceResultError as error:
            print_error(str(error))
            whole = False
    found.sort(key=lambda entry: (entry.written, entry.key))
    unknown = [name for name in names if not any(_means(name, entry) for entry in found)] if whole else []
    for name in unknown:
        print_error(f"no parked event {valid_text(name)} in {', '.join(store.url for store in stores)}")
    if names:
        found = [entry for entry in found if any(_means(name, entry) for name in names)]
    if since:
        found = [entry for entry in found if entry.written >= since]
    entries = [entry for entry in found if dead or entry.reason != DEAD]
    if left := len(found) - len(entries):
        print_error(f"{left} dead {'event is' if left == 1 else 'events are'} skipped; --dead retries dead events too")
    return Selection(entries, whole and not unknown)


def pipeline_settings(overrides: Overrides) -> Settings:
    """Read the settings for processing events. Without ICE_RESULT_SINKS, records go to the stores that are read."""
    if os.environ.get("ICE_RESULT_SINKS"):
        return Settings.from_environment(overrides._replace(sinks=()).environment(), EVERYTHING)
    return Settings.from_environment(overrides.parking_environment(), EVERYTHING)


def _means(name: str, entry: ParkedEntry) -> bool:
    """Return True when the name is the key, an address that ends in the key, or the job id."""
    name = without_blanks(valid_text(name))
    return name == entry.key or name.endswith(f"/{entry.key}") or entry.key.rpartition("/")[2] == file_name(name)
