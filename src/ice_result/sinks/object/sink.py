"""Records and manifests as objects, one line of JSON each, in any store that keeps bytes under keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from typing_extensions import override

from ice_result.core.types import JobId
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import (
    OBJECTS,
    Addresses,
    Hint,
    JobFilter,
    JobLine,
    Near,
    Reads,
    Store,
    StoredBytes,
    StoredJob,
)
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.parked_events import ParkedEvents
from ice_result.sinks.object.store import ObjectStore, line

if TYPE_CHECKING:
    from ice_result.sinks.object.reader import ObjectReader


class ObjectStoreSink(Store):
    """Store of records and manifests over any object store, with parked events beside them."""

    capabilities = OBJECTS

    def __init__(self, url: str, store: ObjectStore, layout: Layout) -> None:
        self.url = url
        self.store = store
        self.layout = layout
        self._loaded_reader: ObjectReader | None = None

    @override
    def load(self) -> None:
        """Make the object store ready."""
        self.store.load()

    @property
    @override
    def parking(self) -> ParkedEvents:
        """Part that keeps parked events, in the same object store."""
        return ParkedEvents(self.url, self.store, self.layout)

    @override
    def addresses(self, record: Record) -> Addresses:
        """Return the addresses of the two objects."""
        layout = self.layout
        return Addresses(self.store.address(layout.record(record)), self.store.address(layout.manifest(record)))

    @override
    def stage(self, record: Record) -> None:
        """Write the record."""
        self.store.put(self.layout.record(record), line(record))

    @override
    def commit(self, record: Record, manifest: Manifest) -> None:
        """Write the manifest, in the partition of its record."""
        self.store.put(self.layout.manifest(record), line(manifest))

    @override
    def key_for(self, job_id: JobId, function_name: str, create_time: datetime | None) -> str:
        """Return the key of the record."""
        return self.layout.record_of(job_id, function_name, create_time)

    @override
    def stored(self, key: str) -> StoredBytes | None:
        """Read the record, and the manifest beside it: two calls."""
        record = self.store.get(key)
        return None if record is None else StoredBytes(key, record, self.store.get(self.layout.manifest_of(key)))

    @override
    def as_stored(self, record: Record, manifest: Manifest) -> StoredBytes:
        """Return a line of JSON for each."""
        return StoredBytes(self.layout.record(record), line(record), line(manifest))

    @override
    def remove(self, key: str) -> None:
        """Remove the manifest first: a record alone is one of a job that is not done with."""
        self.store.delete(self.layout.manifest_of(key))
        self.store.delete(key)

    @override
    def versioning(self) -> str | None:
        """Ask the object store."""
        return self.store.versioning()

    # Looking up is in a module of its own, since most events look nothing up.

    @property
    def _reader(self) -> ObjectReader:
        if self._loaded_reader is None:
            from ice_result.sinks.object.reader import ObjectReader  # noqa: PLC0415  as said

            self._loaded_reader = ObjectReader(self.store, self.layout)
        return self._loaded_reader

    @override
    def find(self, job_id: JobId, hint: Hint | None = None) -> StoredJob | None:
        return self._reader.find(job_id, hint)

    @override
    def jobs(self, wanted: JobFilter) -> Iterator[JobLine]:
        return self._reader.jobs(wanted)

    @override
    def recorded(self, record: Record) -> Record | None:
        return self._reader.recorded(record)

    @override
    def verified(self, record: Record) -> Manifest | None:
        return self._reader.verified(record)

    @override
    def key_near(self, job_id: JobId, near: Near, reads: Reads) -> str | None:
        return self._reader.key_near(job_id, near, reads)

    @override
    def job_at(self, key: str) -> StoredJob | None:
        return self._reader.job_at(key)

    @override
    def keys(self, wanted: JobFilter) -> Iterator[str]:
        return self._reader.keys(wanted)

    @override
    def key_of(self, job_id: JobId, wanted: JobFilter) -> str | None:
        return self._reader.key_of(job_id, wanted)
