"""Pointers: where the record and the manifest of a job are, by the job id alone.

    jobs/<job id>.json ──► record ──► manifest        three reads, however many partitions there are
    jobs-complete.json                                the mark: what has no pointer is not there

A pointer says only where a job is, and the manifest alone says that it is done. So it does not matter which of the
record and the pointer is written first. The mark is set before the first record of an empty store, or after a pass over
all records; without it, jobs of earlier versions may have no pointer, and are looked for in their partitions.
"""

from __future__ import annotations

import logging
import re
import threading
from datetime import datetime
from typing import Literal

from pydantic import Field, ValidationError

from ice_result.core.calls import begin, result_of
from ice_result.core.threads import Task
from ice_result.core.types import JobId, Model
from ice_result.errors import TimedOutError, shorten
from ice_result.records.model import Record
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import ObjectStore, line

_log = logging.getLogger(__name__)


class Pointer(Model):
    """Place of one job in an object store. `record` and `manifest` are keys below the store's prefix.

    It has no outcome, so it stays the same when a job is written again. Fields of later versions are ignored.
    """

    schema_: Literal["ice_result.job/1"] = Field(default="ice_result.job/1", alias="schema")
    job_id: JobId
    function_name: str
    create_time: datetime | None
    record: str
    manifest: str


_OURS = b'"schema":"ice_result.job/1"'
_SCHEMA = re.compile(rb'"schema"\s*:\s*"ice_result\.job/[1-9][0-9]{0,5}"')


class Mark(Model):
    """Sign that every job of the store has a pointer. Its existence says it."""

    schema_: Literal["ice_result.jobs_complete/1"] = Field(default="ice_result.jobs_complete/1", alias="schema")


class Pointers:
    """Pointers of a store, and its mark. Any number of threads may use it at once."""

    def __init__(self, store: ObjectStore, layout: Layout) -> None:
        self._store = store
        self._layout = layout
        self._lock = threading.Lock()
        self._marking: Task[None] | None = None
        self._is_complete = False

    def bytes_for(self, record: Record) -> bytes:
        """Return the pointer to this record as it is written. Nothing is called."""
        return line(self._to(record.job_id, record.function_name, record.create_time))

    def write(self, record: Record) -> None:
        """Write the pointer to this record."""
        self._store.put(self._layout.pointer(record.job_id), self.bytes_for(record))

    def read(self, job_id: JobId) -> bytes | None:
        """Read a pointer as it is stored; None when there is none."""
        return self._store.get(self._layout.pointer(job_id))

    def record_key(self, job_id: JobId, pointer: bytes | None) -> str | None:
        """Return the key of the record to which the stored bytes of a pointer lead.

        Returns None, with a warning, for a damaged pointer, and for one to a place where this job does not belong. A
        pointer of a later version is followed if it has the fields of this one.
        """
        if pointer is None:
            return None
        try:
            found = Pointer.model_validate_json(_SCHEMA.sub(_OURS, pointer, count=1))
        except ValidationError:
            self._skipped(job_id, "a damaged pointer, or one of another version")
            return None
        if found != self._to(job_id, found.function_name, found.create_time):
            self._skipped(job_id, "the pointer of another job, or to another place")
            return None
        return self._layout.record_of(job_id, found.function_name, found.create_time)

    def is_complete(self) -> bool:
        """Return whether every job has a pointer: one read, until the mark has been seen.

        A job that gets its first pointer between the read of that pointer and this one seems not to be there. Both
        reads must happen at the end of the pass that writes missing pointers; a second lookup finds the job.
        """
        self._is_complete = self._is_complete or self._store.get(self._layout.mark()) is not None
        return self._is_complete

    def set_complete(self) -> None:
        """Set the mark, unless it is there. Call this after every record has got its pointer."""
        if self._store.get(self._layout.mark()) is None:
            self._set_mark()

    def before_first_record(self) -> None:
        """Set the mark if the store has no record. Call this before writing one; only the first time, calls are made.

        The threads that write the first jobs wait for the same calls, and get the same error: without this check,
        the first record would be written before the mark, and the store would never get one. If a call ends because the
        time of an earlier job is over, the thread calls again itself.
        """
        while True:
            with self._lock:
                is_ours = self._marking is None
                marking = self._marking = self._marking or begin(self._mark_if_empty)
            try:
                return result_of(marking)
            except Exception as error:
                with self._lock:
                    if self._marking is marking:  # the next job looks again
                        self._marking = None
                if is_ours or not isinstance(error, TimedOutError):
                    raise

    def _mark_if_empty(self) -> None:
        """Set the mark if the store has no record.

        Two processes may both find the store empty: both write pointers, so either of them may set the mark.
        """
        if not self.is_complete() and self._store.is_empty(self._layout.folder("records")):
            self._set_mark()

    def _set_mark(self) -> None:
        self._store.put(self._layout.mark(), line(Mark()))
        self._is_complete = True

    def _to(self, job_id: JobId, function_name: str, create_time: datetime | None) -> Pointer:
        layout = self._layout
        key = layout.record_of(job_id, function_name, create_time)
        return Pointer(
            job_id=job_id,
            function_name=function_name,
            create_time=create_time,
            record=layout.below_prefix(key),
            manifest=layout.below_prefix(layout.manifest_of(key)),
        )

    def _skipped(self, job_id: JobId, why: str) -> None:
        _log.warning("skipped %s: %s", shorten(self._layout.pointer(job_id)), why)
