"""Run the tests of `make test` several times, each time in another order, beside a busy loop on every core.

`make firm RUNS=5` prints the seed of each run. `make test TESTS="-p randomly --randomly-seed=SEED"` repeats its order.
A test that fails here depends on another test or on the speed of the machine.
"""

from __future__ import annotations

import argparse
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
    parser = argparse.ArgumentParser(prog="make firm", description=__doc__)
    parser.add_argument("runs", type=_positive, metavar="RUNS")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the arguments with which Python runs the tests")
    arguments = parser.parse_args()
    failed = 0
    with busy_loops(os.cpu_count() or 1):
        for number in range(1, arguments.runs + 1):
            seed, started = random.randrange(2**32), time.monotonic()  # noqa: S311  an order of tests
            title = f"== run {number} of {arguments.runs}, seed {seed}"
            print(title, flush=True)
            shuffled = ["-p", "randomly", f"--randomly-seed={seed}"]
            status = subprocess.run([sys.executable, *arguments.command, *shuffled], check=False).returncode
            failed += status != 0
            print(f"{title}: status {status}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"== {failed} of {arguments.runs} runs failed")
    return 1 if failed else 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected how many runs there are, 1 or more")
    return int(text)


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
