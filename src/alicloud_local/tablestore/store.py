"""Tables and rows in memory, in the order of their primary keys."""

from __future__ import annotations

import bisect
import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from alicloud_local.service import RefusedError
from alicloud_local.tablestore.plainbuffer import Cell, Infinite, Value

Columns: TypeAlias = Mapping[str, tuple[Cell, ...]]
"""Columns by name: the versions of each, the newest first."""

_MOST_TABLES = 64
_KEY_TYPES: Mapping[int, type] = {1: int, 2: str, 3: bytes}
_TYPE_NAMES: Mapping[type, str] = {int: "INTEGER", str: "STRING", bytes: "BINARY", bool: "BOOLEAN", float: "DOUBLE"}
_INT64_OFFSET = 1 << 63


class KeyColumn(NamedTuple):
    """A primary key column; `type` is as in the protocol: 1 INTEGER, 2 STRING, 3 BINARY."""

    name: str
    type: int


class TableOptions(NamedTuple):
    """Options of a table. Nothing expires here, whatever `time_to_live` (seconds) says."""

    time_to_live: int = -1
    max_versions: int = 1
    deviation_seconds: int = 86_400
    allow_update: bool = True


class Row(NamedTuple):
    """A row: the values of its primary key by column name, and its other columns."""

    key: Mapping[str, Value]
    columns: Columns

    @property
    def cells(self) -> Iterable[Cell]:
        """Every version of every column."""
        return itertools.chain.from_iterable(self.columns.values())

    @property
    def size(self) -> int:
        """Size as Tablestore counts it: names and values, in bytes."""
        return sum(len(name) + value_size(value) for name, value in self.key.items()) + cells_size(self.cells)


@dataclass
class Table:
    """A table. `meta` is its TableMeta as it came; `order` has the places of its rows, sorted."""

    name: str
    key: tuple[KeyColumn, ...]
    meta: bytes
    options: TableOptions
    created: float
    throughput: tuple[int, int] = (0, 0)
    rows: dict[bytes, Row] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)

    def place(self, key: Iterable[Cell], *, bound: bool = False) -> bytes:
        """Return the place of a row among the rows; the values of a `bound` may be infinite. Raises RefusedError."""
        cells = tuple(key)
        if len(cells) != len(self.key):
            raise _invalid_key(f"Validate PK size fail. Input: {len(cells)}, Meta: {len(self.key)}.")
        for cell, column in zip(cells, self.key, strict=True):
            if cell.name != column.name:
                raise _invalid_key(f"Validate PK name fail. Input: {cell.name}, Meta: {column.name}.")
            expected = _KEY_TYPES[column.type]
            if type(cell.value) is not expected and not (bound and isinstance(cell.value, Infinite)):
                given = _TYPE_NAMES.get(type(cell.value), "none")
                raise _invalid_key(f"Validate PK type fail. Input: {given}, Meta: {_TYPE_NAMES[expected]}.")
        return b"".join(_ordered(cell.value) for cell in cells)

    def put(self, place: bytes, row: Row) -> None:
        if place not in self.rows:
            bisect.insort(self.order, place)
        self.rows[place] = row

    def delete(self, place: bytes) -> None:
        if self.rows.pop(place, None) is not None:
            del self.order[bisect.bisect_left(self.order, place)]

    def between(self, start: bytes, end: bytes, *, forward: bool) -> list[bytes]:
        """Return the places from `start`, inclusive, to `end`, exclusive, in the direction of reading."""
        if forward:
            return self.order[bisect.bisect_left(self.order, start) : bisect.bisect_left(self.order, end)]
        return self.order[bisect.bisect_right(self.order, end) : bisect.bisect_right(self.order, start)][::-1]


class Instance:
    """The tables of an instance; a thread that reads or writes them has acquired `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tables: dict[str, Table] = {}

    def create(self, table: Table) -> None:
        if table.name in self.tables:
            raise RefusedError(409, "OTSObjectAlreadyExist", "Requested table already exists.")
        if len(self.tables) >= _MOST_TABLES:
            raise RefusedError(403, "OTSQuotaExhausted", "Number of tables exceeded the quota.")
        self.tables[table.name] = table

    def table(self, name: str) -> Table:
        table = self.tables.get(name)
        if table is None:
            raise RefusedError(404, "OTSObjectNotExist", "Requested table does not exist.")
        return table


def value_size(value: Value | Infinite | None) -> int:
    """Return the size of a value as Tablestore counts it, in bytes."""
    match value:
        case bool():
            return 1
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int() | float():
            return 8
        case _:
            return 0


def cells_size(cells: Iterable[Cell]) -> int:
    """Return the size of cells: their names and values, in bytes."""
    return sum(len(cell.name.encode()) + value_size(cell.value) for cell in cells)


def _ordered(value: Value | Infinite | None) -> bytes:
    """Return bytes that sort as key values do: integers by value, texts and binaries by bytes, within infinity."""
    if value is Infinite.MIN:
        return b"\x00"
    if isinstance(value, int):
        return b"\x01" + (value + _INT64_OFFSET).to_bytes(8, "big")
    if isinstance(value, str | bytes):
        raw = value.encode() if isinstance(value, str) else value
        return b"\x01" + raw.replace(b"\x00", b"\x00\xff") + b"\x00\x00"  # the end sorts before any byte
    return b"\xff"


def _invalid_key(message: str) -> RefusedError:
    return RefusedError(400, "OTSInvalidPK", message)


def invalid(message: str) -> RefusedError:
    """Return the refusal of a request that is malformed or beyond a limit."""
    return RefusedError(400, "OTSParameterInvalid", message)


def unsupported(what: str) -> RefusedError:
    """Return the refusal of an operation that Tablestore has and the local one has not; the words are ours."""
    return invalid(f"Unsupported operation: the local Tablestore has no {what}.")
