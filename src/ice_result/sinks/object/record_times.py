"""Records with the times at which they and their manifests were written, as a listing gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from ice_result.core.calls import in_order
from ice_result.sinks.parked_model import Listed

_LISTED_AT_ONCE = 8


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


def listings(
    list_folder: Callable[[str], Iterator[Sequence[Listed]]], folders: Iterable[str]
) -> Iterator[Iterator[Listed]]:
    """List folders in their order. The first pages of several are read at once: most folders have no other."""

    def begin(folder: str) -> Iterator[Sequence[Listed]]:
        pages = list_folder(folder)
        return chain([next(pages, ())], pages)

    return (chain.from_iterable(pages) for pages in in_order(begin, folders, _LISTED_AT_ONCE))
