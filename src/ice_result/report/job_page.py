"""The page of one job, and the row that lists have of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from ice_result.contents.model import Content
from ice_result.core.redaction import clean
from ice_result.records.model import Outcome, Record
from ice_result.report.attention import Reason, Urgency, reasons_of, urgency_of
from ice_result.report.charts import bar_chart, timeline_chart
from ice_result.report.contents_part import shown_contents
from ice_result.report.gallery import Thumbnail, shown_pictures
from ice_result.report.media_part import media_facts
from ice_result.report.texts import Texts
from ice_result.results.figures import Bars, Gallery, Timeline
from ice_result.sinks.base import Addresses, JobLine, StoredJob

MOST_ROWS = 500
"""Rows of one table of a page: files, segments, items."""
MOST_RAW = 200_000
"""Characters of a response that a page shows."""


class JobRow(NamedTuple):
    """Facts of a job that the lists show; kept for every job of the report."""

    page: str
    job_id: str
    function_name: str
    outcome: Outcome
    complete: bool | None
    time: datetime | None
    duration_seconds: float | None
    file_count: int
    urgency: Urgency
    reasons: tuple[Reason, ...]


class ReadJob(NamedTuple):
    """Job as it was read, with the thumbnails of its pictures, None when none are embedded, and its contents."""

    job: StoredJob
    thumbnails: dict[str, Thumbnail] | None
    contents: tuple[Content, ...] = ()


class Section(NamedTuple):
    """Rows of a table, of which a page shows the first ones. `more` is the number of the others."""

    rows: tuple[object, ...]
    more: int


def row_of(job: StoredJob, line: JobLine, page: str) -> JobRow:
    """Return the row of a job whose page has this name."""
    return JobRow(
        page,
        line.job_id,
        line.function_name,
        line.outcome,
        line.complete,
        line.finish_time or line.create_time,
        line.duration_seconds,
        line.file_count,
        urgency_of(line.outcome, job.manifest),
        reasons_of(job),
    )


def job_values(read: ReadJob, row: JobRow, addresses: Addresses, texts: Texts) -> dict[str, object]:
    """Return the values of the template of a job's page."""
    job, thumbnails, contents = read
    record, manifest = job.record, job.manifest
    raw = None if "raw" in job.left_out else json.dumps(clean(record.raw), ensure_ascii=False, indent=2)
    return {
        "row": row,
        "record": record,
        "manifest": manifest,
        "job": job,
        "addresses": addresses,
        "facts": [(key, kind, value) for key, kind, value in _facts(record) if value not in (None, "")],
        "figure": _figure(job, thumbnails, texts),
        "contents": [*shown_contents(contents)],
        "files": first_of(manifest.files if manifest else ()),
        "media_of": lambda file: media_facts(file.media, texts),
        "notes": first_of(manifest.notes if manifest else ()),
        "note_kinds": dict.fromkeys(
            "job.notes.suspicious" if note.code == "suspicious" else "job.notes.contents"
            for note in (manifest.notes if manifest else ())
        ),
        "warnings": first_of(record.decode.warnings),
        "raw": None if raw is None else raw[:MOST_RAW],
        "raw_cut": MOST_RAW if raw is not None and len(raw) > MOST_RAW else None,
    }


def _facts(record: Record) -> Iterator[tuple[str, str, object]]:
    """Yield the facts of a job: the key of the name, how the value is shown, and the value."""
    yield "state", "state", record.status or None
    yield "name", "plain", record.name
    yield "region", "data", record.region
    yield "created", "time", record.create_time
    yield "finished", "time", record.finish_time
    yield "took", "seconds", record.duration_seconds
    yield "input", "data", record.input.media
    yield "output", "data", record.output.media or record.output.output_url
    yield "template", "data", record.template_id
    yield "pipeline", "data", record.pipeline_id
    yield "priority", "number", record.priority
    yield "params", "data", record.job_params
    yield "user_data", "data", record.user_data
    yield "decoded", "decoded", record.decode.status


def _figure(job: StoredJob, thumbnails: Mapping[str, Thumbnail] | None, texts: Texts) -> dict[str, object]:
    """Return what the page draws of a result: its kind, and the values of its template."""
    result = job.record.result
    figure = None if "result" in job.left_out else result.figure()
    match figure:
        case Gallery(pictures) if pictures:
            shown = first_of(tuple(shown_pictures(figure, job.manifest, thumbnails, texts)))
            return {"kind": "gallery", "section": shown, "count": len(pictures)}
        case Timeline(spans) if spans:
            return {
                "kind": "timeline",
                "section": first_of(spans),
                "count": len(spans),
                "chart": timeline_chart(figure._replace(spans=spans[:MOST_ROWS])),
                "has_titles": any(span.title for span in spans),
                "is_whole": figure.length_seconds is not None,
            }
        case Bars(groups) if groups:
            return {
                "kind": "bars",
                "section": first_of(groups),
                "low": figure.low,
                "high": figure.high,
                "draw": bar_chart,
            }
        case None:
            rows = result.shown_rows()
            return {"kind": "rows" if rows else "none", "section": first_of(rows)}
    return {"kind": "none"}


def first_of(rows: Iterable[object], most: int = MOST_ROWS) -> Section:
    """Return the first rows of a table, and the number of the others."""
    listed = tuple(rows)
    return Section(listed[:most], max(0, len(listed) - most))
