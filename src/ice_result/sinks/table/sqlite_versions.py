"""The tables in a SQLite file: made where they are missing, and brought from version 1 to this one.

    version 1                     this version
    ice_jobs.files                ice_jobs.file_count
    ice_jobs.priority TEXT        ice_jobs.priority INTEGER
    –                             ice_jobs.result_stored, ice_jobs.files_stored
    –                             ice_outputs.storage_class

All of it happens in the transaction of the caller. The type of a column cannot be changed, so ice_jobs is copied; its
indexes, its triggers and the columns that others added stay. `record` and `manifest` stay as they were written:
`ice-result redecode` brings those up to date.
"""

# ruff: noqa: S608  all that is put into these texts are names of tables and columns, from schema.py or quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ice_result.errors import StorageError
from ice_result.sinks.table.rows import OLD_FILE_COUNT
from ice_result.sinks.table.schema import JOBS, OUTPUTS, TABLES, Table
from ice_result.sinks.table.sqlite_statements import COLUMNS_THERE, CREATE_INDEX, create

Columns = Mapping[str, Mapping[str, str]]
"""The columns that are there with their types, by table."""
_SINCE_VERSION_1 = {
    JOBS.name: {"file_count", "result_stored", "files_stored"},
    OUTPUTS.name: {"storage_class"},
}
_COPY = f"{JOBS.name}_copy"
_VALUES = {
    "priority": (
        "CASE WHEN length(priority) BETWEEN 1 AND 18 AND priority NOT GLOB '*[^0-9]*' "
        "THEN CAST(priority AS INTEGER) END"
    ),
    "result_stored": "1",
    "files_stored": "1",
}
_COLUMNS = f"SELECT name, type, dflt_value FROM pragma_table_info('{JOBS.name}')"
_MADE_BY_OTHERS = (
    f"SELECT sql FROM sqlite_master WHERE tbl_name = '{JOBS.name}' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)


def columns_of(rows: Sequence[Mapping[str, object]]) -> Columns:
    """The columns that the query COLUMNS_THERE found."""
    there: dict[str, dict[str, str]] = {}
    for row in rows:
        there.setdefault(str(row["table_name"]), {})[str(row["column_name"])] = str(row["column_type"])
    return there


def check_tables(there: Columns, path: Path) -> None:
    """Raises StorageError for a table that is neither of this version nor of version 1."""
    for table in TABLES:
        lacking = _lacking(table, there)
        if table.name in there and lacking and not _is_version_1(table, there):
            raise StorageError(
                f"{path}: table {table.name} is not ours or of another version: it has no column "
                f"{', '.join(sorted(lacking))}; move it away, or name another file"
            )


def prepare_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Make and migrate tables, within a transaction. Raises StorageError for tables that are not ours."""
    cursor = connection.execute(COLUMNS_THERE)
    names = [name for name, *_ in cursor.description]
    there = columns_of([dict(zip(names, row, strict=True)) for row in cursor])
    check_tables(there, path)
    for table in TABLES:
        if table.name not in there:
            connection.execute(create(table))
        elif _lacking(table, there):
            _migrate(table, connection)
    connection.execute(CREATE_INDEX)


def _lacking(table: Table, there: Columns) -> set[str]:
    return {column.name for column in table.columns} - there.get(table.name, {}).keys()


def _is_version_1(table: Table, there: Columns) -> bool:
    known = table is not JOBS or OLD_FILE_COUNT in there[JOBS.name]
    return known and _lacking(table, there) == _SINCE_VERSION_1.get(table.name)


def _migrate(table: Table, connection: sqlite3.Connection) -> None:
    if table is JOBS:
        for statement in _copying_jobs(connection):
            connection.execute(statement)
    else:
        connection.execute(f"ALTER TABLE {OUTPUTS.name} ADD COLUMN storage_class TEXT")


def _copying_jobs(connection: sqlite3.Connection) -> Iterator[str]:
    """The statements that copy ice_jobs, in the order that SQLite documents for changes it has no statement for."""
    ours = [column.name for column in JOBS.columns]
    others = {
        name: kind if default is None else f"{kind} DEFAULT {default}"
        for name, kind, default in connection.execute(_COLUMNS)
        if name not in {*ours, OLD_FILE_COUNT}
    }
    quoted = {name: '"{}"'.format(name.replace('"', '""')) for name in others}
    yield f"ALTER TABLE {JOBS.name} RENAME COLUMN {OLD_FILE_COUNT} TO file_count"
    made_by_others = [str(sql) for (sql,) in connection.execute(_MADE_BY_OTHERS)]
    yield create(JOBS, name=_COPY)
    yield from (f"ALTER TABLE {_COPY} ADD COLUMN {quoted[name]} {kind}" for name, kind in others.items())
    names = ", ".join([*ours, *quoted.values()])
    values = ", ".join([*(_VALUES.get(name, name) for name in ours), *quoted.values()])
    yield f"INSERT INTO {_COPY} ({names}) SELECT {values} FROM {JOBS.name}"
    yield f"DROP TABLE {JOBS.name}"
    yield "PRAGMA legacy_alter_table = ON"  # else views of the table stand in the way of its name
    yield f"ALTER TABLE {_COPY} RENAME TO {JOBS.name}"
    yield "PRAGMA legacy_alter_table = OFF"
    yield from made_by_others
