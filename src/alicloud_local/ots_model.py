"""What is asked of Tablestore's rows and what becomes of them, as plain values."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from alicloud_local.service import RefusedError

WriteKind: TypeAlias = Literal["PutRow", "UpdateRow", "DeleteRow"]


class Write(NamedTuple):
    """One row to write; `existence` is 0 (whatever), 1 (must exist) or 2 (must not), `filter` the column condition."""

    kind: WriteKind
    row: bytes
    existence: int
    filter: bytes
    returns_key: bool


class Projection(NamedTuple):
    """What of a row is read: these columns (none: all), from `start_column` up to before `end_column`, written within
    `period` (milliseconds, without its end); and of which rows: those that pass `filter`.
    """

    columns: frozenset[str]
    start_column: str
    end_column: str
    period: tuple[int, int]
    filter: bytes


class Range(NamedTuple):
    """The rows that GetRange asks for."""

    start: bytes
    end: bytes
    forward: bool
    limit: int | None


class Outcome(NamedTuple):
    """What became of one row: capacity units of 4 KB read and written, and the row to return, if any."""

    read: int
    written: int
    row: bytes = b""


def invalid(message: str) -> RefusedError:
    return RefusedError(400, "OTSParameterInvalid", message)


def unsupported(what: str) -> RefusedError:
    """What the real service does and the stand-in does not; the words are ours."""
    return invalid(f"Unsupported operation: the local Tablestore has no {what}.")
