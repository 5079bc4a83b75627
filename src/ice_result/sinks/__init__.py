"""The fifth stage: records, manifests and parked events, written down where they are asked for.

Each store is a module of its own, imported when a URL names it: see `registry`.
"""

from ice_result.sinks.base import Keeps, Parked, ParkedError, ParkingLot, Sink, SinkContext
from ice_result.sinks.registry import (
    PARKING_SCHEMES,
    keeps_objects,
    open_catalogue,
    open_lot,
    open_sink,
    parse_sink_url,
)

__all__ = [
    "PARKING_SCHEMES",
    "Keeps",
    "Parked",
    "ParkedError",
    "ParkingLot",
    "Sink",
    "SinkContext",
    "keeps_objects",
    "open_catalogue",
    "open_lot",
    "open_sink",
    "parse_sink_url",
]
