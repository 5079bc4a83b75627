"""What Function Compute bills for: cold start, CPU, memory and waiting, beside the same work done in two other ways.

`python bench/function.py [--runs 9] [--latency-ms 50] [--imports]` prints medians, and ratios that are medians of the
ratios within a round. Whole processes over TLS against `alicloud_local`; the programs are those of bench/programs.py.
A cold start lasts from the start of the process until the first job's manifest is written. "Nothing compiled" compiles
everything anew, as a read-only code folder without .pyc files does at every cold start.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from tempfile import TemporaryDirectory

from programs import ONE, PROGRAMS, Figures, cloud_over_tls, interleaved, run
from quota import cpu_share

SHARE = 0.2
"""Of a CPU: what s.yaml asks for."""
WARM_EVENTS = 100
_TIMED_IMPORT = re.compile(r"import time: +(\d+) \| +\d+ \| +([\w.]+)")


def show(label: str, unit: str, figures: dict[str, list[Figures]], value: Callable[[Figures], float]) -> None:
    """Print a line: the median of each program, and how ours compares within each round."""
    ours = [value(each) for each in figures["ice-result"]]
    line = f"{label:<44}{statistics.median(ours):>9.1f} {unit:<3}"
    for program, runs in figures.items():
        if program != "ice-result":
            others = [value(each) for each in runs]
            ratio = statistics.median(one / other for one, other in zip(ours, others, strict=True))
            line += f"  {program} {statistics.median(others):>8.1f}, ratio {ratio:.2f}"
    print(f"{line}  (n={len(ours)})", flush=True)


def cold_starts(environment: dict[str, str], runs: int) -> None:
    """Time and CPU until the first record, on all CPUs and with a share of one."""
    interleaved(environment, 1, ONE)  # what the disk has to give is in memory from now on
    figures = interleaved(environment, runs, ONE)
    show("cold start to the first record", "ms", figures, lambda each: each.first_seconds * 1000)
    show("cold start to the first record, CPU", "ms", figures, lambda each: each.first_cpu_ms)
    show("the same and the end of the process, CPU", "ms", figures, lambda each: each.whole_cpu_ms)
    with cpu_share(SHARE) as group:
        if group is None:
            print(f"cold start at {SHARE} CPU: not available here (no control group can be made)", flush=True)
            return
        figures = interleaved(environment, max(3, runs // 2), ONE, group=group)
        show(f"cold start to the first record, {SHARE} CPU", "ms", figures, lambda each: each.first_seconds * 1000)


def uncompiled(environment: dict[str, str], runs: int) -> None:
    """A cold start where no .pyc file is found or may be written."""
    with TemporaryDirectory() as folder:
        options = ("-B", "-X", f"pycache_prefix={folder}")
        figures = interleaved(environment, runs, ONE, programs=("ice-result", "naive"), options=options)
    show("cold start, nothing compiled", "ms", figures, lambda each: each.first_seconds * 1000)


def warm(environment: dict[str, str], runs: int) -> None:
    """CPU of one event among many, and memory afterwards.

    On one CPU and on all: threads that wake each other across CPUs cost more, and a small instance has less than one.
    """
    events = [json.dumps({"JobIds": [f"job-{number}"]}) for number in range(1000)]
    for cpus, where in ((1, "one CPU"), (None, "all CPUs")):
        figures = interleaved(environment, runs, *events[:WARM_EVENTS], cpus=cpus)
        show(f"warm event, CPU, on {where}", "ms", figures, lambda each: each.warm_cpu_ms)
    show(f"resident after {WARM_EVENTS} jobs", "MB", figures, lambda each: each.resident_mb)
    print(f"resident after 1000 jobs: {run('ice-result', environment, *events).resident_mb:.0f} MB", flush=True)


def tables(runs: int) -> None:
    """A cold start that writes to OSS and to Tablestore."""
    with cloud_over_tls(tablestore=True) as environment:
        interleaved(environment, 1, ONE, programs=("ice-result", "naive"))
        figures = interleaved(environment, runs, ONE, programs=("ice-result", "naive"))
    show("cold start, OSS and Tablestore", "ms", figures, lambda each: each.first_seconds * 1000)
    show("cold start, OSS and Tablestore, CPU", "ms", figures, lambda each: each.first_cpu_ms)


def waiting(runs: int, latency_ms: int) -> None:
    """One event, and a batch of a hundred, when each call takes so long."""
    batch = json.dumps({"JobIds": [f"job-{number}" for number in range(100)]})
    with cloud_over_tls(latency=latency_ms / 1000) as environment:
        ours = [run("ice-result", environment, ONE, *[ONE] * 5, batch) for _ in range(runs)]
        naive = run("naive", environment, ONE, batch).wall_ms[-1]
    one = statistics.median(statistics.median(each.wall_ms[1:-1]) for each in ours)
    many = statistics.median(each.wall_ms[-1] for each in ours)
    print(f"{latency_ms} ms a call, one warm event: {one:.0f} ms, the time of {one / latency_ms:.1f} calls")
    print(f"{latency_ms} ms a call, 100 events: {many:.0f} ms, naive {naive:.0f} ms, {naive / many:.1f} times")


def imports(environment: dict[str, str], most: int = 40) -> None:
    """Print what each program imports for its first record, by package, and our slowest modules, in milliseconds."""
    for program in PROGRAMS:
        done = run(program, environment, ONE, options=("-X", "importtime"), cpus=1)
        timed = [(int(own) / 1000, name) for own, name in _TIMED_IMPORT.findall(done.errors)]
        packages: dict[str, list[float]] = defaultdict(list)
        for own, name in timed:
            packages[name.partition(".")[0]].append(own)
        print(f"\n{program}: {len(timed)} modules, {sum(own for own, _ in timed):.0f} ms")
        for name, times in sorted(packages.items(), key=lambda each: -sum(each[1]))[: most // 2]:
            print(f"{sum(times):9.1f} ms  {name} ({len(times)} modules)")
        if program == "ice-result":
            print("by module:")
            for own, name in sorted(timed, reverse=True)[:most]:
                print(f"{own:9.1f} ms  {name}")


def _loop_ms() -> float:
    """Return the speed of this machine: the median time of a million additions in Python."""
    times = []
    for _ in range(9):
        started, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--latency-ms", type=int, nargs="*", default=[50], help="of each call in the last part")
    parser.add_argument("--imports", action="store_true", help="print only where the time of the imports goes")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    print(f"a million additions in Python: {_loop_ms():.0f} ms")
    few = max(3, arguments.runs // 3)
    with cloud_over_tls() as environment:
        if arguments.imports:
            imports(environment)
            return
        cold_starts(environment, arguments.runs)
        warm(environment, max(3, arguments.runs // 2))
        uncompiled(environment, few)
    tables(few)
    for latency_ms in arguments.latency_ms:
        waiting(few, latency_ms)


if __name__ == "__main__":
    main()
