"""Run the tests of `make test` several times, each time in another order, beside a busy loop on every core.

`make firm RUNS=5` prints the seed of each run. `make test TESTS="-p randomly --randomly-seed=SEED"` repeats its order.
A test that fails here depends on another test or on the speed of the machine.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = "import os, time\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"
"""Ends with the process that started it, however that ends."""


def main() -> int:
    """Print a line for each run, and return 1 when a run failed."""
    runs, options = int(sys.argv[1]), sys.argv[2:]
    failed = 0
    with busy_loops(os.cpu_count() or 1):
        for number in range(1, runs + 1):
            seed, started = random.randrange(2**32), time.monotonic()  # noqa: S311  an order of tests
            print(f"== run {number} of {runs}, seed {seed}", flush=True)
            status = run_tests(seed, options)
            failed += status != 0
            print(f"== run {number} of {runs}, seed {seed}: status {status}, {time.monotonic() - started:.0f} s")
    print(f"== {failed} of {runs} runs failed")
    return 1 if failed else 0


def run_tests(seed: int, options: list[str]) -> int:
    """Run pytest as `make test` does, in the order of this seed. Return its exit status."""
    distributed = ["--numprocesses", "auto", "--dist", "worksteal"]
    shuffled = ["-p", "randomly", f"--randomly-seed={seed}"]
    command = [sys.executable, "-m", "pytest", "--quiet", *distributed, *shuffled, "-m", "not slow", *options]
    return subprocess.run(command, check=False).returncode


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep `count` processes busy until the end of the block."""
    loops = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    sys.exit(main())
