"""A report of somebody else: CSV of the jobs of a year, with their segments, and what each store says."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from ice_result import IceResultError, MusicSegments, Summary, open_store

counts: Counter[str] = Counter()
out = csv.writer(sys.stdout, lineterminator="\n")
for url in sys.argv[1:]:
    try:
        store = open_store(url)
        lines = sorted(store.jobs(since=datetime(2026, 1, 1, tzinfo=timezone.utc)), key=lambda line: line.job_id)
        with ThreadPoolExecutor(4) as pool:
            jobs = pool.map(store.get, [line.job_id for line in lines])
            for line, job in zip(lines, jobs, strict=True):
                result = job.record.result if job else None
                segments = result.segments if isinstance(result, (Summary, MusicSegments)) else ()
                seconds = sum(segment.duration_seconds or 0 for segment in segments)
                counts[line.outcome] += 1
                out.writerow([line.job_id, line.outcome, line.complete, line.duration_seconds, seconds])
    except IceResultError as error:
        print("later:" if error.transient else "never:", error.reason)
print(dict(sorted(counts.items())))
