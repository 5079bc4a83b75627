"""The seam of stores that keep bytes under keys, and what goes into them and comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ice_result.core.types import Model
from ice_result.sinks.base import Listed


class ObjectStore(Protocol):
    """Bytes under keys. Keys are relative, with slashes between their parts."""

    def address(self, key: str, /) -> str:
        """The address of what is, or would be, stored under `key`. Nothing is called."""
        ...

    def put(self, key: str, data: bytes, /) -> str:
        """Write `data` whole or not at all, over what was there; its address."""
        ...

    def get(self, key: str, /) -> bytes | None:
        """What lies under `key`; None when nothing does."""
        ...

    def delete(self, key: str, /) -> None:
        """Remove what lies under `key`, if anything does."""
        ...

    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """The objects below `folder`, which ends in a slash, at every depth: only those with keys after `after`.

        They come in the order of their keys, page by page, and each page is asked for when it is needed.
        """
        ...

    def children(self, folder: str, /) -> Iterator[str]:
        """The names of the folders one level below `folder`, without the slashes; in any order."""
        ...


KEYS_A_PAGE = 1000
"""How many keys a page has at most: OSS and S3 list no more at once (documented)."""


class Page(NamedTuple):
    """A part of a listing: objects and names of folders, and the token that asks for the next part, if any."""

    objects: tuple[Listed, ...]
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


def line(value: Model) -> bytes:
    """How a document is written: one line of JSON."""
    return value.model_dump_json(by_alias=True).encode() + b"\n"
