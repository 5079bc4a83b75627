"""Mutation test of what decides about truth and loss: mutate a line, run the tests of its module, see if one fails.

`make mutants SAMPLE=300 SEED=1 LEAST=85` draws a sample of all mutants, each with the same chance, and runs the tests
in copies of the project, one for each core. It prints each mutant that survives as a diff, then the score of each
module; status 1 when the score of all is below LEAST. `python tests/long/mutants.py 'maintenance/*'` takes the modules
that match. A mutant with which the tests cannot be imported proves nothing: the next one takes its place.

mutants.yaml has the modules, the tests of each, and the mutants that are allowed to survive, with the reasons.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import queue
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Literal, TypeAlias

import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.mutations import Module, Mutant  # noqa: E402  found through the line above

PACKAGE = Path("src/ice_result")
PLAN = Path(__file__).with_name("mutants.yaml")
NOT_COPIED = (".git", ".venv*", ".*_cache", ".hypothesis", ".fuzz", "__pycache__", "build", "dist", "out")
PYTEST = ("-m", "pytest", "--hypothesis-profile=first-failure", "-x", "-p", "no:cacheprovider", "-m", "not slow")
_CANNOT_IMPORT = (2, 4)  # the status of pytest when a test file, or conftest.py, cannot be imported
_SPARE_SECONDS = 20.0
_TIMES_AS_LONG = 4.0  # as the same tests take without a mutation

Outcome: TypeAlias = Literal["killed", "timeout", "survived", "allowed", "not importable"]
COUNTED: tuple[Outcome, ...] = ("killed", "timeout", "survived", "allowed")


@dataclass(frozen=True)
class Plan:
    """The content of mutants.yaml: the tests of each module, and the allowed mutants as (module, old, new lines)."""

    tests: Mapping[str, tuple[str, ...]]
    allowed: frozenset[tuple[str, str, str]]

    @classmethod
    def read(cls) -> Plan:
        """Read the plan. Raises SystemExit when it allows a mutant of lines that are not there any more."""
        plan = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
        tests = {
            path.relative_to(ROOT / PACKAGE).as_posix(): (*each["tests"],)
            for each in plan["modules"]
            for pattern in each["mutate"]
            for path in sorted((ROOT / PACKAGE).glob(pattern))
        }
        allowed = [(each["module"], _stripped(each["old"]), _stripped(each["new"])) for each in plan["allowed"]]
        for module, old, _ in allowed:
            if old not in _stripped((ROOT / PACKAGE / module).read_text(encoding="utf-8")):
                sys.exit(f"{PLAN.name} allows a mutant of lines that {module} does not have any more:\n{old}")
        return cls(tests, frozenset(allowed))


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


class ProjectCopy:
    """A copy of the project, in which one module at a time is mutated."""

    _mtimes = count(1_000_000_000)  # all different: Python compares them to tell whether a compiled module is current

    def __init__(self, place: Path) -> None:
        self.root = place / "project"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*NOT_COPIED))
        temporary = place / "tmp"
        temporary.mkdir()
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(self.root / folder) for folder in ("src", "tests")),
            "PYTHONHASHSEED": "0",
            "TMPDIR": str(temporary),
        }

    def write(self, module: str, source: str) -> None:
        """Replace the source of a module."""
        path = self.root / PACKAGE / module
        path.write_text(source, encoding="utf-8")
        os.utime(path, (mtime := next(self._mtimes), mtime))

    def run(self, tests: Iterable[str], seconds: float | None = None) -> tuple[int | None, str]:
        """Run tests; return the status of pytest and its output. No status: they took longer than `seconds`."""
        process = subprocess.Popen(
            [sys.executable, *PYTEST, *tests],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, ""
        else:
            return process.returncode, output
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


class Runner:
    """Runs the tests of mutants, each in a copy of the project that is free."""

    def __init__(self, plan: Plan, copies: Sequence[ProjectCopy]) -> None:
        self._plan = plan
        self._copies: queue.SimpleQueue[ProjectCopy] = queue.SimpleQueue()
        for copy in copies:
            self._copies.put(copy)
        self._seconds: dict[tuple[str, ...], float] = {}

    def measure(self, tests: tuple[str, ...]) -> None:
        """Measure how long tests take without a mutation. Raises SystemExit when they fail."""
        copy, started = self._copies.get(), time.monotonic()
        status, output = copy.run(tests)
        self._copies.put(copy)
        if status:
            raise SystemExit(f"these tests fail without a mutation: {' '.join(tests)}\n{output}")
        self._seconds[tests] = time.monotonic() - started

    def outcome(self, mutant: Mutant) -> Outcome:
        """Run the tests of a mutant's module."""
        if (mutant.module, mutant.changed_lines("-"), mutant.changed_lines("+")) in self._plan.allowed:
            return "allowed"
        tests = self._plan.tests[mutant.module]
        copy = self._copies.get()
        try:
            copy.write(mutant.module, mutant.source)
            status, _ = copy.run(tests, self._seconds[tests] * _TIMES_AS_LONG + _SPARE_SECONDS)
        finally:
            copy.write(mutant.module, mutant.original)
            self._copies.put(copy)
        if status is None:
            return "timeout"
        return "survived" if not status else "not importable" if status in _CANNOT_IMPORT else "killed"


