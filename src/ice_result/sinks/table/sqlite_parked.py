"""Parked events and notes in the SQLite file of the jobs: the keys of an object store, in one table.

The columns beside the document are for people who query the table. The program reads the key, the document, and the
time of its last writing.
"""

# ruff: noqa: S608  the only texts put into statements are names of tables and columns, from schema.py; values never are

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from pydantic import Field, ValidationError
from typing_extensions import override

from ice_result.core.types import Model, utc_time
from ice_result.sinks.object.store import KEYS_A_PAGE, ObjectStore
from ice_result.sinks.parked_model import Listed, ParkedError
from ice_result.sinks.table.rows import Row, Value, time_text
from ice_result.sinks.table.schema import PARKED
from ice_result.sinks.table.sqlite_database import SqliteDatabase, upsert

_UPSERT = upsert(PARKED)
_GET = f"SELECT document FROM {PARKED.name} WHERE object_key = ?"
_DELETE = f"DELETE FROM {PARKED.name} WHERE object_key = ?"
_LIST = (
    f"SELECT object_key, written FROM {PARKED.name} WHERE object_key > ? AND object_key < ? ORDER BY object_key LIMIT ?"
)
_NEXT = f"SELECT min(object_key) AS object_key FROM {PARKED.name} WHERE object_key > ? AND object_key < ?"
_AFTER_SLASH = "0"  # the character after the slash: keys below `a/` are greater than `a/` and less than `a0`
_LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class SqliteObjects(ObjectStore):
    """Documents in the table `ice_parked`, whose addresses begin with `url`."""

    url: str
    database: SqliteDatabase
    keys_a_page: int = KEYS_A_PAGE

    @override
    def check_exists(self, url: str, /) -> None:
        self.database.check_exists(url)

    @override
    def address(self, key: str, /) -> str:
        """Return the address of the row."""
        return f"{self.url}#{PARKED.name}/{key}"

    @override
    def put(self, key: str, data: bytes, /) -> str:
        """Write the row durably, in place of the present one; return its address."""
        row = _row(key, data)
        values = [row.get(column.name) for column in PARKED.columns]
        self.database.write(lambda connection: connection.execute(_UPSERT, values))
        return self.address(key)

    @override
    def get(self, key: str, /) -> bytes | None:
        """Read the document; None when there is no such row, table or file."""
        row = next(self.database.read(_GET, (key,)), None)
        return None if row is None else _bytes(row["document"])

    @override
    def delete(self, key: str, /) -> None:
        """Remove the row, if there is one."""
        if self.database.exists():
            self.database.write(lambda connection: connection.execute(_DELETE, (key,)))

    @override
    def delete_unchanged(self, key: str, data: bytes, /) -> bool:
        """Compare and remove the row in one transaction: no writing can come between."""

        def delete(connection: sqlite3.Connection) -> bool:
            row = connection.execute(_GET, (key,)).fetchone()
            if row is None:
                return True
            if _bytes(row[0]) != data:
                return False
            connection.execute(_DELETE, (key,))
            return True

        return self.database.write(delete) if self.database.exists() else True

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        """List the rows below `folder`, page by page: a reader that stays would keep the log of all later writings."""
        last, end = max(folder, after), _end_of(folder)
        while page := [*map(_listed, self.database.read(_LIST, (last, end, self.keys_a_page)))]:
            yield page
            last = page[-1].key

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        """List the folders in `folder`, by name, with one lookup in the index of keys for each."""
        last, end = folder, _end_of(folder)
        while key := self._next_key(last, end):
            name, slash, _ = key.removeprefix(folder).partition("/")
            if slash:
                yield name
            last = f"{folder}{name}{_AFTER_SLASH}" if slash else key

    def _next_key(self, after: str, end: str) -> str | None:
        row = next(self.database.read(_NEXT, (after, end)), None)
        return None if row is None or row["object_key"] is None else str(row["object_key"])


def _end_of(folder: str) -> str:
    return f"{folder[:-1]}{_AFTER_SLASH}"


def _row(key: str, data: bytes) -> dict[str, Value | bytes]:
    """Make a row of a document; of one that is neither a parked event nor a note, only the document."""
    row: dict[str, Value | bytes] = {
        "object_key": key,
        "written": time_text(datetime.now(timezone.utc)),
        "document": _stored(data),
    }
    try:
        facts = _Facts.model_validate_json(data)
    except ValidationError:
        return row
    return {
        **row,
        "kind": facts.schema_.removeprefix("ice_result.").removesuffix("/1"),
        "reason": facts.reason,
        "job_id": facts.job_id,
        "attempts": facts.attempts,
        "dead": facts.dead,
        "error": facts.error.message if facts.error else None,
        "first_parked": time_text(facts.first_parked),
        "due_at": time_text(facts.due_at),
    }


class _Facts(Model):
    """Part of a parked event or a note that has a column: the event itself, which may be large, is not read."""

    schema_: Literal["ice_result.parked/1", "ice_result.expected/1"] = Field(alias="schema")
    reason: str | None = None
    job_id: str | None = None
    attempts: int | None = Field(default=None, lt=2**63)
    dead: bool | None = None
    error: ParkedError | None = None
    first_parked: datetime | None = None
    due_at: datetime | None = None


def _stored(data: bytes) -> str | bytes:
    """Return a document as a text, as people read it; as bytes when it is none."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _bytes(document: object) -> bytes:
    return document if isinstance(document, bytes) else str(document or "").encode()


def _listed(row: Row) -> Listed:
    return Listed(str(row["object_key"]), utc_time(str(row["written"])) or _LONG_AGO)
