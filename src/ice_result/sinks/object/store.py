"""The contract of stores that keep bytes under keys, and the parts that stores in the cloud share."""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from typing_extensions import override

from ice_result.core.types import Model
from ice_result.errors import NotFoundError
from ice_result.sinks.parked_model import Listed

KEYS_A_PAGE = 1000
"""Most keys of a page: OSS and S3 list no more at once (documented)."""

_MEDIA_TYPES = {"srt": "application/x-subrip; charset=utf-8", "vtt": "text/vtt; charset=utf-8"}


class ObjectStore(ABC):
    """Bytes under keys, for any number of threads. Keys are relative, with slashes between their parts."""

    def load(self) -> None:  # noqa: B027  a folder has nothing to load
        """Make ready all that needs no call."""

    def check_exists(self, url: str, /) -> None:  # noqa: B027  a service reports a missing bucket by itself
        """Check that there is a store at `url` to read. Raises StorageError."""

    @abstractmethod
    def address(self, key: str, /) -> str:
        """Return the address of the object under `key`, stored or not. Nothing is called."""

    @abstractmethod
    def put(self, key: str, data: bytes, /) -> str:
        """Write `data` whole or not at all, over the present object; return its address."""

    def put_over(self, key: str, data: bytes, /) -> bool:
        """Write `data` as `put` does; return False when there was certainly no object, which takes no further call."""
        self.put(key, data)
        return True

    @abstractmethod
    def get(self, key: str, /) -> bytes | None:
        """Read the object under `key`; None when there is none."""

    @abstractmethod
    def delete(self, key: str, /) -> None:
        """Remove the object under `key`, if there is one."""

    def delete_unchanged(self, key: str, data: bytes, /) -> bool:
        """Remove the object under `key` if it still is `data`; return True when it is gone.

        Between the last read and the removal is a moment in which it could still be written anew: most object stores
        have no condition for removing.
        """
        present = self.get(key)
        if present is None:
            return True
        if present != data:
            return False
        self.delete(key)
        return True

    @abstractmethod
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """List the objects below `folder`, which ends in a slash, at every depth: only keys after `after`.

        They come in the order of their keys, page by page, and each page is asked for when it is needed.
        """

    @abstractmethod
    def children(self, folder: str, /) -> Iterator[str]:
        """List the names of the folders one level below `folder`, without the slashes; in any order."""

    def is_empty(self, folder: str, /) -> bool:
        """Tell if there is no object below `folder`, which ends in a slash."""
        return not any(self.list(folder))

    def versioning(self) -> str | None:
        """Ask if the store keeps every version of an object; None when it has no versions."""
        return None


class Listing(NamedTuple):
    """Objects to list: below `folder`, after the key `after`, at most `most` on a page; folded by `delimiter`."""

    folder: str
    delimiter: str = ""
    after: str = ""
    most: int = KEYS_A_PAGE


class Page(NamedTuple):
    """Part of a listing: objects and names of folders, and the token that asks for the next part, if any."""

    objects: tuple[Listed, ...]
    folders: tuple[str, ...]
    next_token: str


class BucketStore(ObjectStore):
    """Objects in one bucket of a service. Subclasses make the calls."""

    scheme: ClassVar[str]
    bucket: str
    keys_a_page: int

    @override
    def address(self, key: str, /) -> str:
        """Return the object's address, as `oss://bucket/key`."""
        return f"{self.scheme}://{self.bucket}/{key}"

    @override
    def put(self, key: str, data: bytes, /) -> str:
        """Write the object; return its address. The service refuses bytes that do not arrive as sent (Content-MD5)."""
        address = self.address(key)
        self._write(f"write {address}", key, data, content_md5(data))
        return address

    @override
    def get(self, key: str, /) -> bytes | None:
        """Read the object; None when there is no such object. A missing bucket is an error."""
        try:
            return self._read(f"read {self.address(key)}", key)
        except NotFoundError:
            return None

    @override
    def delete(self, key: str, /) -> None:
        """Remove the object; the service says the same when there was none."""
        self._remove(f"remove {self.address(key)}", key)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """List the objects below `folder`, page by page; the service orders them by their keys (documented)."""
        return (page.objects for page in self._pages(Listing(folder, after=after, most=self.keys_a_page)))

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        """List the folders in `folder`, by name."""
        return (name for page in self._pages(Listing(folder, "/", most=self.keys_a_page)) for name in page.folders)

    @override
    def is_empty(self, folder: str, /) -> bool:
        """Tell if there is no object below `folder`: one call for one key."""
        return not next(self._pages(Listing(folder, most=1))).objects

    def _pages(self, wanted: Listing) -> Iterator[Page]:
        operation, token = f"list {self.address(wanted.folder)}", ""
        while True:
            page = self._page(operation, wanted, token)
            yield page
            token = page.next_token
            if not token:
                return

    @abstractmethod
    def _write(self, operation: str, key: str, data: bytes, digest: str) -> None:
        """Write the object with its Content-MD5 `digest`."""

    @abstractmethod
    def _read(self, operation: str, key: str) -> bytes:
        """Read the object. Raises NotFoundError."""

    @abstractmethod
    def _remove(self, operation: str, key: str) -> None:
        """Remove the object."""

    @abstractmethod
    def _page(self, operation: str, wanted: Listing, token: str) -> Page:
        """Ask for the page that `token` names; the token of the first page is empty."""


def folder_name(prefix: str) -> str:
    """Return `c` of `a/b/c/`: the name of a folder, as a store folds keys to it."""
    return prefix.rstrip("/").rpartition("/")[2]


def media_type(key: str) -> str:
    """Return the media type of an object of ours: JSON, or captions for players."""
    return _MEDIA_TYPES.get(key.rpartition(".")[2], "application/json")


def content_md5(data: bytes) -> str:
    """Return the header Content-MD5 of an object."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def line(value: Model) -> bytes:
    """Return a document as it is written: one line of JSON."""
    return value.model_dump_json(by_alias=True).encode() + b"\n"
