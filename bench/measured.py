"""The loop that all programs of the benchmarks run: each line of standard input is an event.

Prints what the benchmarks read, as one line of JSON. It imports little, because its own imports count as the program's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def measure(handler: Callable[[bytes], object]) -> None:
    """Handle the events one after the other and print the times of each.

    `first_at` is the machine's monotonic clock after the first event, which the parent process reads too;
    `first_cpu_ms` is the CPU that the process has used until then, the interpreter's own start included.
    """
    cpu_ms, wall_ms = [], []
    first_at = first_cpu_ms = 0.0
    for line in sys.stdin:
        started, cpu = time.perf_counter(), time.process_time()
        handler(line.encode())
        wall_ms.append((time.perf_counter() - started) * 1000)
        cpu_ms.append((time.process_time() - cpu) * 1000)
        if not first_at:
            first_at, first_cpu_ms = time.monotonic(), time.process_time() * 1000
    memory = {"resident_mb": memory_mb("VmRSS"), "peak_mb": memory_mb("VmHWM")}
    figures = {"first_at": first_at, "first_cpu_ms": first_cpu_ms, **memory}
    print(json.dumps({**figures, "cpu_ms": cpu_ms, "wall_ms": wall_ms}))


def memory_mb(name: str) -> float:
    """Return a figure of the kernel about this process: VmRSS is its memory now, VmHWM the most it had."""
    with open("/proc/self/status", encoding="utf-8") as status:  # noqa: PTH123  pathlib is an import that the floor lacks
        return int(next(line for line in status if line.startswith(name)).split()[1]) / 1024
