"""Contents of output files among objects: a folder for each job, with a document for each file.

contents/function_name=…/dt=…/<job id>/1.json   the content
                                       1.srt    captions for players
                                       1.vtt
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from ice_result.core.calls import in_order
from ice_result.errors import StorageError, shorten
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import ObjectStore, line

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_AT_ONCE = 16


class StoredContents(NamedTuple):
    """The contents in one store, by the key of the record that they belong to."""

    store: ObjectStore
    layout: Layout

    def write(self, record_key: str, contents: Sequence[Content], *, are_all: bool) -> None:
        """Write a document for each file, and captions as files for players too. Other objects of the job are removed.

        A job that comes for the first time has no others, and its folder is not listed: the store says that no
        document was there before. With `are_all` false, documents may be left whose files have no content any more.
        """
        folder = self.layout.contents_of(record_key)

        def put(written: tuple[str, bytes]) -> tuple[str, bool]:
            key = f"{folder}{written[0]}"
            if key.endswith(".json"):
                return key, self.store.put_over(key, written[1])
            self.store.put(key, written[1])
            return key, False

        done = dict(in_order(put, _objects(contents), _AT_ONCE))
        if not are_all or any(done.values()):
            for key in self._keys(record_key):
                if key not in done:
                    self.store.delete(key)

    def read(self, record_key: str) -> tuple[Content, ...]:
        """List the folder of a job, and read each document. Raises StorageError for one that cannot be read."""
        from ice_result.contents.model import Content  # noqa: PLC0415  only for a job that has contents

        def read(key: str) -> Content | None:
            data = self.store.get(key)
            try:
                return None if data is None else Content.model_validate_json(data)
            except ValidationError as error:
                raise StorageError(f"{shorten(key)}: a damaged content, or one of another version") from error

        keys = [key for key in self._keys(record_key) if key.endswith(".json")]
        found = [content for content in in_order(read, keys, _AT_ONCE) if content]
        return tuple(sorted(found, key=lambda content: content.number))

    def remove(self, record_key: str) -> None:
        """Remove all objects of a job."""
        for key in self._keys(record_key):
            self.store.delete(key)

    def _keys(self, record_key: str) -> list[str]:
        listed = chain.from_iterable(self.store.list(self.layout.contents_of(record_key)))
        return [each.key for each in listed]


def _objects(contents: Iterable[Content]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each object, one at a time: they may be large."""
    for content in contents:
        yield f"{content.number}.json", line(content)
        if content.kind == "captions":
            yield f"{content.number}.srt", content.srt().encode()
            yield f"{content.number}.vtt", content.vtt().encode()
