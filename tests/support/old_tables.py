"""Three jobs in version 1 of the tables, dumped from a SQLite file of that version [measured]."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from alicloud_local import LocalCloud
from ice_result.core.endpoints import parse_endpoint
from ice_result.sinks import SinkContext
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.table.rows import Row, Rows
from ice_result.sinks.table.tablestore import TablestoreSink
from ice_result.sinks.table.tablestore_client import Tablestore

DUMP = Path(__file__).with_name("tables_version_1.sql")
OLD_JOBS = ("audioqualityassessment-0001", "captionextraction-0001", "cover-0001")
_BOOLEANS = {"complete", "raw_stored", "present", "valid"}


def write_old_file(path: Path) -> None:
    """Make the SQLite file, in the mode that version left it in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(DUMP.read_text(encoding="utf-8"))


def write_old_rows(cloud: LocalCloud, instance: str) -> None:
    """Put the same rows into Tablestore, whose tables are there."""
    context = SinkContext(region=cloud.region, ots_endpoint=parse_endpoint(cloud.ots.endpoint))
    sink = TablestoreSink(f"ots://{instance}", Tablestore(instance, context))
    for rows in _old_jobs():
        sink.write(rows)


def write_old_objects(folder: Path) -> None:
    """Write the same records and manifests into a folder, as a `file:` sink does."""
    for job in (rows.job for rows in _old_jobs()):
        created = datetime.fromisoformat(str(job["create_time"]).replace("Z", "+00:00"))
        place = Layout().record_of(str(job["job_id"]), str(job["function_name"]), created)
        for column, key in (("record", place), ("manifest", Layout().manifest_of(place))):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{job[column]}\n", encoding="utf-8")


def _old_jobs() -> list[Rows]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(DUMP.read_text(encoding="utf-8"))
        tables = [[_typed(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in _TABLES]  # noqa: S608  names from below
    jobs, outputs, items = tables

    def of(job: Row, rows: list[Row]) -> tuple[Row, ...]:
        return tuple(row for row in rows if row["job_id"] == job["job_id"])

    return [Rows(job, of(job, outputs), of(job, items)) for job in jobs]


_TABLES = ("ice_jobs", "ice_outputs", "ice_items")


def _typed(row: sqlite3.Row) -> Row:
    """Convert 0 and 1 of SQLite into booleans."""
    values = dict(row)
    return {name: bool(value) if name in _BOOLEANS and value is not None else value for name, value in values.items()}
