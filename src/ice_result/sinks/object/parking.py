"""Events that could not be finished, and notes of jobs that are expected, in any object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from pydantic import ValidationError

from ice_result.core.calls import Deadline
from ice_result.errors import IceResultError, is_try
from ice_result.sinks.base import Expected, Listed, Parked, Position
from ice_result.sinks.object.layout import Layout, due_of, part
from ice_result.sinks.object.store import ObjectStore, line

_SHARE_FOR_THE_PAST = 0.4  # of the time: what was tried before must not cost the envelope


@dataclass(frozen=True)
class ObjectLot:
    """A ParkingLot over any object store. What is none of ours in its folders is left alone."""

    url: str
    store: ObjectStore
    layout: Layout

    def address(self, key: str) -> str:
        """That of the object."""
        return self.store.address(key)

    def park(self, parked: Parked, deadline: Deadline) -> str:
        """Write the envelope; of an event that came anew, with what is known here of its earlier tries."""
        key = self.layout.parked(parked)
        return self.store.put(key, line(self._with_past(parked, key, deadline)), deadline)

    def _with_past(self, parked: Parked, key: str, deadline: Deadline) -> Parked:
        tries_now = int(is_try(parked.reason))
        if parked.attempts > tries_now:
            return parked
        try:
            envelope = self.store.get(key, deadline.part(_SHARE_FOR_THE_PAST))
        except IceResultError:  # as with keys that may write but not read: losing the count beats losing the event
            return parked
        if envelope is None:
            return parked
        try:
            past = Parked.model_validate_json(envelope).past
        except ValidationError:
            return parked.model_copy(update={"attempts": 2 * tries_now})
        first = past.first_parked or parked.first_parked
        attempts = past.attempts + tries_now
        return parked.model_copy(update={"attempts": attempts, "first_parked": first, "history": past.history})

    def reasons(self, deadline: Deadline) -> Iterator[str]:
        """The names of the folders."""
        return (unquote(name) for name in self.store.children(self.layout.folder("parked"), deadline))

    def parked(self, reason: str, deadline: Deadline, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """The envelopes in the folder of `reason`; a page may be empty."""
        return self._pages(self.layout.folder("parked", part(reason)), deadline, after)

    def position(self, deadline: Deadline) -> Position | None:
        """One small object, which is there only while a listing is under way."""
        data = self.store.get(self.layout.position(), deadline)
        try:
            return None if data is None else Position.model_validate_json(data)
        except ValidationError:
            return None

    def set_position(self, position: Position | None, deadline: Deadline) -> None:
        """Write that object, or remove it."""
        if position is None:
            self.store.delete(self.layout.position(), deadline)
        else:
            self.store.put(self.layout.position(), line(position), deadline)

    def expect(self, note: Expected, deadline: Deadline) -> str:
        """Write the note; the same job may be expected at several times."""
        return self.store.put(self.layout.expected(note), line(note), deadline)

    def expected(self, deadline: Deadline) -> Iterator[tuple[Listed, datetime]]:
        """The notes, by their names alone, which begin with the time."""
        for page in self._pages(self.layout.folder("expected"), deadline):
            for listed in page:
                if due := due_of(listed.key):
                    yield listed, due

    def read(self, key: str, deadline: Deadline) -> bytes | None:
        """The bytes under `key`."""
        return self.store.get(key, deadline)

    def discard(self, key: str, as_read: bytes, deadline: Deadline) -> bool:
        """Remove it, unless somebody wrote it anew after it was read.

        Between the last look and the removal is a moment in which it could still be written anew: object stores have
        no condition for removing.
        """
        lies_there = self.store.get(key, deadline)
        if lies_there is None:
            return True
        if lies_there != as_read:
            return False
        self.store.delete(key, deadline)
        return True

    def _pages(self, folder: str, deadline: Deadline, after: str = "") -> Iterator[Sequence[Listed]]:
        for page in self.store.list(folder, deadline, after=after):
            yield [listed for listed in page if listed.key.endswith(".json")]
