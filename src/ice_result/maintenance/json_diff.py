"""What is different between two writings of a document, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal, TypeAlias

from ice_result.core.types import JsonValue, Model

ChangeOp: TypeAlias = Literal["add", "remove", "replace"]


class Change(Model):
    """One value that is other than it was, or not there in the old or in the new document; that one is then null.

    `path` is a JSON pointer that begins with `/record` or `/manifest`.
    """

    op: ChangeOp
    path: str
    old: JsonValue = None
    new: JsonValue = None


class _Absent:
    """Stands where a list has ended."""


_ABSENT = _Absent()


def changes(old: JsonValue, new: JsonValue, path: str) -> Iterator[Change]:
    """The differences, in the new document's order; what is gone comes last. As deep as the documents are alike."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in new.items():
            yield from _changes(old.get(name, _ABSENT), value, f"{path}/{_escaped(name)}")
        for name in (name for name in old if name not in new):
            yield Change(op="remove", path=f"{path}/{_escaped(name)}", old=old[name])
    elif isinstance(old, list) and isinstance(new, list):
        for number, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _changes(before, after, f"{path}/{number}")
    elif (type(old), old) != (type(new), new):
        yield Change(op="replace", path=path, old=old, new=new)


def _changes(old: JsonValue | _Absent, new: JsonValue | _Absent, path: str) -> Iterator[Change]:
    if not isinstance(new, _Absent):
        if not isinstance(old, _Absent):
            yield from changes(old, new, path)
        else:
            yield Change(op="add", path=path, new=new)
    elif not isinstance(old, _Absent):
        yield Change(op="remove", path=path, old=old)


def _escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
