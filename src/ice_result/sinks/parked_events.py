"""Events that could not be finished, and notes of jobs that are expected, in any store that keeps bytes under keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from pydantic import ValidationError

from ice_result.core.deadline import current_deadline, time_limit
from ice_result.errors import IceResultError, is_try
from ice_result.sinks.object.layout import Layout, due_of, part
from ice_result.sinks.object.store import ObjectStore, line
from ice_result.sinks.parked_model import Expected, Listed, Parked, Position

_SHARE_FOR_THE_PAST = 0.4  # of the time: what was tried before must not cost the envelope


class ParkedAt(NamedTuple):
    """Address of an envelope, and the envelope as it was written.

    `is_new` is false when an envelope of the event was found under the same key.
    """

    address: str
    envelope: Parked
    is_new: bool = True


@dataclass(frozen=True)
class ParkedEvents:
    """Part of a store that keeps parked events, and notes of jobs that are expected.

    `url` is that of the store. Foreign objects in its folders are ignored.
    """

    url: str
    store: ObjectStore
    layout: Layout

    def check_exists(self) -> None:
        """Check that there is a store to read. Raises StorageError."""
        self.store.check_exists(self.url)

    def address(self, key: str) -> str:
        """Return the address of the envelope or note under `key`. Nothing is called."""
        return self.store.address(key)

    def park(self, parked: Parked) -> ParkedAt:
        """Write an envelope durably.

        The same event parked again is counted, not doubled: its envelope gets the history that is stored here. Targets
        that the stored envelope names have not acknowledged, so they stay in it.
        """
        key = self.layout.parked(parked)
        stored = self._stored(parked, key)
        envelope = parked if stored is None else _with_past(parked, stored)
        return ParkedAt(self.store.put(key, line(envelope)), envelope, is_new=stored is None)

    def _stored(self, parked: Parked, key: str) -> bytes | None:
        """Read the envelope under the key, where this one needs it; None when it is not there or cannot be read."""
        if not _is_first_try(parked) and not parked.targets:
            return None
        try:
            with time_limit(current_deadline().part(_SHARE_FOR_THE_PAST)):
                return self.store.get(key)
        except IceResultError:  # as with keys that may write but not read: losing the count beats losing the event
            return None

    def reasons(self) -> Iterator[str]:
        """List the reasons for which events are parked here, `dead` among them: the names of the folders."""
        return (unquote(name) for name in self.store.children(self.layout.folder("parked")))

    def parked(self, reason: str, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """List the events parked for this reason in the order of their keys, page by page; only keys after `after`.

        A page may be empty.
        """
        return self._pages(self.layout.folder("parked", part(reason)), after)

    def position(self) -> Position | None:
        """Read the position that was set last; None when there is none, or when it cannot be read.

        It is one small object, which exists only while a listing is under way.
        """
        data = self.store.get(self.layout.position())
        try:
            return None if data is None else Position.model_validate_json(data)
        except ValidationError:
            return None

    def set_position(self, position: Position | None) -> None:
        """Write a position durably, in place of the one before; None removes it."""
        if position is None:
            self.store.delete(self.layout.position())
        else:
            self.store.put(self.layout.position(), line(position))

    def expect(self, note: Expected) -> str:
        """Write a note, and return its address. The same job may be expected at several times."""
        return self.store.put(self.layout.expected(note), line(note))

    def expected(self) -> Iterator[tuple[Listed, datetime]]:
        """List the notes with the time at which each is due, in the order of these times, page by page.

        Only their names are read, which begin with the time.
        """
        for page in self._pages(self.layout.folder("expected")):
            for listed in page:
                if due := due_of(listed.key):
                    yield listed, due

    def read(self, key: str) -> bytes | None:
        """Read an envelope or a note as it is stored; None when it is gone."""
        return self.store.get(key)

    def discard(self, key: str, as_read: bytes) -> bool:
        """Remove the envelope or note under `key` if its content is still `as_read`; return True when it is gone."""
        return self.store.delete_unchanged(key, as_read)

    def write_probe(self, name: str) -> str:
        """Write a small object `name` beside the folders of the reasons, which no reader reads; return its address."""
        return self.store.put(f"{self.layout.folder('parked')}{name}.json", b"{}")

    def _pages(self, folder: str, after: str = "") -> Iterator[Sequence[Listed]]:
        for page in self.store.list(folder, after=after):
            yield [listed for listed in page if listed.key.endswith(".json")]


def _is_first_try(parked: Parked) -> bool:
    return parked.attempts <= is_try(parked.reason)


def _with_past(parked: Parked, stored: bytes) -> Parked:
    """Add what the stored envelope of the same event knows."""
    tries_now, is_first_try = int(is_try(parked.reason)), _is_first_try(parked)
    try:
        past = Parked.model_validate_json(stored).past
    except ValidationError:
        return parked.model_copy(update={"attempts": 2 * tries_now}) if is_first_try else parked
    if parked.targets:
        parked = parked.model_copy(update={"targets": tuple(sorted({*parked.targets, *past.targets}))})
    if not is_first_try:
        return parked
    first = past.first_parked or parked.first_parked
    attempts = past.attempts + tries_now
    return parked.model_copy(update={"attempts": attempts, "first_parked": first, "history": past.history})
