"""Records and manifests as objects: one line of JSON each, in whatever stores bytes under a key."""

from __future__ import annotations

from dataclasses import dataclass

from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import Addresses, Loads
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.parking import ObjectLot
from ice_result.sinks.object.store import ObjectStore, line


@dataclass(frozen=True)
class ObjectSink:
    """A Sink over any object store, with a ParkingLot beside it."""

    url: str
    store: ObjectStore
    layout: Layout

    def load(self) -> None:
        """Make the store ready, where it takes that."""
        if isinstance(self.store, Loads):
            self.store.load()

    def addresses(self, record: Record) -> Addresses:
        """The addresses of the two objects."""
        layout = self.layout
        return Addresses(self.store.address(layout.record(record)), self.store.address(layout.manifest(record)))

    def stage(self, record: Record) -> str:
        """Write the record."""
        return self.store.put(self.layout.record(record), line(record))

    def commit(self, record: Record, manifest: Manifest) -> str:
        """Write the manifest, in the partition of its record."""
        return self.store.put(self.layout.manifest(record), line(manifest))

    @property
    def lot(self) -> ObjectLot:
        """Where events are parked, in the same store."""
        return ObjectLot(self.url, self.store, self.layout)
