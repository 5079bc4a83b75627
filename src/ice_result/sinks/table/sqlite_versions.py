"""Tables in a SQLite file: made where they are missing, and brought to the present version.

    version 1                     this version
    ice_jobs.files                ice_jobs.file_count
    ice_jobs.priority TEXT        ice_jobs.priority INTEGER
    –                             ice_jobs.result_stored, ice_jobs.files_stored
    –                             ice_outputs.storage_class
    –                             ice_parked

Later releases of version 2 have more columns, which are added to a file of any earlier release. Rows that were written
before have null there.

    ice_jobs      notified, output_seconds
    ice_outputs   the facts of media
    ice_items     those of new families of results

All of it happens in the transaction of the caller. The type of a column cannot be changed, so ice_jobs is copied; its
indexes, its triggers and the columns that others added stay. `record` and `manifest` stay as they were written:
`ice-result redecode` brings those up to date.
"""

# ruff: noqa: S608  the only texts put into these are names of tables and columns, from schema.py or quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ice_result.errors import StorageError
from ice_result.sinks.table.rows import OLD_FILE_COUNT, OUTPUT_SECONDS
from ice_result.sinks.table.schema import (
    FAMILY_COLUMNS,
    ITEMS,
    JOBS,
    MEDIA_COLUMNS,
    OUTPUTS,
    SQLITE_TABLES,
    Column,
    Table,
)

Columns = Mapping[str, Mapping[str, str]]
"""Present columns with their types, by table."""
COLUMNS_THERE = (
    "SELECT tables.name AS table_name, columns.name, columns.type "
    "FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
)
MOMENT = "coalesce(finish_time, create_time)"
_INDEX = f"CREATE INDEX IF NOT EXISTS ice_jobs_by_time ON {JOBS.name} ({MOMENT}, job_id)"
_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "BOOLEAN"}
_ADDED = {
    JOBS.name: {OUTPUT_SECONDS, *(column.name for column in JOBS.columns if column.apart)},
    OUTPUTS.name: {"storage_class", *(column.name for column in MEDIA_COLUMNS)},
    ITEMS.name: {column.name for column in FAMILY_COLUMNS},
}
_OF_JOBS_SINCE_VERSION_1 = {"file_count", "result_stored", "files_stored"}
_COPY = f"{JOBS.name}_copy"
_VALUES = {
    "priority": (
        "CASE WHEN length(priority) BETWEEN 1 AND 18 AND priority NOT GLOB '*[^0-9]*' "
        "THEN CAST(priority AS INTEGER) END"
    ),
    "result_stored": "1",
    "files_stored": "1",
    OUTPUT_SECONDS: "NULL",
}
_COLUMNS = f"SELECT name, type, dflt_value FROM pragma_table_info('{JOBS.name}')"
_MADE_BY_OTHERS = (
    f"SELECT sql FROM sqlite_master WHERE tbl_name = '{JOBS.name}' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)


def columns_of(rows: Iterable[Iterable[object]]) -> Columns:
    """Return the columns that the query COLUMNS_THERE found."""
    there: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        there.setdefault(str(table), {})[str(column)] = str(kind)
    return there


def check_tables(there: Columns, path: Path) -> None:
    """Check that each table is of this version or can be migrated to it. Raises StorageError."""
    for table in SQLITE_TABLES:
        lacking = _lacking(table, there)
        if table.name in there and lacking and not _can_be_migrated(table, there):
            raise StorageError(
                f"{path}: table {table.name} is not ours or of another version: it has no column "
                f"{', '.join(sorted(lacking))}; move it away, or name another file"
            )


def prepare_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Make and migrate tables, within a transaction. Raises StorageError for tables that are not ours."""
    there = columns_of(connection.execute(COLUMNS_THERE))
    check_tables(there, path)
    for table in SQLITE_TABLES:
        if table.name not in there:
            connection.execute(_create(table))
        elif _lacking(table, there):
            is_copied = table is JOBS and OLD_FILE_COUNT in there[JOBS.name]
            statements = _copying_jobs(connection) if is_copied else _adding_columns(table, there)
            for statement in statements:
                connection.execute(statement)
    connection.execute(_INDEX)


def _declaration(column: Column) -> str:
    return f"{column.name} {_TYPES[column.type]}{' NOT NULL' if column.key else ''}"


def _create(table: Table, *, name: str | None = None) -> str:
    columns = ", ".join(_declaration(column) for column in table.columns)
    key = ", ".join(column.name for column in table.key)
    return f"CREATE TABLE {name or table.name} ({columns}, PRIMARY KEY ({key}))"


def _lacking(table: Table, there: Columns) -> set[str]:
    return {column.name for column in table.columns} - there.get(table.name, {}).keys()


def _can_be_migrated(table: Table, there: Columns) -> bool:
    added = _ADDED.get(table.name, set())
    if table is JOBS and OLD_FILE_COUNT in there[JOBS.name]:
        added = added | _OF_JOBS_SINCE_VERSION_1
    return _lacking(table, there) <= added


def _adding_columns(table: Table, there: Columns) -> Iterator[str]:
    """Return the statements that add the columns a table lacks; rows that are there have null in them."""
    lacking = _lacking(table, there)
    added = [column for column in table.columns if column.name in lacking]
    return (f"ALTER TABLE {table.name} ADD COLUMN {_declaration(column)}" for column in added)


def _copying_jobs(connection: sqlite3.Connection) -> Iterator[str]:
    """List the statements that copy ice_jobs, in SQLite's documented order for changes that have no statement."""
    ours = [column.name for column in JOBS.written]
    others = {
        name: kind if default is None else f"{kind} DEFAULT {default}"
        for name, kind, default in connection.execute(_COLUMNS)
        if name not in {*(column.name for column in JOBS.columns), OLD_FILE_COUNT}
    }
    quoted = {name: '"{}"'.format(name.replace('"', '""')) for name in others}
    yield f"ALTER TABLE {JOBS.name} RENAME COLUMN {OLD_FILE_COUNT} TO file_count"
    made_by_others = [str(sql) for (sql,) in connection.execute(_MADE_BY_OTHERS)]
    yield _create(JOBS, name=_COPY)
    yield from (f"ALTER TABLE {_COPY} ADD COLUMN {quoted[name]} {kind}" for name, kind in others.items())
    names = ", ".join([*ours, *quoted.values()])
    values = ", ".join([*(_VALUES.get(name, name) for name in ours), *quoted.values()])
    yield f"INSERT INTO {_COPY} ({names}) SELECT {values} FROM {JOBS.name}"
    yield f"DROP TABLE {JOBS.name}"
    yield "PRAGMA legacy_alter_table = ON"  # else views of the table stand in the way of its name
    yield f"ALTER TABLE {_COPY} RENAME TO {JOBS.name}"
    yield "PRAGMA legacy_alter_table = OFF"
    yield from made_by_others
