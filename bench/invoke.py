"""Invokes the function's entry points as the platform does, once for each line of standard input.

Prints what the benchmarks read: median CPU a warm event, resident memory at the end, and times of single events.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import handler

CONTEXT = SimpleNamespace(request_id="bench", region="cn-shanghai", function=SimpleNamespace(timeout=60))


def resident_mb() -> float:
    """Resident memory of this process now."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    """Each line is an event."""
    handler.initialize(CONTEXT)
    cpu_ms, wall_ms = [], []
    for line in sys.stdin:
        started, cpu = time.perf_counter(), time.process_time()
        reply = handler.handler(line.encode(), CONTEXT)
        wall_ms.append((time.perf_counter() - started) * 1000)
        cpu_ms.append((time.process_time() - cpu) * 1000)
        if reply["parked"] or not reply["recorded"]:
            raise SystemExit(f"not recorded: {reply}")
    told = {"cpu_ms": statistics.median(cpu_ms), "rss_mb": resident_mb()}
    print(json.dumps({**told, "second_ms": statistics.median(wall_ms[1:-1] or wall_ms), "last_ms": wall_ms[-1]}))


if __name__ == "__main__":
    main()
