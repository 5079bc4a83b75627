"""SQL of the `sqlite:` store, made from the tables' description. Values always go in through parameters."""

# ruff: noqa: S608  the only texts put into these are names of tables and columns, from schema.py

from __future__ import annotations

from collections.abc import Sequence

from ice_result.sinks.base import JobFilter
from ice_result.sinks.table.rows import LINE_COLUMNS, OLD_FILE_COUNT, time_text
from ice_result.sinks.table.schema import ITEMS, JOBS, OUTPUTS, Column, Table

_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "BOOLEAN"}
_MOMENT = "coalesce(finish_time, create_time)"


def _declaration(column: Column) -> str:
    return f"{column.name} {_TYPES[column.type]}{' NOT NULL' if column.key else ''}"


def create(table: Table, *, name: str | None = None) -> str:
    """Return the statement that makes a table, under another name if one is given."""
    columns = ", ".join(_declaration(column) for column in table.columns)
    key = ", ".join(column.name for column in table.key)
    return f"CREATE TABLE {name or table.name} ({columns}, PRIMARY KEY ({key}))"


def add_column(table: Table, name: str) -> str:
    """Return the statement that adds a column of `table` that is missing."""
    column = next(column for column in table.columns if column.name == name)
    return f"ALTER TABLE {table.name} ADD COLUMN {_declaration(column)}"


def _insert(table: Table) -> str:
    names = ", ".join(column.name for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"


SET_UP = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
"""Sets a connection up: a COMMIT is on disk when it returns."""
CREATE_INDEX = f"CREATE INDEX IF NOT EXISTS ice_jobs_by_time ON {JOBS.name} ({_MOMENT}, job_id)"
UPSERT_JOB = (
    f"{_insert(JOBS)} ON CONFLICT (job_id) DO UPDATE SET "
    + ", ".join(f"{column.name} = excluded.{column.name}" for column in JOBS.columns if not column.key)
    + f" WHERE excluded.generation >= {JOBS.name}.generation"
)
"""Writes a job's row unless a later generation is there: no row is changed then."""
INSERT = {table.name: _insert(table) for table in (OUTPUTS, ITEMS)}
DELETE_DETAILS = {table.name: f"DELETE FROM {table.name} WHERE job_id = ?" for table in (OUTPUTS, ITEMS)}
COLUMNS_THERE = (
    "SELECT tables.name AS table_name, columns.name AS column_name, columns.type AS column_type "
    "FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
)


def select_job(columns: Sequence[str]) -> str:
    """Return the query for these columns of one job's row."""
    return f"SELECT {', '.join(columns)} FROM {JOBS.name} WHERE job_id = ?"


def page_of_ids(wanted: JobFilter, after: str, most: int) -> tuple[str, tuple[str | int, ...]]:
    """Return the query for the next job ids behind `after`, at most `most`, in their order, and its values."""
    conditions = {
        "job_id > ?": after,
        "function_name = ?": wanted.function_name,
        f"{_MOMENT} >= ?": time_text(wanted.since),
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(asked)
    return f"SELECT job_id FROM {JOBS.name} WHERE {where} ORDER BY job_id LIMIT ?", (*asked.values(), most)


def listing(wanted: JobFilter, *, is_version_1: bool) -> tuple[str, tuple[str, ...]]:
    """Return the query for these jobs, newest first, and its values."""
    columns = [OLD_FILE_COUNT if is_version_1 and name == "file_count" else name for name in LINE_COLUMNS]
    conditions = {
        "function_name = ?": wanted.function_name,
        "state = ?": wanted.state,
        "outcome = ?": wanted.outcome,
        f"{_MOMENT} >= ?": time_text(wanted.since),
    }
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    every = [*asked, *(["complete IS NOT TRUE"] if wanted.incomplete else [])]
    where = f" WHERE {' AND '.join(every)}" if every else ""
    query = f"SELECT {', '.join(columns)} FROM {JOBS.name}{where} ORDER BY {_MOMENT} DESC, job_id DESC"
    return query, tuple(asked.values())
