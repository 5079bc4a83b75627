"""Listings over all stores of parked events and notes, of which one may not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple, TypeVar

from ice_result.core.deadline import Deadline, current_deadline, time_limit
from ice_result.errors import IceResultError
from ice_result.sinks.parked_events import Listed, ParkedEvents, Position

MOST_PAGES = 10
"""How many pages one run of the timer lists of parked events, over all stores and reasons."""
_SHARE_FOR_LISTING = 0.5
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """A parked event in a store; `reason` is the folder it is in."""

    parking_store: ParkedEvents
    key: str
    reason: str
    written: datetime


def merged(
    parking_stores: Sequence[ParkedEvents],
    listing: Callable[[ParkedEvents], Iterable[T]],
    order: Callable[[T], tuple[object, ...]],
) -> Iterator[T]:
    """What all stores list, each in `order`, as one listing in that order; it is asked for as it is needed.

    A store that refuses is skipped with a warning, and what it listed before that is used. When none lists anything
    and all refuse, the error of the last is raised.
    """
    refused: list[IceResultError] = []

    def from_one(parking_store: ParkedEvents) -> Iterator[T]:
        any_came = False
        try:
            for each in listing(parking_store):
                any_came = True
                yield each
        except IceResultError as error:
            _log.warning("skipped %s%s: %s", "the rest of " if any_came else "", parking_store.url, error)
            if not any_came:
                refused.append(error)

    yield from merge(*map(from_one, parking_stores), key=order)
    if refused and len(refused) == len(parking_stores):
        raise refused[-1]


def kept(parking_stores: Sequence[ParkedEvents], reasons: frozenset[str] | None) -> list[Kept]:
    """The parked events of these reasons (None: of all), what was written longest ago first; as `merged`."""

    def all_of(parking_store: ParkedEvents) -> list[Kept]:
        wanted = [reason for reason in parking_store.reasons() if reasons is None or reason in reasons]
        return _oldest_first(
            each
            for reason in wanted
            for page in parking_store.parked(reason)
            for each in _kept(parking_store, reason, page)
        )

    return [*merged(parking_stores, all_of, _age)]


def next_kept(parking_stores: Sequence[ParkedEvents], reasons: frozenset[str]) -> list[Kept]:
    """A bounded part of them, of at most MOST_PAGES pages, which goes on where the part before it ended.

    run 1 │■■■■■■■■■■          │   Each store keeps the position at which a part ended, so that the next run goes on
    run 2 │          ■■■■■■■■■■│   there in whatever instance it is. When all is listed in one part, there is none.
    run 3 │■■■■■■■■■■          │

    Each store has its share of the pages, and of half of the time: what was listed must be read as well. As `merged`;
    a part that is cut short is used, and the next one goes on after it.
    """
    places = {parking_store.url: place for place, parking_store in enumerate(parking_stores)}
    end_of_listing = current_deadline().part(_SHARE_FOR_LISTING)

    def part_of(parking_store: ParkedEvents) -> list[Kept]:
        most_pages = max(2, MOST_PAGES // len(parking_stores)) - 1  # one is for the names of the reasons
        listing_deadline = end_of_listing.part(1 / (len(parking_stores) - places[parking_store.url]))
        return _oldest_first(_part_of(parking_store, reasons, most_pages, listing_deadline))

    return [*merged(parking_stores, part_of, _age)]


def _part_of(
    parking_store: ParkedEvents, reasons: frozenset[str], most_pages: int, end_of_listing: Deadline
) -> list[Kept]:
    found: list[Kept] = []
    pages = 0
    with time_limit(end_of_listing):
        here = sorted(reason for reason in parking_store.reasons() if reason in reasons)
        start = end = _position(parking_store) if here else None
        try:
            for reason, page in islice(_round(parking_store, here, start), most_pages):
                pages += 1
                found += _kept(parking_store, reason, page)
                end = _end_of(reason, page, here)
            if pages < most_pages:  # all of it is listed
                end = None
        except IceResultError as error:
            if not pages:
                raise
            _log.warning("skipped the rest of %s: %s", parking_store.url, error)
    if end != start:
        _set_position(parking_store, end)
    return found


def _round(
    parking_store: ParkedEvents, here: Sequence[str], start: Position | None
) -> Iterator[tuple[str, Sequence[Listed]]]:
    """Every page once, with its reason: from `start` to the end, then from the beginning to `start`."""
    reason_of_start, key_of_start = (start.reason, start.key) if start else ("", "")
    for reason in here:
        if reason >= reason_of_start:
            after = key_of_start if reason == reason_of_start else ""
            yield from ((reason, page) for page in parking_store.parked(reason, after=after))
    for reason in here:
        if (reason, "") < (reason_of_start, key_of_start):
            for page in parking_store.parked(reason):
                before = [each for each in page if (reason, each.key) <= (reason_of_start, key_of_start)]
                yield reason, before
                if len(before) < len(page):
                    return


def _end_of(reason: str, page: Sequence[Listed], here: Sequence[str]) -> Position:
    """The position after a page; after an empty one, the beginning of the next folder."""
    if page:
        return Position(reason=reason, key=page[-1].key)
    return Position(reason=here[(here.index(reason) + 1) % len(here)], key="")


def _position(parking_store: ParkedEvents) -> Position | None:
    try:
        return parking_store.position()
    except IceResultError as error:
        _log.warning("no position read in %s, so its listing begins anew: %s", parking_store.url, error)
        return None


def _set_position(parking_store: ParkedEvents, position: Position | None) -> None:
    try:
        parking_store.set_position(position)
    except IceResultError as error:  # the next run lists the same part again
        _log.warning("no position kept in %s: %s", parking_store.url, error)


def _kept(parking_store: ParkedEvents, reason: str, page: Sequence[Listed]) -> list[Kept]:
    return [Kept(parking_store, listed.key, reason, listed.written) for listed in page]


def _oldest_first(found: Iterable[Kept]) -> list[Kept]:
    return sorted(found, key=_age)


def _age(each: Kept) -> tuple[datetime, str]:
    return each.written, each.key
