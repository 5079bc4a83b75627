"""The fifth stage: records, manifests and parked events, written down where they are asked for."""

from ice_result.sinks.layout import Layout
from ice_result.sinks.model import Parked, ParkedError, ParkingLot, Sink, SinkContext
from ice_result.sinks.objects import ObjectSink, ObjectStore
from ice_result.sinks.oss import OssClient
from ice_result.sinks.oss_inspector import OssInspector, open_inspector
from ice_result.sinks.registry import PARKING_SCHEMES, open_sink, parse_sink_url

__all__ = [
    "PARKING_SCHEMES",
    "Layout",
    "ObjectSink",
    "ObjectStore",
    "OssClient",
    "OssInspector",
    "Parked",
    "ParkedError",
    "ParkingLot",
    "Sink",
    "SinkContext",
    "open_inspector",
    "open_sink",
    "parse_sink_url",
]
