"""How fast the function is with each size of CPU that Function Compute offers below one.

`python bench/cpu_sizes.py [--cpus 0.05 0.1 0.2 0.35 0.5 1] [--runs 3] [--latency-ms 20]` prints a line for each size,
with medians: the time from the start of the process to the first record; the time of a warm event and of a batch of
100 jobs, each with what it is billed for, CPU × time; and the jobs that one instance records per second. Each call
takes so many milliseconds longer than on loopback. It takes a machine where control groups can be made: Linux, root.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from programs import ONE, cloud_over_tls, run
from quota import cpu_share

BATCH = 100
WARM_EVENTS = 10


def measure_size(environment: dict[str, str], cpus: float, runs: int, group: Path) -> None:
    """Print the line of one size."""
    batch = json.dumps({"JobIds": [f"job-{number}" for number in range(BATCH)]})
    figures = [run("ice-result", environment, ONE, *[ONE] * WARM_EVENTS, batch, group=group) for _ in range(runs)]
    first = statistics.median(each.first_seconds for each in figures)
    warm = statistics.median(statistics.median(each.wall_ms[1:-1]) for each in figures)
    many = statistics.median(each.wall_ms[-1] / 1000 for each in figures)
    print(
        f"{cpus:>5} {first:>11.2f} s {warm:>8.0f} ms {warm * cpus:>8.1f} vCPU·ms {many:>9.1f} s"
        f" {many * cpus / BATCH * 1000:>8.1f} vCPU·ms a job {BATCH / many:>8.1f} jobs/s",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpus", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.35, 0.5, 1])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{'CPU':>5} {'first record':>13} {'warm event':>27} {f'batch of {BATCH}':>32}")
    with cloud_over_tls(latency=arguments.latency_ms / 1000) as environment:
        for cpus in arguments.cpus:
            with cpu_share(cpus) as group:
                if group is None:
                    print("not available here: no control group can be made")
                    return
                measure_size(environment, cpus, arguments.runs, group)


if __name__ == "__main__":
    main()
