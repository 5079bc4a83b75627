"""10,000 jobs into a folder, SQLite and Tablestore at once.

`PYTHONPATH=tests python bench/tables.py [--jobs 10000]` prints wall time, jobs and rows per second, and peak memory.
The jobs are a mix of all functions, every fiftieth with 200 covers; Tablestore is `alicloud_local` in a process of
its own.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from scale import local_cloud, measure

from support.many_jobs import write_jobs

TABLES = ("ice_jobs", "ice_outputs", "ice_items")


def main() -> None:
    """Prepare the jobs, run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, local_cloud(None, 0, "--tablestore") as environment:
        folder = Path(name)
        event = folder / "event.json"
        event.write_text(json.dumps({"JobIds": write_jobs(folder / "jobs", options.jobs)}))
        sinks = f"file:{folder}/out,sqlite:{folder}/jobs.db,ots://ice-bench"
        environment |= {"ICE_RESULT_SINKS": sinks, "ICE_RESULT_VERIFY_OUTPUTS": "off"}
        command = [sys.executable, "-m", "ice_result"]
        measure([*command, "setup", "--tables", "--yes"], environment, 1)
        saved = ["--event", str(event), "--jobs", str(folder / "jobs"), "--json"]
        run, output = measure([*command, "process", *saved], environment, options.jobs)
        recorded = sum(json.loads(line)["outcome"] == "recorded" for line in output.splitlines())
        rows = _rows(folder / "jobs.db")
    print(f"{recorded} of {options.jobs} jobs recorded in three sinks, {rows} rows in each table store")
    print(f"{run.wall_seconds:.1f} s, {options.jobs / run.wall_seconds:.0f} jobs/s, ", end="")
    print(f"{2 * rows / run.wall_seconds:.0f} rows/s, peak {run.peak_mb:.0f} MB")


def _rows(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES)  # noqa: S608


if __name__ == "__main__":
    main()
