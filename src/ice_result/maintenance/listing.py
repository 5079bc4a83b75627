"""Listings of parked events and notes over all stores, also when one of the stores does not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple, TypeVar

from ice_result.core.deadline import Deadline, current_deadline, time_limit
from ice_result.errors import IceResultError
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Listed, Position

MOST_PAGES = 10
"""Maximum number of pages of parked events that one run of the timer lists, over all stores and reasons."""
_SHARE_FOR_LISTING = 0.5
T = TypeVar("T")
_log = logging.getLogger(__name__)


class ParkedEntry(NamedTuple):
    """Entry of a parked event in the listing of a store. `reason` is the folder it is in."""

    store: ParkedEvents
    key: str
    reason: str
    written: datetime


def merge_listings(
    stores: Sequence[ParkedEvents],
    listing: Callable[[ParkedEvents], Iterable[T]],
    order: Callable[[T], tuple[object, ...]],
) -> Iterator[T]:
    """Merge the listings of all stores, each sorted by `order`, into one. Stores are listed as far as needed.

    A store that refuses is skipped with a warning; the entries that it listed before count. Raises the error of the
    last store when every store refuses before its first entry.
    """
    refused: list[tuple[ParkedEvents, IceResultError]] = []

    def entries_of(store: ParkedEvents) -> Iterator[T]:
        any_came = False
        try:
            for entry in listing(store):
                any_came = True
                yield entry
        except IceResultError as error:
            if any_came:
                _log.warning("skipped the rest of %s: %s", store.url, error)
            else:
                refused.append((store, error))

    yield from merge(*map(entries_of, stores), key=order)
    last = refused.pop()[1] if refused and len(refused) == len(stores) else None
    for store, error in refused:
        _log.warning("skipped %s: %s", store.url, error)
    if last:
        raise last


def list_parked(stores: Sequence[ParkedEvents], reasons: frozenset[str] | None) -> list[ParkedEntry]:
    """List the parked events with these reasons (None: with any), the oldest first. Raises as `merge_listings`."""

    def entries_of(store: ParkedEvents) -> list[ParkedEntry]:
        wanted = [reason for reason in store.reasons() if reasons is None or reason in reasons]
        pages = ((reason, page) for reason in wanted for page in store.parked(reason))
        return sorted((entry for reason, page in pages for entry in _entries(store, reason, page)), key=_age)

    return [*merge_listings(stores, entries_of, _age)]


def next_parked(stores: Sequence[ParkedEvents], reasons: frozenset[str]) -> list[ParkedEntry]:
    """List the next part of the parked events, at most MOST_PAGES pages. It begins where the last part ended.

    run 1 │■■■■■■■■■■          │   Each store keeps the position at which a part ended, so that the next run goes on
    run 2 │          ■■■■■■■■■■│   there in any instance. When one part covers everything, no position is kept.
    run 3 │■■■■■■■■■■          │

    Each store has an equal share of the pages, and of half of the time: the listed events must also be read. A part
    that is cut short is used, and the next one begins after it. Raises as `merge_listings`.
    """
    end_of_listing = current_deadline().part(_SHARE_FOR_LISTING)
    numbers = {store.url: number for number, store in enumerate(stores)}

    def part_of(store: ParkedEvents) -> list[ParkedEntry]:
        most_pages = max(2, MOST_PAGES // len(stores)) - 1  # one page is the list of reasons
        deadline = end_of_listing.part(1 / (len(stores) - numbers[store.url]))
        return sorted(_part_of(store, reasons, most_pages, deadline), key=_age)

    return [*merge_listings(stores, part_of, _age)]


def _part_of(store: ParkedEvents, reasons: frozenset[str], most_pages: int, deadline: Deadline) -> list[ParkedEntry]:
    found: list[ParkedEntry] = []
    pages = 0
    with time_limit(deadline):
        here = sorted(reason for reason in store.reasons() if reason in reasons)
        start = end = _position(store) if here else None
        try:
            for reason, page in islice(_pages_from(store, here, start), most_pages):
                pages += 1
                found += _entries(store, reason, page)
                if page:
                    end = Position(reason=reason, key=page[-1].key)
                else:  # the beginning of the next folder
                    end = Position(reason=here[(here.index(reason) + 1) % len(here)], key="")
            if pages < most_pages:  # everything is listed
                end = None
        except IceResultError as error:
            if not pages:
                raise
            _log.warning("skipped the rest of %s: %s", store.url, error)
    if end != start:
        _set_position(store, end)
    return found


def _pages_from(
    store: ParkedEvents, here: Sequence[str], start: Position | None
) -> Iterator[tuple[str, Sequence[Listed]]]:
    """Yield every page once, with its reason: from `start` to the end, then from the beginning to `start`."""
    reason_of_start, key_of_start = (start.reason, start.key) if start else ("", "")
    for reason in here:
        if reason >= reason_of_start:
            after = key_of_start if reason == reason_of_start else ""
            yield from ((reason, page) for page in store.parked(reason, after=after))
    for reason in here:
        if (reason, "") < (reason_of_start, key_of_start):
            for page in store.parked(reason):
                before = [listed for listed in page if (reason, listed.key) <= (reason_of_start, key_of_start)]
                yield reason, before
                if len(before) < len(page):
                    return


def _position(store: ParkedEvents) -> Position | None:
    try:
        return store.position()
    except IceResultError as error:
        _log.warning("no position read in %s, so its listing begins again: %s", store.url, error)
        return None


def _set_position(store: ParkedEvents, position: Position | None) -> None:
    try:
        store.set_position(position)
    except IceResultError as error:  # the next run lists the same part again
        _log.warning("no position kept in %s: %s", store.url, error)


def _entries(store: ParkedEvents, reason: str, page: Sequence[Listed]) -> list[ParkedEntry]:
    return [ParkedEntry(store, listed.key, reason, listed.written) for listed in page]


def _age(entry: ParkedEntry) -> tuple[datetime, str]:
    return entry.written, entry.key
