"""Headers of requests and replies over HTTP/1.1."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, Sequence

from typing_extensions import override


class Headers(MutableMapping[str, str]):
    """Headers by name, in upper or lower case; they keep the case in which they were set last."""

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None) -> None:
        self._by_lower: dict[str, tuple[str, str]] = {}
        self.update(headers or ())

    @override
    def __getitem__(self, name: str) -> str:
        return self._by_lower[name.lower()][1]

    @override
    def __setitem__(self, name: str, value: str) -> None:
        self._by_lower[name.lower()] = (name, value)

    @override
    def __delitem__(self, name: str) -> None:
        del self._by_lower[name.lower()]

    @override
    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._by_lower.values())

    @override
    def __len__(self) -> int:
        return len(self._by_lower)

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_lower

    def add(self, name: str, value: str) -> None:
        """Set a header, or add to its value behind a comma."""
        before = self._by_lower.get(name.lower())
        self._by_lower[name.lower()] = (name, f"{before[1]}, {value}" if before else value)

    def text(self, lower_name: str) -> str:
        """Return the value of a header by its name in lower case; empty without one."""
        found = self._by_lower.get(lower_name)
        return found[1] if found else ""

    def copy(self) -> Headers:
        """Return headers of their own."""
        return Headers(self)

    @override
    def items(self) -> ItemsView[str, str]:
        """Return the names and values."""
        return dict(self._by_lower.values()).items()


def read_headers(lines: Sequence[str]) -> Headers:
    """Read `name: value` lines. Values of one name are joined with commas."""
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name[0] in " \t":
            raise ConnectionError("the reply is not valid HTTP: a line in its head is not a header")
        headers.add(name, value.strip(" \t"))
    return headers
