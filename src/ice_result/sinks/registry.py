"""Which URL scheme is which store: one line each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ice_result.errors import SettingsError
from ice_result.sinks.file import open_file
from ice_result.sinks.model import SinkContext
from ice_result.sinks.objects import ObjectSink
from ice_result.sinks.oss import open_oss
from ice_result.sinks.urls import SinkUrl, check_bucket_url, check_path_url, split_url


@dataclass(frozen=True)
class Store:
    """A kind of store: `check` raises ValueError for URLs that are none of its own, `open` makes no call yet."""

    check: Callable[[SinkUrl], None]
    open: Callable[[SinkUrl, SinkContext], ObjectSink]
    keeps_parked: bool


STORES: dict[str, Store] = {
    "file": Store(check_path_url, open_file, keeps_parked=True),
    "oss": Store(check_bucket_url, open_oss, keeps_parked=True),
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


def open_sink(url: str, context: SinkContext) -> ObjectSink:
    """The store behind `url`; nothing is called, read or written yet. Raises SettingsError."""
    parts = parse_sink_url(url)
    return STORES[parts.scheme].open(parts, context)


def _known() -> str:
    return ", ".join(f"{scheme}:" for scheme in sorted(STORES))
