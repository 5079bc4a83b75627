"""GetRow, BatchGetRow and GetRange."""

from __future__ import annotations

from collections.abc import Iterable

from alicloud_local.service import RefusedError
from alicloud_local.tablestore.conditions import Predicate, read_condition
from alicloud_local.tablestore.messages import Outcome, Projection, Range
from alicloud_local.tablestore.plainbuffer import encode_rows
from alicloud_local.tablestore.store import Instance, Row, invalid
from alicloud_local.tablestore.writes import UNIT_BYTES, read_row

_MOST_ROWS_OF_BATCH = 100
_MOST_ROWS_OF_PAGE = 5000
_MOST_BYTES_OF_PAGE = 4 * 1024 * 1024
_MOST_COLUMNS = 128


def get_row(instance: Instance, table_name: str, key: bytes, projection: Projection) -> Outcome:
    """Read a row, if it is there. Raises RefusedError."""
    predicate = _check(projection)
    cells = read_row(key).key
    with instance.lock:
        table = instance.table(table_name)
        row = table.rows.get(table.place(cells))
    shown = _show(row, projection, predicate) if row else None
    # A row that is missing costs one unit (documented).
    return Outcome(_units(row.size if row else 0), 0, encode_rows([(shown.key, shown.cells)]) if shown else b"")


def get_batch(
    instance: Instance, tables: Iterable[tuple[str, list[bytes], Projection]]
) -> list[tuple[str, list[Outcome | RefusedError]]]:
    """Read rows, each by itself. Raises RefusedError for a mistake in the request as a whole."""
    asked = list(tables)
    if not asked:
        raise invalid("No row specified in the request of BatchGetRow.")
    if sum(len(keys) for _, keys, _ in asked) > _MOST_ROWS_OF_BATCH:
        raise invalid(f"Rows count exceeds the upper limit: {_MOST_ROWS_OF_BATCH}.")
    results: list[tuple[str, list[Outcome | RefusedError]]] = []
    for name, keys, projection in asked:
        outcomes: list[Outcome | RefusedError] = []
        for key in keys:
            try:
                outcomes.append(get_row(instance, name, key, projection))
            except RefusedError as refusal:
                outcomes.append(refusal)
        results.append((name, outcomes))
    return results


def get_range(instance: Instance, table_name: str, wanted: Range, projection: Projection) -> tuple[Outcome, bytes]:
    """Read a page of rows; return it and the primary key to go on from, empty at the end. Raises RefusedError.

    A page ends after `limit` rows, and after 5,000 rows or 4 MB that were read, shown or not (documented).
    """
    predicate = _check(projection)
    if wanted.limit is not None and wanted.limit < 1:
        raise invalid("The limit must be greater than 0.")
    start_key, end_key = read_row(wanted.start).key, read_row(wanted.end).key
    with instance.lock:
        table = instance.table(table_name)
        start, end = table.place(start_key, bound=True), table.place(end_key, bound=True)
        if wanted.forward and start >= end:
            raise invalid("Begin key must less than end key in FORWARD")
        if not wanted.forward and start <= end:
            raise invalid("Begin key must more than end key in BACKWARD")
        rows = [table.rows[place] for place in table.between(start, end, forward=wanted.forward)]
    return _page(rows, wanted.limit, projection, predicate)


def _page(rows: list[Row], limit: int | None, projection: Projection, predicate: Predicate) -> tuple[Outcome, bytes]:
    shown: list[Row] = []
    size = 0
    next_start = b""
    for number, row in enumerate(rows):
        if len(shown) == limit or number == _MOST_ROWS_OF_PAGE or (number and size + row.size > _MOST_BYTES_OF_PAGE):
            next_start = encode_rows([(row.key, ())])
            break
        size += row.size
        seen = _show(row, projection, predicate)
        if seen is not None:
            shown.append(seen)
    return Outcome(_units(size), 0, encode_rows((row.key, row.cells) for row in shown)), next_start


def _check(projection: Projection) -> Predicate:
    if len(projection.columns) > _MOST_COLUMNS:
        raise invalid(
            f"The number of columns from the request exceeds the limit, limit count: {_MOST_COLUMNS}, "
            f"column count: {len(projection.columns)}."
        )
    return read_condition(projection.filter)


def _show(row: Row, projection: Projection, predicate: Predicate) -> Row | None:
    """Return the part of a row that is asked for; None where there is none, or where it does not pass the filter.

    The filter sees only the columns that are asked for (documented). The primary key is always whole (from the SDK's
    own tests against the service). A column of it that is asked for keeps a row without other columns [inferred].
    """
    earliest, end = projection.period
    columns = {
        name: tuple(kept[: projection.max_versions])
        for name, versions in row.columns.items()
        if (not projection.columns or name in projection.columns)
        and name >= projection.start_column
        and (not projection.end_column or name < projection.end_column)
        and (kept := [cell for cell in versions if earliest <= (cell.timestamp or 0) < end])
    }
    if projection.columns and not columns and not projection.columns & row.key.keys():
        return None
    return Row(row.key, columns) if predicate(columns) else None


def _units(size: int) -> int:
    return max(1, -(-size // UNIT_BYTES))
