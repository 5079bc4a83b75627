"""The calls of lookups by job id in a bucket: with pointers, and as without them.

`python bench/lookups.py [--days 30 365] [--notes 1000]` fills a bucket of the local cloud with one job for each of the
14 functions on each day, and prints the calls of `ice-result show` for the oldest job and for a job that is not there.
Then it prints the calls of `ice-result sweep` for notes of recorded jobs. Each row is the same bucket with pointers and
mark, with pointers only, and with neither, which is the baseline: every partition is read, as before there were
pointers, after one read each of the pointer and the mark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from alicloud_local import LocalCloud
from ice_result.core.types import JobId
from ice_result.jobs.model import Job
from ice_result.processing.process_job import record_of
from ice_result.records import build_manifest
from ice_result.results.registry import FUNCTIONS
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_model import Expected

SAMPLE = Path(__file__).parent.parent / "samples" / "jobs" / "cover-0001.json"
LAYOUT = Layout("ice")
SINK = "oss://records/ice"
NEWEST = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


class State(NamedTuple):
    """Which of the pointers and the mark a bucket has."""

    name: str
    pointers: bool
    mark: bool


STATES = (
    State("pointers and mark", pointers=True, mark=True),
    State("pointers, no mark", pointers=True, mark=False),
    State("neither (baseline)", pointers=False, mark=False),
)


def jobs(days: int) -> Iterator[tuple[str, str, datetime]]:
    """Yield the id, the function and the time of one job for each function and day, the newest day first."""
    for day in range(days):
        for function in FUNCTIONS:
            yield f"{function}-{day:03}", function, NEWEST - timedelta(days=day)


def fill(cloud: LocalCloud, days: int, state: State) -> None:
    """Write the jobs as a sink would, without its calls."""
    job = Job.from_response(JobId("cover-0001"), json.loads(SAMPLE.read_text(encoding="utf-8")))
    sample, files = record_of(job, cloud.region)
    manifest = build_manifest(sample, files, None)
    sink = open_sink(SINK, SinkContext(region=cloud.region))
    for job_id, function, time in jobs(days):
        names = {"job_id": JobId(job_id), "function_name": function}
        record = sample.model_copy(update={**names, "create_time": time})
        stored = sink.as_stored(record, manifest.model_copy(update=names))
        documents = {stored.key: stored.record, LAYOUT.manifest_of(stored.key): stored.manifest}
        if state.pointers:
            documents[LAYOUT.pointer(job_id)] = stored.pointer
        for key, document in documents.items():
            cloud.oss.put("records", key, document or b"")
    if state.mark:
        cloud.oss.put("records", LAYOUT.mark(), b"{}")


def calls_of(cloud: LocalCloud, *arguments: str) -> int:
    """Run the command, and return the number of calls to OSS that look jobs up."""
    before = len(cloud.oss.calls)
    environment = {**os.environ, **cloud.environment, "ICE_RESULT_SINKS": SINK}
    command = [sys.executable, "-m", "ice_result", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "Traceback" in done.stderr:
        raise SystemExit(done.stderr)
    return sum("expected/" not in call.target and "parked/" not in call.target for call in cloud.oss.calls[before:])


def show(days: int, state: State) -> tuple[int, int]:
    """Return the calls of `show` for the oldest job, and for a job that is not there."""
    with LocalCloud() as cloud:
        cloud.oss.create_bucket("records")
        fill(cloud, days, state)
        *_, (oldest, _, _) = jobs(days)
        return calls_of(cloud, "show", oldest, "--json"), calls_of(cloud, "show", "nobody")


def sweep(notes: int, state: State, *, with_function: bool) -> int:
    """Return the calls of a sweep that looks up the jobs of so many notes, all of them recorded."""
    with LocalCloud() as cloud:
        cloud.oss.create_bucket("records")
        fill(cloud, -(-notes // len(FUNCTIONS)), state)
        for job_id, function, time in [*jobs(-(-notes // len(FUNCTIONS)))][:notes]:
            note = Expected(
                job_id=JobId(job_id),
                function_name=function if with_function else None,
                expected_at=time,
                due_at=time + timedelta(hours=1),
            )
            cloud.oss.put("records", LAYOUT.expected(note), line(note))
        return calls_of(cloud, "sweep", "--limit", str(notes), "--wait", "600", "--no-verify")


def main() -> None:
    """Count, and print a table of each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[30, 365])
    parser.add_argument("--notes", type=int, default=1000)
    options = parser.parse_args()
    print("| calls of `show` | " + " | ".join(state.name for state in STATES) + " |\n| --- |" + " --- |" * len(STATES))
    for days in options.days:
        columns = [show(days, state) for state in STATES]
        for what, counts in zip(("the oldest job", "a job that is not there"), zip(*columns, strict=True), strict=True):
            print(f"| {days} days of 14 functions, {what} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    for with_function in (True, False):
        named = "with" if with_function else "without"
        swept = [sweep(options.notes, state, with_function=with_function) for state in STATES]
        cells = " | ".join(f"{count:,}" for count in swept)
        print(f"| `sweep` of {options.notes:,} notes {named} the function | {cells} |")


if __name__ == "__main__":
    main()
