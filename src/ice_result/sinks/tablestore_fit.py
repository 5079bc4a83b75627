"""Rows of a job within what Tablestore keeps: 2 MB in one value, 4 MB in one PutRow (both documented).

    record    ──► without `raw` ──► without `result`
    manifest  ──► without files, and with no more than its first 100 problems

Each step is taken only when the row is still too large. The row says which parts were left out, and where the whole
record is. Everything else stays: the other columns, and the rows of files and items. A row that is too large even so
is refused before the call.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ice_result.errors import RejectedError
from ice_result.records.model import Manifest, Record
from ice_result.results.model import Unknown
from ice_result.sinks.layout import Layout
from ice_result.sinks.rows import PARTS, Row, Rows, Value, manifest_json, record_json, rows_of, size
from ice_result.sinks.tables import JOBS, Table
from ice_result.sinks.tablestore_errors import SERVICE

_LARGEST_VALUE = 2 * 1024 * 1024
_LARGEST_ROW = 4_000_000  # bytes of one PutRow, less what the protocol adds
_MOST_PROBLEMS = 100
_NOTHING: Mapping[str, object] = {"raw": {}, "result": Unknown()}
_log = logging.getLogger(__name__)


def fitting_rows(record: Record, manifest: Manifest, archive_url: str | None) -> Rows:
    """The rows of a job; `record` and `manifest` hold as much of it as fits.

    `archive_url` is the first object sink, where the whole record is. Raises RejectedError for what cannot fit.
    """
    rows = rows_of(record, manifest)
    raw_uri = f"{archive_url}/{Layout().record(record)}" if archive_url else None
    while part := _part_to_leave_out(rows.job):
        if part == "files":
            manifest = manifest.model_copy(update={"files": (), "problems": manifest.problems[:_MOST_PROBLEMS]})
        else:
            record = record.model_copy(update={part: _NOTHING[part]})
        kept: Row = {"record": record_json(record), "manifest": manifest_json(manifest)}
        rows = rows._replace(job={**rows.job, **kept, f"{part}_stored": False, "raw_uri": raw_uri})
    _check(rows)
    return rows


def log_left_out(rows: Rows, record: Record, manifest: Manifest) -> None:
    """Say what of a job Tablestore does not keep, and where it is instead."""
    parts = [part for part in PARTS if not rows.job[f"{part}_stored"]]
    if parts:
        _log.warning(
            "job %s: its record has %d bytes and its manifest %d, more than Tablestore keeps of a job: they are stored "
            "there without %s; the whole record belongs in %s",
            record.job_id,
            len(record_json(record).encode()),
            len(manifest_json(manifest).encode()),
            ", ".join(parts),
            rows.job["raw_uri"] or "no other sink: add one of files or objects (file:, oss:, s3:)",
        )


def _part_to_leave_out(job: Row) -> str | None:
    """The next part a row must do without; None when it fits, or when nothing more can be left out."""
    left = [part for part in PARTS if job[f"{part}_stored"]]
    too_long = [part for part in left if _bytes(job["manifest" if part == "files" else "record"]) > _LARGEST_VALUE]
    if not too_long and size(job) > _LARGEST_ROW:
        too_long = left
    return next(iter(too_long), None)


def _check(rows: Rows) -> None:
    """Raises RejectedError for a value, or a row of ice_jobs, that Tablestore would refuse."""
    for table, group in ((JOBS, (rows.job,)), *rows.details):
        for row in group:
            for name, value in row.items():
                if _bytes(value) > _LARGEST_VALUE:
                    raise _refused(table, rows, f"{name} has {_bytes(value):,} bytes, of at most {_LARGEST_VALUE:,}")
    if size(rows.job) > _LARGEST_ROW:
        raise _refused(JOBS, rows, f"the row has {size(rows.job):,} bytes, of at most {_LARGEST_ROW:,}")


def _refused(table: Table, rows: Rows, detail: str) -> RejectedError:
    return RejectedError(f"write {table.name}/{rows.job_id}", service=SERVICE, detail=f"too large: {detail}")


def _bytes(value: Value) -> int:
    return len(value.encode()) if isinstance(value, str) else 0
