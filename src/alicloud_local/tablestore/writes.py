"""PutRow, UpdateRow, DeleteRow and BatchWriteRow: limits first, then condition and change in one step per row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from alicloud_local.service import RefusedError
from alicloud_local.tablestore.conditions import Predicate, read_condition
from alicloud_local.tablestore.messages import Outcome, Write, WriteKind
from alicloud_local.tablestore.plainbuffer import (
    Cell,
    CellOperation,
    Infinite,
    PlainBufferError,
    PlainRow,
    Value,
    decode_row,
    encode_rows,
)
from alicloud_local.tablestore.store import Columns, Instance, Row, Table, cells_size, invalid, value_size

UNIT_BYTES = 4096

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_LONGEST_KEY_BYTES = 1024
_LONGEST_VALUE_BYTES = 2 * 1024 * 1024
_MOST_COLUMNS = 1024
_MOST_BYTES = 4 * 1024 * 1024
_MOST_ROWS = 200


class Change(NamedTuple):
    """A write that is well-formed and within the limits."""

    kind: WriteKind
    key: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    existence: int
    predicate: Predicate
    returns_key: bool
    is_conditional: bool

    @property
    def size(self) -> int:
        return cells_size(self.key) + cells_size(self.cells)


def write_row(instance: Instance, table_name: str, write: Write, now_ms: int) -> Outcome:
    """Write a row. Raises RefusedError."""
    change = _check(write)
    _check_size(change.kind, change.size)
    with instance.lock:
        return _apply(instance.table(table_name), change, now_ms)


def write_batch(
    instance: Instance, tables: Iterable[tuple[str, list[Write]]], now_ms: int
) -> list[tuple[str, list[Outcome | RefusedError]]]:
    """Write rows in order, each by itself. Raises RefusedError for a mistake in the request as a whole."""
    checked = [(name, [_check(write) for write in writes]) for name, writes in tables]
    _check_batch(checked)
    results: list[tuple[str, list[Outcome | RefusedError]]] = []
    for name, changes in checked:
        outcomes: list[Outcome | RefusedError] = []
        for change in changes:
            try:
                with instance.lock:
                    outcomes.append(_apply(instance.table(name), change, now_ms))
            except RefusedError as refusal:
                outcomes.append(refusal)
        results.append((name, outcomes))
    return results


def check_name(kind: str, name: str) -> None:
    """Check the name of a table or column. Raises RefusedError."""
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid {kind} name: '{name}'.")


def read_row(data: bytes) -> PlainRow:
    """Read a row with a primary key within the limits. Raises RefusedError."""
    try:
        row = decode_row(data)
    except PlainBufferError as error:
        raise invalid(f"Invalid PlainBuffer: {error}.") from error
    for cell in row.key:
        if value_size(cell.value) > _LONGEST_KEY_BYTES:
            raise invalid(
                f"The length of primary key column: '{cell.name}' exceeds the MaxLength:{_LONGEST_KEY_BYTES} "
                f"with CurrentLength:{value_size(cell.value)}."
            )
    return row


def _check(write: Write) -> Change:
    row = read_row(write.row)
    if write.kind == "DeleteRow":
        if not row.deleted:
            raise invalid("Invalid request of delete row: missing RowDeleteMarker in request.")
        if row.cells:
            raise invalid("Invalid delete row request: unexpected cells in request.")
    else:
        _check_cells(write.kind, row)
    predicate = read_condition(write.filter)
    is_conditional = bool(write.existence or write.filter)
    return Change(write.kind, row.key, row.cells, write.existence, predicate, write.returns_key, is_conditional)


def _check_cells(kind: WriteKind, row: PlainRow) -> None:
    if row.deleted:
        raise invalid("Invalid request of put/update row: unexpected RowDeleteMarker in request.")
    if not row.cells:  # for PutRow: the code is documented, that it still comes up there is inferred
        missing = "Attribute column is missing."
        raise invalid(missing if kind == "PutRow" else "Invalid update row request: missing cells in request.")
    if len(row.cells) > _MOST_COLUMNS:
        raise invalid(
            f"The number of attribute columns exceeds the limit, limit count: {_MOST_COLUMNS}, "
            f"column count: {len(row.cells)}."
        )
    key_names = {cell.name for cell in row.key}
    for cell in row.cells:
        _check_cell(kind, cell)
        if cell.name in key_names:
            raise invalid(f"Duplicated attribute column name with primary key column: '{cell.name}'.")


def _check_cell(kind: WriteKind, cell: Cell) -> None:
    check_name("column", cell.name)
    if cell.operation is not None and kind == "PutRow":
        raise invalid(f"OpType cannot be given for column name: '{cell.name}' in PutRow.")
    if cell.operation == CellOperation.DELETE_ONE_VERSION and cell.timestamp is None:
        raise invalid("Timestamp must be given when type is DELETE_ONE_VERSION.")
    if cell.operation is None and (cell.value is None or isinstance(cell.value, Infinite)):
        raise invalid(f"Invalid cell: '{cell.name}'. Reason: missing value.")
    if value_size(cell.value) > _LONGEST_VALUE_BYTES:
        raise invalid(
            f"The length of attribute column: '{cell.name}' exceeded the MaxLength:{_LONGEST_VALUE_BYTES} "
            f"with CurrentLength:{value_size(cell.value)}."
        )


def _check_batch(tables: list[tuple[str, list[Change]]]) -> None:
    if not tables:
        raise invalid("No row is specified in BatchWriteRow.")
    names = [name for name, _ in tables]
    for name, changes in tables:
        if names.count(name) > 1:
            raise invalid(f"Duplicated table name: '{name}'.")
        if not changes:
            raise invalid(f"No operation is specified for table: '{name}'.")
        times = Counter(change.key for change in changes)
        if any(times[change.key] > 1 and change.is_conditional for change in changes):
            raise invalid("Repeated rows do not support row condition check in BatchModify.")
    if sum(len(changes) for _, changes in tables) > _MOST_ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {_MOST_ROWS}.")
    _check_size("BatchWriteRow", sum(change.size for _, changes in tables for change in changes))


def _check_size(operation: str, size: int) -> None:
    if size > _MOST_BYTES:
        raise invalid(
            f"The total data size of {operation} request exceeds the limit, limit size: {_MOST_BYTES}, "
            f"data size: {size}."
        )


def _apply(table: Table, change: Change, now_ms: int) -> Outcome:
    """Test the condition and make the change; the caller has acquired the lock."""
    place = table.place(change.key)
    _check_timestamps(table, change.cells, now_ms)
    row = table.rows.get(place)
    if (change.existence == 1 and row is None) or (change.existence == 2 and row is not None):  # noqa: PLR2004  Write
        raise _condition_failed()
    # A row that is not there has no column that a condition could look at (inferred): all are missing.
    if not change.predicate(row.columns if row else {}):
        raise _condition_failed()
    key = _key_values(change.key)
    if change.kind == "DeleteRow":
        table.delete(place)
    else:
        before = row.columns if row and change.kind == "UpdateRow" else {}
        columns = _changed(before, change.cells, now_ms, table.options.max_versions)
        if columns or row:  # deletions alone do not make a row
            table.put(place, Row(key, columns))
    units = -(-change.size // UNIT_BYTES)
    return Outcome(1 if change.is_conditional else 0, units, encode_rows([(key, ())]) if change.returns_key else b"")


def _changed(before: Columns, changes: Iterable[Cell], now_ms: int, max_versions: int) -> Columns:
    """Return the columns after a change: of each, the versions with the latest timestamps."""
    columns = dict(before)
    for change in changes:
        versions = {cell.timestamp or 0: cell for cell in columns.pop(change.name, ())}
        timestamp = now_ms if change.timestamp is None else change.timestamp
        match change.operation:
            case None:
                versions[timestamp] = Cell(change.name, change.value, None, timestamp)
            case CellOperation.INCREMENT:
                newest = max(versions, default=timestamp)
                value = _incremented(versions.get(newest), change)
                timestamp = max(newest, timestamp)
                versions[timestamp] = Cell(change.name, value, None, timestamp)
            case CellOperation.DELETE_ALL_VERSIONS:
                versions.clear()
            case _:
                versions.pop(timestamp, None)
        kept = sorted(versions, reverse=True)[:max_versions]
        if kept:
            columns[change.name] = tuple(versions[each] for each in kept)
    return dict(sorted(columns.items()))


def _incremented(current: Cell | None, change: Cell) -> int:
    """Return the value of an atomic counter; one that is not there begins at 0. The words of refusals are ours."""
    before = 0 if current is None else current.value
    if type(before) is not int or type(change.value) is not int:
        raise invalid(f"Column '{change.name}' and its increment must be INTEGER.")
    value = before + change.value
    if not -(1 << 63) <= value < 1 << 63:
        raise invalid(f"The increment of column '{change.name}' overflows.")
    return value


def _check_timestamps(table: Table, cells: Iterable[Cell], now_ms: int) -> None:
    deviation = table.options.deviation_seconds * 1000
    for cell in cells:
        if cell.operation is None and cell.timestamp is not None and abs(cell.timestamp - now_ms) > deviation:
            raise invalid(f"Invalid timestamp. Cell: '{cell.name}'.")


def _key_values(key: Iterable[Cell]) -> dict[str, Value]:
    return {cell.name: cell.value for cell in key if cell.value is not None and not isinstance(cell.value, Infinite)}


def _condition_failed() -> RefusedError:
    return RefusedError(403, "OTSConditionCheckFail", "Condition check failed.")
