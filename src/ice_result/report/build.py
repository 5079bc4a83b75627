"""A report from the jobs of a store: each job becomes a page as soon as it is read, and the lists follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from ice_result.contents.model import Content
from ice_result.core.calls import in_order
from ice_result.report.attention import UnreadableJob, Urgency
from ice_result.report.charts import DAYS_HEIGHT, MOST_DAYS, WIDTH, days_chart, share_chart
from ice_result.report.folder import report_folder
from ice_result.report.gallery import Thumbnail, thumbnails_of
from ice_result.report.job_page import JobRow, ReadJob, first_of, job_values, row_of
from ice_result.report.names import FOLDER_OF_JOBS, INDEX, PARKED, JobNames
from ice_result.report.pages import Pages
from ice_result.report.parked_part import MOST_EVENTS, ParkedPart
from ice_result.report.texts import Texts
from ice_result.sinks.base import Store, StoredJob
from ice_result.sinks.job_counts import JobCounts

JOBS_A_PAGE = 500
MOST_UNREADABLE = 500
"""Jobs that cannot be read of which the pages show the keys."""
_SHOWN_FIRST = 12
_SHOWN_OF_EACH = 5
_READ_AT_ONCE = 16


class Written(NamedTuple):
    """Content of a report: the counts of its jobs, and the jobs that could not be read and are in none of them."""

    counts: JobCounts
    unreadable: tuple[UnreadableJob, ...]


@dataclass(frozen=True)
class Scope:
    """Part of a store that a report is about, for its first lines."""

    store_url: str
    function_name: str | None = None
    since: datetime | None = None
    is_named: bool = False


def read_jobs(
    read: Callable[[str], StoredJob | UnreadableJob | None],
    names: Iterable[str],
    thumbnail: Callable[[str], Thumbnail] | None = None,
    contents: Callable[[StoredJob], tuple[Content, ...]] = lambda _: (),
) -> Iterator[ReadJob | UnreadableJob]:
    """Read the jobs of these names, several at once, in this order. `read` returns None for a job that is left out."""

    def read_one(name: str) -> ReadJob | UnreadableJob | None:
        job = read(name)
        if not isinstance(job, StoredJob):
            return job
        return ReadJob(job, None if thumbnail is None else thumbnails_of(job, thumbnail), contents(job))

    return (found for found in in_order(read_one, names, _READ_AT_ONCE) if found)


def write_report(
    folder: Path,
    store: Store,
    jobs: Iterable[ReadJob | UnreadableJob],
    parked: ParkedPart,
    *,
    scope: Scope,
    texts: Texts,
) -> Written:
    """Write a report into a folder, and return what is in it. Raises StorageError; see report_folder."""
    with report_folder(folder) as building:
        pages = Pages(building, texts)
        counts, rows, names = JobCounts(), list[JobRow](), JobNames()
        unreadable: list[UnreadableJob] = []
        shared: dict[str, object] = {"scope": scope, "parked": parked, "most_parked": MOST_EVENTS}
        for each in jobs:
            if isinstance(each, UnreadableJob):
                unreadable.append(each)
                continue
            job = each.job
            line = job.line
            counts.add(line)
            row = row_of(job, line, f"{FOLDER_OF_JOBS}/{names.next(line.job_id)}")
            rows.append(row)
            values = job_values(each, row, store.addresses(job.record), texts)
            pages.write(row.page, "job.html", {**shared, **values})
        rows.sort(key=_newest_first)
        urgent = sorted((row for row in rows if row.urgency is not Urgency.NONE), key=lambda row: row.urgency)
        unreadable.sort()
        shared |= {"has_jobs": bool(rows), "unreadable": first_of(unreadable, MOST_UNREADABLE)}
        pages.write_list("all", "list.html", rows, JOBS_A_PAGE, shared)
        pages.write_list("attention", "list.html", urgent, JOBS_A_PAGE, shared)
        pages.write(PARKED, "parked.html", shared)
        pages.write_style()
        pages.write(INDEX, "index.html", {**shared, **_overview(counts, rows, urgent)})
    return Written(counts, tuple(unreadable))


def _overview(counts: JobCounts, rows: list[JobRow], urgent: list[JobRow]) -> dict[str, object]:
    times = [row.time for row in rows if row.time]
    days = counts.by("day")
    most = max((counted.jobs for _, counted in counts.by("function")), default=0)
    return {
        "counts": counts,
        "first": min(times, default=None),
        "last": max(times, default=None),
        "urgent": [(kind, len(found), found[:_SHOWN_OF_EACH]) for kind, found in _by_urgency(urgent)],
        "urgent_total": len(urgent),
        "shown_of_each": _SHOWN_OF_EACH,
        "newest": rows[:_SHOWN_FIRST],
        "functions": [(name, counted, share_chart(counted, most)) for name, counted in counts.by("function")],
        "outcomes": counts.by("outcome"),
        "days": days,
        "chart": days_chart(days),
        "most_days": MOST_DAYS,
        "chart_width": WIDTH,
        "chart_height": DAYS_HEIGHT,
    }


def _by_urgency(urgent: list[JobRow]) -> Iterator[tuple[str, list[JobRow]]]:
    """Group the rows, which are sorted by urgency."""
    for urgency, rows in groupby(urgent, key=lambda row: row.urgency):
        yield urgency.name.lower(), list(rows)


def _newest_first(row: JobRow) -> tuple[float, str, str]:
    return -row.time.timestamp() if row.time else 0.0, row.job_id, row.page
