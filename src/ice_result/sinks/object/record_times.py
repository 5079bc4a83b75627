"""Records with the times at which they and their manifests were written, as a listing gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from ice_result.sinks.parked_model import Listed


class ListedRecord(NamedTuple):
    """Key of a record, and the times of the last writing of the record and of its manifest, None without one."""

    key: str
    written: datetime
    manifest_written: datetime | None


def with_manifests(
    records: Iterable[Listed], manifests: Iterable[Listed], manifest_of: Callable[[str], str]
) -> Iterator[ListedRecord]:
    """Join the records of a partition with their manifests. Both listings are in the order of their keys.

    Of each listing, only the page that is read at the moment is in memory.
    """
    left = iter(manifests)
    manifest = next(left, None)
    for record in records:
        key = manifest_of(record.key)
        while manifest is not None and manifest.key < key:
            manifest = next(left, None)
        is_there = manifest is not None and manifest.key == key
        yield ListedRecord(record.key, record.written, manifest.written if manifest and is_there else None)
