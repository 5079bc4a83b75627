"""A report of many jobs: its time, its memory and its size.

`PYTHONPATH=tests python bench/report.py [--jobs 10000] [--store file:./records sqlite:./jobs.db]` records copies of the
samples in a temporary folder, and prints one line per store; with `--json`, the figures. With `--folder`, stores and
reports stay there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from scale import measure

from support.many_jobs import write_jobs

COMMAND = [sys.executable, "-m", "ice_result"]


def report(folder: Path, store: str, jobs: int) -> dict[str, float]:
    """Record so many jobs in the store, and write their report."""
    ids = folder / "ids.txt"
    ids.write_text("\n".join(write_jobs(folder / "jobs", jobs)), encoding="utf-8")
    environment = {"ICE_RESULT_SINKS": store, "ICE_RESULT_REGION": "cn-shanghai"}
    saved = ["--jobs", str(folder / "jobs"), "--no-verify", "-q"]
    measure([*COMMAND, "backfill", str(ids), *saved], environment, jobs)
    run, _ = measure([*COMMAND, "report", "-o", str(folder / "report")], environment, jobs)
    size = sum(path.stat().st_size for path in (folder / "report").rglob("*") if path.is_file())
    return {
        "wall_seconds": run.wall_seconds,
        "cpu_seconds": run.cpu_seconds,
        "peak_mb": run.peak_mb,
        "size_mb": size / 1e6,
    }


def main() -> None:
    """Write a report of each store, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--store", nargs="+", default=["file:./records", "sqlite:./jobs.db"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for store in options.store:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.folder or Path(temporary)).absolute()
            os.chdir(folder)
            found = report(folder, store, options.jobs)
        if options.json:
            print(json.dumps(found))
        else:
            print(
                f"{store:<16} {options.jobs} jobs  {found['wall_seconds']:5.1f} s  {found['cpu_seconds']:5.1f} s of CPU"
                f"  peak {found['peak_mb']:.0f} MB  {found['size_mb']:.0f} MB of pages",
                flush=True,
            )


if __name__ == "__main__":
    main()