def main() -> int:
    """Print the survivors and the scores; return 1 when the score of all is too low."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=["*"], help="patterns of paths below src/ice_result; all")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=85, help="percent")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started, plan = time.monotonic(), Plan.read()
    names = [name for name in plan.tests if any(fnmatch.fnmatch(name, pattern) for pattern in options.modules)]
    modules = [Module(ROOT / PACKAGE, name) for name in names]
    drawn = [(module, index) for module in modules for index in range(len(module))]
    random.Random(options.seed).shuffle(drawn)  # noqa: S311  a sample that can be drawn again
    with ExitStack() as stack:
        places = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(options.processes)]
        workers = ThreadPoolExecutor(options.processes)
        stack.callback(workers.shutdown, cancel_futures=True)
        runner = Runner(plan, [ProjectCopy(place) for place in places])
        list(workers.map(runner.measure, dict.fromkeys(plan.tests[name] for name in names)))
        print(f"{len(drawn)} mutants; without a mutation, all tests pass", flush=True)
        outcomes = _run_sample(runner, workers, (module.mutant(index) for module, index in drawn), options.sample)
    score = _report(modules, outcomes)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, busy = time.monotonic() - started, used.ru_utime + used.ru_stime
    print(f"seed {options.seed}, {options.processes} at once: {seconds:.0f} s; CPU {busy:.0f} s")
    return 1 if score < options.least else 0


def _run_sample(
    runner: Runner, workers: ThreadPoolExecutor, mutants: Iterator[Mutant], sample: int
) -> Counter[tuple[str, Outcome]]:
    """Run mutants until `sample` are counted, or none is left; print survivors. Return how many, by module."""
    outcomes: Counter[tuple[str, Outcome]] = Counter()
    missing = sample
    while batch := [*islice(mutants, missing)]:
        for mutant, outcome in zip(batch, workers.map(runner.outcome, batch), strict=True):
            outcomes[mutant.module, outcome] += 1
            if outcome == "survived":
                print(f"\nsurvived ({outcomes.total()} run)", *mutant.diff, sep="\n", flush=True)
        missing = sample - sum(number for (_, outcome), number in outcomes.items() if outcome in COUNTED)
    return outcomes


def _report(modules: Iterable[Module], outcomes: Mapping[tuple[str, Outcome], int]) -> float:
    """Print a line for each module and one for all; return the score of all, in percent."""
    sizes = {module.name: len(module) for module in modules}
    print(f"\n{'':24}{'mutants':>9}", *(f"{outcome:>9}" for outcome in COUNTED), f"{'score':>8}")
    score = 100.0
    for title, names in (*((name, [name]) for name in sizes), ("all", [*sizes])):
        numbers = [sum(outcomes.get((name, outcome), 0) for name in names) for outcome in COUNTED]
        noticed, counted = sum(numbers[:2]), sum(numbers[:3])
        score = 100 * noticed / counted if counted else 100.0
        shown = f"{score:.0f} %" if counted else "-"
        print(f"{title:24}{sum(sizes[name] for name in names):9}", *(f"{each:9}" for each in numbers), f"{shown:>8}")
    print(f"{sum(outcomes.get((name, 'not importable'), 0) for name in sizes)} more cannot be imported")
    return score


if __name__ == "__main__":
    sys.exit(main())
