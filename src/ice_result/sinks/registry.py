"""Which URL scheme is which store: one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ice_result.errors import SettingsError
from ice_result.sinks.model import Keeps, ParkingLot, Sink, SinkContext
from ice_result.sinks.urls import SinkUrl, check_bucket_url, check_instance_url, check_path_url, split_url

if TYPE_CHECKING:
    from ice_result.sinks.catalogue import Catalogue, Holdings


@dataclass(frozen=True)
class Store:
    """A kind of store: `check` raises ValueError for URLs that are none of its own.

    `opener` is where the function lies that opens the sink behind a URL; it is imported when the first such sink is
    opened, so that nobody pays for a store that is not configured. With `keeps_parked` the sink is one of model.Keeps.
    """

    check: Callable[[SinkUrl], None]
    opener: str
    keeps_parked: bool

    def open(self, url: SinkUrl, context: SinkContext) -> Sink:
        """The sink behind `url`; no call is made yet."""
        module, _, function = self.opener.partition(":")
        sink: Sink = getattr(import_module(module), function)(url, context)
        return sink


STORES: dict[str, Store] = {
    "file": Store(check_path_url, "ice_result.sinks.file:open_file", keeps_parked=True),
    "oss": Store(check_bucket_url, "ice_result.sinks.oss:open_oss", keeps_parked=True),
    "s3": Store(check_bucket_url, "ice_result.sinks.s3:open_s3", keeps_parked=True),
    "ots": Store(check_instance_url, "ice_result.sinks.tablestore_sink:open_tablestore", keeps_parked=False),
    "sqlite": Store(check_path_url, "ice_result.sinks.sqlite:open_sqlite", keeps_parked=False),
}
PARKING_SCHEMES = frozenset(scheme for scheme, store in STORES.items() if store.keeps_parked)
"""The schemes of stores that keep parked events."""


def parse_sink_url(url: str) -> SinkUrl:
    """The parts of a sink's URL, checked. Raises SettingsError, with an explanation that holds no secrets."""
    try:
        parts = split_url(url.strip())
        if parts.scheme not in STORES:
            raise ValueError(f"{parts.scheme}: is no known kind of store; known are {_known()}")  # noqa: TRY301  as its peers
        STORES[parts.scheme].check(parts)
    except ValueError as error:
        raise SettingsError([("ICE_RESULT_SINKS", str(error))]) from error
    return parts


def open_sink(url: str, context: SinkContext) -> Sink:
    """The store behind `url`; nothing is called, read or written yet. Raises SettingsError."""
    parts = parse_sink_url(url)
    return STORES[parts.scheme].open(parts, context)


def keeps_objects(url: str) -> bool:
    """Whether `url` names an object sink, which keeps whole records and parked events."""
    return STORES[parse_sink_url(url).scheme].keeps_parked


def open_lot(url: str, context: SinkContext) -> ParkingLot:
    """The store behind `url`, for keeping parked events in; nothing is called yet. Raises SettingsError."""
    sink = open_sink(url, context)
    if not isinstance(sink, Keeps):
        known = ", ".join(f"{scheme}:" for scheme in sorted(PARKING_SCHEMES))
        raise SettingsError([("ICE_RESULT_PARK_URL", f"{url}: keeps no parked events; those that do are {known}")])
    return sink.lot


def open_catalogue(url: str, context: SinkContext) -> Catalogue:
    """The store behind `url`, for looking jobs up in; nothing is called or read yet. Raises SettingsError."""
    return catalogue_of(open_sink(url, context))


def catalogue_of(sink: Sink) -> Catalogue:
    """A sink, for looking jobs up in."""
    from ice_result.sinks.object_catalogue import ObjectCatalogue  # noqa: PLC0415  most events look nothing up
    from ice_result.sinks.objects import ObjectSink  # noqa: PLC0415  as above

    return ObjectCatalogue(sink.store, sink.layout) if isinstance(sink, ObjectSink) else cast("Catalogue", sink)


def holdings_of(sink: Sink) -> Holdings:
    """A sink, for reading what it holds as it lies."""
    return cast("Holdings", catalogue_of(sink))


def _known() -> str:
    return ", ".join(f"{scheme}:" for scheme in sorted(STORES))
