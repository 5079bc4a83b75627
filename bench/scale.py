"""1,000 jobs through `ice-result process`, beside the same calls made one after the other.

`python bench/scale.py [--jobs 1000] [--latency 0.02] [--concurrency 8 16]` prints a line per run: wall time, calls
per second, peak memory, and how many times faster than `bench/naive.py` in the same run (which gets a tenth of the
jobs; the comparison is of seconds per job, with the start). The cloud is `alicloud_local` in a process of its own, with
the latency added to every call.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parent.parent / "samples" / "jobs" / "cover-0001.json"
CALLS_A_JOB = 6  # the query, two covers looked up, the record, its pointer and the manifest; naive writes no pointer
NAIVE = Path(__file__).parent / "naive.py"
SEQUENTIAL_SHARE = 10


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    jobs: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float

    def show(self, name: str, baseline: Run | None) -> None:
        per_job = self.wall_seconds / self.jobs
        rate = self.jobs * (CALLS_A_JOB if baseline else CALLS_A_JOB - 1) / self.wall_seconds
        line = f"{name:<17} {self.jobs:>5} jobs  {self.wall_seconds:7.2f} s  {rate:6.0f} calls/s"
        line += f"  peak {self.peak_mb:5.1f} MB"
        if baseline:
            line += f"  {baseline.wall_seconds / baseline.jobs / per_job:5.1f} times faster a job"
        print(line, flush=True)


_LAST_EXPORT = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"


@contextmanager
def local_cloud(folder: Path | None, latency: float, *more: str) -> Iterator[dict[str, str]]:
    """Run a local cloud that knows the jobs in `folder`; yield the environment of what works with it."""
    arguments = ["--latency", str(latency), "--bucket", "records", *more]
    arguments += ["--jobs", str(folder)] if folder else []
    command = [sys.executable, "-m", "alicloud_local", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # nosec B101 # asked for above
        environment: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value.strip().strip("'")
            if name == _LAST_EXPORT:
                break
        try:
            yield environment
        finally:
            process.terminate()


def one_by_one(job_ids: list[str], environment: dict[str, str]) -> Run:
    """Run the naive handler on these jobs."""
    event = json.dumps({"JobIds": job_ids})
    return measure([sys.executable, str(NAIVE)], environment, len(job_ids), event)[0]


def process(job_ids: list[str], environment: dict[str, str], concurrency: int) -> Run:
    """Run the command on these jobs; all must be recorded."""
    command = [
        sys.executable,
        "-m",
        "ice_result",
        "process",
        *job_ids,
        "--sink",
        f"oss://records/c{concurrency}",
        "--json",
    ]
    run, output = measure(command, {**environment, "ICE_RESULT_CONCURRENCY": str(concurrency)}, len(job_ids))
    outcomes = [json.loads(line)["outcome"] for line in output.splitlines()]
    if outcomes != ["recorded"] * len(job_ids):
        raise SystemExit(f"not all recorded: {outcomes[:3]}")
    return run


def measure(command: list[str], environment: dict[str, str], jobs: int, text: str = "") -> tuple[Run, bytes]:
    """Run a command on `text`; return its wall time from start to exit with its peak memory, and what it printed."""
    started = time.monotonic()
    settings = {**os.environ, **environment}
    with subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        if child.stdin:
            child.stdin.write(text.encode())
            child.stdin.close()
        output = child.stdout.read() if child.stdout else b""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:4]} failed")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Run(jobs, time.monotonic() - started, cpu_seconds, usage.ru_maxrss / 1024), output


def main() -> None:
    """Prepare the jobs, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 16])
    options = parser.parse_args()
    sample = SAMPLE.read_text(encoding="utf-8")
    job_ids = [f"job-{number:05}" for number in range(options.jobs)]
    with tempfile.TemporaryDirectory() as folder:
        for job_id in job_ids:
            Path(folder, f"{job_id}.json").write_text(sample.replace("cover-0001", job_id), encoding="utf-8")
        with local_cloud(Path(folder), options.latency) as environment:
            one = one_by_one(job_ids[: max(1, options.jobs // SEQUENTIAL_SHARE)], environment)
            one.show("naive, one by one", None)
            for concurrency in options.concurrency:
                process(job_ids, environment, concurrency).show(f"concurrency {concurrency}", one)


if __name__ == "__main__":
    main()
