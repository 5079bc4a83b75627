"""The fifth stage: records, manifests and parked events, written into the stores that the settings name.

Each store is a module of its own, imported when a URL names it: see `registry`.
"""

from ice_result.sinks.base import Capabilities, SinkContext, Store
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Parked, ParkedError
from ice_result.sinks.registry import (
    capabilities_of,
    open_parking_store,
    open_sink,
    parking_schemes,
    parse_sink_url,
)

__all__ = [
    "Capabilities",
    "Parked",
    "ParkedError",
    "ParkedEvents",
    "SinkContext",
    "Store",
    "capabilities_of",
    "open_parking_store",
    "open_sink",
    "parking_schemes",
    "parse_sink_url",
]
