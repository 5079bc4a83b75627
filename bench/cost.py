"""What a million jobs cost in Function Compute's units (CU), by the size of the CPU and the time of a call.

`python bench/cost.py [--cpus 0.1 0.2 0.35 0.5] [--latency-ms 20 100] [--runs 3]` measures a warm event of one job and
one of 20 jobs, and prints a row of a table for each size, with the cheapest of each column marked. It takes a machine
where control groups can be made: Linux, root.

    CU = vCPU × seconds  +  0.15 × GB × seconds  +  75 for 10,000 calls        [documented; look up today's factors]

The memory is the least that goes with the CPU: a GB for each vCPU, in steps of 64 MB, at least 128 MB [documented].
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from pathlib import Path
from typing import NamedTuple

from programs import ONE, cloud_over_tls, run
from quota import cpu_share

MILLION = 1_000_000
BATCH = 20
"""As in s.yaml."""
WARM_EVENTS = 10


class Cost(NamedTuple):
    """CU of a million jobs, one event a call and 20 events a call."""

    single: float
    batch: float


def memory_gb(cpus: float) -> float:
    """Return the least memory that goes with a CPU of this size."""
    return max(128, math.ceil(cpus * 1024 / 64) * 64) / 1024


def units(seconds: float, cpus: float, jobs: int) -> float:
    """Return the CU of a million jobs, so many a call, each of which takes so many seconds."""
    calls = MILLION / jobs
    return calls * seconds * (cpus + 0.15 * memory_gb(cpus)) + 75 * calls / 10_000


def measure(environment: dict[str, str], cpus: float, runs: int, group: Path) -> Cost:
    """Measure one size."""
    batch = json.dumps({"JobIds": [f"job-{number}" for number in range(BATCH)]})
    payloads = [ONE, *[ONE] * WARM_EVENTS, batch, batch]
    figures = [run("ice-result", environment, *payloads, group=group) for _ in range(runs)]
    single = statistics.median(statistics.median(each.wall_ms[1:-2]) for each in figures) / 1000
    many = statistics.median(each.wall_ms[-1] for each in figures) / 1000
    return Cost(units(single, cpus, 1), units(many, cpus, BATCH))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpus", type=float, nargs="+", default=[0.1, 0.2, 0.35, 0.5])
    parser.add_argument("--latency-ms", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    columns: list[list[float]] = []
    for latency in arguments.latency_ms:
        with cloud_over_tls(latency=latency / 1000) as environment:
            costs = []
            for cpus in arguments.cpus:
                with cpu_share(cpus) as group:
                    if group is None:
                        print("not available here: no control group can be made")
                        return
                    costs.append(measure(environment, cpus, arguments.runs, group))
        columns += [[cost.single for cost in costs], [cost.batch for cost in costs]]
    heads = [
        f"{latency} ms a call, {kind}" for latency in arguments.latency_ms for kind in ("single", f"batches of {BATCH}")
    ]
    print(f"| vCPU, memory | {' | '.join(heads)} |\n| --- |{' --- |' * len(heads)}")
    for row, cpus in enumerate(arguments.cpus):
        cells = [
            f"**{column[row]:,.0f}**" if column[row] == min(column) else f"{column[row]:,.0f}" for column in columns
        ]
        print(f"| {cpus}, {memory_gb(cpus) * 1024:.0f} MB | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
