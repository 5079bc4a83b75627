"""Records, manifests and parked events as objects: one line of JSON each, in whatever stores bytes under a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from ice_result.calls import Deadline
from ice_result.errors import ForbiddenError
from ice_result.records.model import Manifest, Record
from ice_result.sinks.layout import Layout
from ice_result.sinks.model import Loads, Parked
from ice_result.values import Model


class ObjectStore(Protocol):
    """Bytes under keys. Keys are relative, with slashes between their parts."""

    def put(self, key: str, data: bytes, deadline: Deadline, /) -> str:
        """Write `data` whole or not at all, over what was there; its address."""
        ...

    def get(self, key: str, deadline: Deadline, /) -> bytes | None:
        """What lies under `key`; None when nothing does."""
        ...

    def list(self, folder: str, deadline: Deadline, /) -> Iterator[str]:
        """The keys below `folder`, which ends in a slash, however deep; in any order."""
        ...

    def children(self, folder: str, deadline: Deadline, /) -> Iterator[str]:
        """The names of the folders one level below `folder`, without the slashes; in any order."""
        ...


class Page(NamedTuple):
    """A part of a listing: keys and names of folders, and the token that asks for the next part, if any."""

    keys: tuple[str, ...]
    folders: tuple[str, ...]
    next_token: str


def pages(fetch: Callable[[str], Page]) -> Iterator[Page]:
    """Every part of a listing, each asked for when the one before it is used up; `fetch` gets "" at first."""
    page = fetch("")
    yield page
    while page.next_token:
        page = fetch(page.next_token)
        yield page


def folder_name(prefix: str) -> str:
    """`c` of `a/b/c/`: what a store folds keys to, as the name of a folder."""
    return prefix.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True)
class ObjectSink:
    """A Sink and a ParkingLot over any object store."""

    url: str
    store: ObjectStore
    layout: Layout

    def load(self) -> None:
        """Make the store ready, where it takes that."""
        if isinstance(self.store, Loads):
            self.store.load()

    def stage(self, record: Record, deadline: Deadline) -> str:
        """Write the record."""
        return self.store.put(self.layout.record(record), _line(record), deadline)

    def commit(self, record: Record, manifest: Manifest, deadline: Deadline) -> str:
        """Write the manifest, in the partition of its record."""
        return self.store.put(self.layout.manifest(record), _line(manifest), deadline)

    def park(self, parked: Parked, deadline: Deadline) -> str:
        """Write the envelope, counting the times the event was parked here before."""
        key = self.layout.parked(parked)
        attempts = parked.attempts + self._attempts_before(key, deadline)
        return self.store.put(key, _line(parked.model_copy(update={"attempts": attempts})), deadline)

    def _attempts_before(self, key: str, deadline: Deadline) -> int:
        try:
            envelope = self.store.get(key, deadline)
        except ForbiddenError:  # keys that may write but not read: losing the count beats losing the event
            return 0
        if envelope is None:
            return 0
        try:
            return Parked.model_validate_json(envelope).attempts
        except ValidationError:
            return 1


def _line(value: Model) -> bytes:
    return f"{value.model_dump_json(by_alias=True)}\n".encode()
