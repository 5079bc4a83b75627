"""Differences between two versions of a stored document, as `redecode --dry-run` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from ice_result.core.types import JsonValue, Model

ChangeOp: TypeAlias = Literal["add", "remove", "replace"]


class Change(Model):
    """A value that differs between two versions of a document. A value that is absent in one of them is null there.

    `path` is a JSON pointer that begins with `/record`, `/manifest`, `/pointer` or `/contents`. Of a content, the
    address and the SHA-256 of its file are shown.
    """

    op: ChangeOp
    path: str
    old: JsonValue = None
    new: JsonValue = None


def changes(old: JsonValue, new: JsonValue, path: str) -> Iterator[Change]:
    """Yield the differences in the order of the new document; removed values come last.

    It is not a text diff of `difflib`: programs read the changes, and secrets are removed from them by their paths.
    """
    before, after = _members(old), _members(new)
    if type(old) is not type(new) or before is None or after is None:
        if (type(old), old) != (type(new), new):
            yield Change(op="replace", path=path, old=old, new=new)
        return
    for name, value in after.items():
        if name in before:
            yield from changes(before[name], value, f"{path}/{name}")
        else:
            yield Change(op="add", path=f"{path}/{name}", new=value)
    for name in (name for name in before if name not in after):
        yield Change(op="remove", path=f"{path}/{name}", old=before[name])


def _members(value: JsonValue) -> dict[str, JsonValue] | None:
    """Return the members of an object or an array, by their names in a JSON pointer (RFC 6901)."""
    if isinstance(value, dict):
        return {name.replace("~", "~0").replace("/", "~1"): member for name, member in value.items()}
    return {str(number): item for number, item in enumerate(value)} if isinstance(value, list) else None
