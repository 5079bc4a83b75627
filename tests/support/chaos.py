"""Many jobs while calls fail and processes are killed; in the end all is as in a quiet run.

    quiet run ──► faults and kills on ──► every event delivered, some twice ──► off ──► timers, a person ──► compared

The same jobs are first recorded while nothing disturbs them. Then each call is hit by a fault with a chance of one in
five, processes are killed, and what they did not finish is delivered again. The seed decides which call is hit (the
nth of its operation on its target), what is delivered together and in which order, and which jobs still run at first.
It also decides after how many calls a process is killed. Which process is at work at that call is a matter of time, and
with it how often a call is made. So a plan may ask for a least number of kills and for some kinds of faults: until they
have happened, everything is delivered again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ice_result.assembly import assemble
from ice_result.calls import Deadline
from ice_result.credentials import Credentials, Keys
from ice_result.localcloud import Fault, FaultKind, LocalCloud, Passing
from ice_result.localcloud.service import LocalService
from ice_result.pipeline import Pipeline, Terms
from ice_result.settings import Settings
from ice_result.sinks.tables import TABLES, TableStore
from ice_result.upkeep import kept, leave_notes, new_notes, read_each, retry
from support.forked_functions import GIVEN_BACK, REFUSED, ForkedFunctions
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(SAMPLE_JOBS.glob("*.json"))
SHARES: dict[FaultKind, float] = {
    "error_500": 0.05,
    "html_502": 0.045,
    "reset": 0.04,
    "throttle": 0.03,
    "truncate": 0.015,
    "forbidden": 0.01,
    "hang": 0.005,
    "drip": 0.005,
}
"""Of all calls, how many are hit by what: one in five. What holds a call up is rarer, so that time suffices."""
TIMER = {"triggerTime": "2026-03-02T08:00:00Z", "triggerName": "upkeep", "payload": ""}
CONCURRENCY = 16
WAITED_SECONDS = 3700
"""Longer than any pause between two tries of what is parked."""
MOST_ROUNDS = 200
_QUIET_BATCH = 100
_SOON, _LATE = ("Analysing",), ("Queuing",) * 3 + ("Analysing",) * 9
Stored: TypeAlias = dict[str, list[object]]
"""Objects and rows of one job, by where they lie."""


@dataclass(frozen=True)
class Plan:
    """How many jobs, and what disturbs them. `lanes` is how many functions are at work at once.

    A batch has as many events at most as s.yaml hands over at once. Processes are killed one by one, each after
    a number of calls between the two of `kill_every`: a batch that needs many more calls than that would come again for
    ever. At least `least_kills` processes are killed, and each of `kinds` hits a call. The rest is seconds.
    """

    jobs: int
    seed: int
    largest_batch: int = 20
    lanes: int = 4
    timeout: int = 12
    kill_every: tuple[int, int] = (250, 500)
    timer_every: float = 4.0
    least_kills: int = 0
    kinds: frozenset[FaultKind] = frozenset()


@dataclass
class Figures:
    """What happened."""

    deliveries: int = 0
    events: int = 0
    kills: int = 0
    given_back: int = 0
    timers: int = 0
    timers_that_failed: int = 0
    quiet_calls: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    parked: int = 0
    parked_at_most: int = 0
    noted: int = 0
    by_a_person: int = 0
    looked_up_again: int = 0
    longest_seconds: float = 0.0
    quiet_seconds: float = 0.0
    seconds: float = 0.0


class CallFaults:
    """Watches every call; while it is `on`, one in five is hit by a fault: the seed and the call say which and by what.

    Then it also calls `kill` after so many calls as the plan says, and at each further call until that has killed.
    """

    def __init__(self, plan: Plan, kill: Callable[[], bool]) -> None:
        self.on = False
        self.hits: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.parked = 0
        self.servers: Mapping[str, LocalService] = {}
        self._seed = plan.seed
        self._kill = kill
        self._kill_every = plan.kill_every
        self._pauses = random.Random(plan.seed)  # noqa: S311  repeatable
        self._calls_to_next_kill = self._pauses.randint(*plan.kill_every)
        self._seen: Counter[Passing] = Counter()
        self._lock = threading.Lock()

    def watch(self, passing: Passing) -> None:
        """Count the call, and order a fault for it."""
        if passing.moment != "arrived":
            return
        with self._lock:
            self.calls[passing.service, passing.operation] += 1
            self.parked += passing.operation == "PUT" and "/parked/" in passing.target
            if not self.on:
                return
            self._seen[passing] += 1
            kind = self._kind(passing, self._seen[passing])
            if kind is not None:
                self.hits[kind] += 1
            self._calls_to_next_kill -= 1
            if self._calls_to_next_kill <= 0 and self._kill():
                self._calls_to_next_kill = self._pauses.randint(*self._kill_every)
        if kind is not None:
            self.servers[passing.service].fail(Fault(kind, 1, passing.operation, passing.target or None))

    def kill_again(self) -> None:
        """The process had ended before it was killed: the next call kills one."""
        with self._lock:
            self._calls_to_next_kill = 0

    def _kind(self, passing: Passing, nth: int) -> FaultKind | None:
        what = f"{self._seed} {passing.service} {passing.operation} {passing.target} {nth}"
        chance = random.Random(what).random()  # noqa: S311  repeatable
        for kind, share in SHARES.items():
            chance -= share
            if chance < 0:
                return kind
        return None


class Delivery(NamedTuple):
    """Messages that the platform hands over at once, each about a job."""

    job_ids: tuple[str, ...]

    @property
    def event(self) -> list[object]:
        """As an MNS queue's messages come through EventBridge, every third as ICE's own event."""
        return [_message(number, job_id) for number, job_id in enumerate(self.job_ids)]


class Place:
    """Three sinks of their own: objects, wide columns, and a database file."""

    def __init__(self, cloud: LocalCloud, folder: Path, name: str) -> None:
        self.name = name
        self._cloud = cloud
        self._database = folder / f"{name}.db"
        cloud.oss.create_bucket(name)
        sinks = (f"oss://{name}/ice", f"ots://ice-{name}", f"sqlite:{self._database}")
        self.environment = {
            **cloud.environment,
            "ICE_RESULT_SINKS": ",".join(sinks),
            "ICE_RESULT_CONCURRENCY": str(CONCURRENCY),
        }
        with closing(self.pipeline()) as pipeline:
            for sink in pipeline.stores.sinks:
                if isinstance(sink, TableStore):
                    sink.prepare(Deadline.after(30), dry_run=False)

    def pipeline(self) -> Pipeline:
        """A pipeline of this process that works on the sinks."""
        credentials = Credentials()
        ((key_id, secret),) = self._cloud.credentials.items()
        credentials.use(Keys(key_id, secret))
        return assemble(Settings.from_environment(self.environment), credentials)

    def keys(self, kind: str) -> list[str]:
        """The keys of objects that are, for example, `parked`."""
        return [key for key in self._cloud.oss.keys(self.name) if key.startswith(f"ice/{kind}/")]

    def stored(self, key: str) -> bytes:
        """What lies there."""
        return self._cloud.oss.get(self.name, key)

    def by_job(self) -> dict[str, Stored]:
        """All that is stored, by job."""
        found: dict[str, Stored] = defaultdict(lambda: defaultdict(list))
        oss, ots, instance = self._cloud.oss, self._cloud.ots, f"ice-{self.name}"
        for key in oss.keys(self.name):
            found[key.rpartition("/")[2].removesuffix(".json")][f"object {key}"].append(oss.get(self.name, key))
        for name in ots.tables(instance):
            for row in ots.rows(instance, name):
                found[str(row["job_id"])][f"Tablestore {name}"].append(row)
        with closing(sqlite3.connect(self._database)) as database:
            for table in TABLES:
                for values in database.execute(f"SELECT job_id, * FROM {table.name} ORDER BY 1, 2, 3"):  # noqa: S608  our own names
                    found[values[0]][f"SQLite {table.name}"].append(values)
        return found


class Chaos:
    """One run of a plan, in a cloud and a folder of its own."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` is told how far it is."""
        self._say = say
        self.figures = Figures()
        self._plan = plan
        self._folder = folder
        self._chance = random.Random(plan.seed)  # noqa: S311  repeatable
        self._moments = random.Random(plan.seed)  # noqa: S311  for what several threads draw from
        self._faults = CallFaults(plan, self._kill)
        self._job_ids = [f"job-{number:05}" for number in range(plan.jobs)]
        self._queue: list[Delivery] = []
        self._at_work: dict[ForkedFunctions, int | None] = {}
        self._to_die: set[int] = set()
        self._change = threading.Condition()
        self._over = threading.Event()
        self._problems: list[str] = []

    def run(self) -> Figures:
        """Raises AssertionError, with the seed and the first job for which something does not hold."""
        with ExitStack() as stack:
            cloud = stack.enter_context(LocalCloud(tablestore=True, watch=self._faults.watch))
            self._faults.servers = {"ICE": cloud.ice, "OSS": cloud.oss, "Tablestore": cloud.ots}
            self._fill(cloud)
            log = stack.enter_context((self._folder / "log").open("wb"))
            lanes = [stack.enter_context(closing(ForkedFunctions(log))) for _ in range(self._plan.lanes + 1)]
            quiet, place = (Place(cloud, self._folder, name) for name in ("quiet", "records"))
            self._run_quietly(quiet, lanes)
            self._say(f"recorded in peace, in {self.figures.quiet_seconds:.0f} s")
            expected = quiet.by_job()
            self._let_some_run(cloud)
            self._storm(place, lanes)
            self._calm(place, lanes)
            self._compare(place, expected)
        return self.figures

    def _fill(self, cloud: LocalCloud) -> None:
        """Every sample in turn, under new ids; their output files are the samples'."""
        responses = [json.loads(path.read_text(encoding="utf-8")) for path in SAMPLES]
        for response, path in zip(responses, SAMPLES, strict=True):
            cloud.ice.put(path.stem, response)
        cloud.seed_outputs()
        for number, job_id in enumerate(self._job_ids):
            cloud.ice.put(job_id, {**responses[number % len(responses)], "JobId": job_id})

    def _let_some_run(self, cloud: LocalCloud) -> None:
        """From now on one job in fifty still runs when it is first asked for, and a few of them for long."""
        for number, job_id in enumerate(self._job_ids):
            if self._chance.random() < 0.02:
                ended = json.loads(SAMPLES[number % len(SAMPLES)].read_text(encoding="utf-8"))
                states = _LATE if self._chance.random() < 0.2 else _SOON
                running = [{"JobId": job_id, "FunctionName": "Cover", "Status": state} for state in states]
                cloud.ice.put(job_id, *running, {**ended, "JobId": job_id})

    def _run_quietly(self, quiet: Place, lanes: Sequence[ForkedFunctions]) -> None:
        started, before = time.monotonic(), self._faults.calls.copy()
        self._queue = [Delivery(tuple(part)) for part in _parts(self._job_ids, [_QUIET_BATCH])]
        self._work_off(quiet, lanes[:2], timeout=60)
        self.figures.quiet_seconds = time.monotonic() - started
        calls = self._faults.calls - before
        self.figures.quiet_calls = calls.total()
        self._check_calls(calls, quiet)
        self._must(not quiet.keys("parked"), "something was parked in the quiet run")

    def _check_calls(self, calls: Counter[tuple[str, str]], quiet: Place) -> None:
        """What a job needs, and nothing more: each file that its manifest tells of is looked up once."""
        jobs = self._plan.jobs
        manifests = [json.loads(quiet.stored(key)) for key in quiet.keys("manifests")]
        needed = {
            ("ICE", "QueryIProductionJob"): jobs,
            ("OSS", "HEAD"): sum(file["exists"] is not None for each in manifests for file in each["files"]),
            ("OSS", "PUT"): 2 * jobs,
            ("Tablestore", "BatchWriteRow"): jobs,
            ("Tablestore", "PutRow"): jobs,
            ("Tablestore", "GetRange"): 2 * jobs,
        }
        self._must(dict(calls) == needed, f"the quiet run made other calls than it needs: {dict(calls)}, not {needed}")

    def _storm(self, place: Place, lanes: Sequence[ForkedFunctions]) -> None:
        """Deliver everything while calls fail and processes die."""
        lost, noted = self._lost_and_noted()
        with closing(place.pipeline()) as pipeline:
            now, within = datetime.now(timezone.utc), timedelta(minutes=30)
            notes = new_notes(sorted(lost | noted), within=within, function_name=None, now=now)
            left = leave_notes(pipeline.stores.lots, notes, lambda: Deadline.after(30))
            self.figures.noted = len(list(left))
        expected = [job_id for job_id in self._job_ids if job_id not in lost]
        started, before, parked = time.monotonic(), self._faults.calls.copy(), self._faults.parked
        self._faults.on = True
        with ThreadPoolExecutor(1) as timer:
            try:
                ended = timer.submit(self._wake, place, lanes[-1])
                while True:
                    self._queue = self._deliveries(expected)
                    self._work_off(place, lanes[:-1], self._plan.timeout)
                    if self._disturbed_enough():
                        break
            finally:
                self._over.set()
            ended.result()
        self._faults.on = False
        self.figures.seconds = time.monotonic() - started
        self.figures.calls = (self._faults.calls - before).total()
        self.figures.parked = self._faults.parked - parked
        self.figures.faults = self._faults.hits

    def _disturbed_enough(self) -> bool:
        """Whether as much has happened as the plan asks for."""
        return self.figures.kills >= self._plan.least_kills and self._faults.hits.keys() >= self._plan.kinds

    def _lost_and_noted(self) -> tuple[set[str], set[str]]:
        """Jobs whose events never come, and others that were expected too."""
        some = self._chance.sample(self._job_ids, max(2, self._plan.jobs // 20))
        half = len(some) // 2
        return set(some[:half]), set(some[half:])

    def _deliveries(self, job_ids: Sequence[str]) -> list[Delivery]:
        """Shuffled, in batches of all sizes; every fourth event comes again elsewhere, every tenth batch at once."""
        events = [*job_ids, *self._chance.sample(job_ids, len(job_ids) // 4)]
        self._chance.shuffle(events)
        largest = max(2, min(self._plan.largest_batch, self._plan.jobs // 5))
        sizes = [self._chance.randint(1, largest) for _ in events]
        batches = [Delivery(tuple(part)) for part in _parts(events, sizes)]
        return [each for batch in batches for each in [batch] * (1 + (self._chance.random() < 0.1))]

    def _work_off(self, place: Place, lanes: Sequence[ForkedFunctions], timeout: int) -> None:
        with ThreadPoolExecutor(len(lanes)) as pool:
            for lane in [pool.submit(self._deliver_all, place, functions, timeout) for functions in lanes]:
                lane.result()
        self._must(not self._problems, "; ".join(self._problems))

    def _deliver_all(self, place: Place, functions: ForkedFunctions, timeout: int) -> None:
        """As the platform: what a process did not end well with comes again, all of it, at another time."""
        while (delivery := self._next(functions)) is not None:
            status = self._deliver(place, functions, delivery.event, timeout)
            self._report(place)
            with self._change:
                del self._at_work[functions]
                self.figures.deliveries += 1
                self.figures.events += len(delivery.job_ids)
                self.figures.given_back += status == GIVEN_BACK
                if status:
                    self._queue.insert(self._moments.randint(0, len(self._queue)), delivery)
                if status not in (0, GIVEN_BACK, -signal.SIGKILL):
                    self._problems.append(f"a function ended with {status}: see {self._folder / 'log'}")
                    self._queue.clear()
                self._change.notify_all()

    def _report(self, place: Place) -> None:
        parked = len(place.keys("parked"))
        with self._change:
            self.figures.parked_at_most = max(self.figures.parked_at_most, parked)
        self._say(f"{len(self._queue)} batches left, {self.figures.kills} processes killed, {parked} envelopes")

    def _next(self, functions: ForkedFunctions) -> Delivery | None:
        """The next delivery; None when there is none, and no other lane may still give one back."""
        with self._change:
            while not self._queue:
                if not self._at_work.keys() - {functions} or self._problems:
                    return None
                self._change.wait(1.0)
            self._at_work[functions] = None
            return self._queue.pop(0)

    def _deliver(
        self, place: Place, functions: ForkedFunctions, event: object, timeout: int, ahead_seconds: int = 0
    ) -> int:
        started = time.monotonic()
        process_id = functions.start(place.environment, event, timeout=timeout, ahead_seconds=ahead_seconds)
        with self._change:
            self._at_work[functions] = process_id
        status = functions.status()
        with self._change:
            self._at_work[functions] = None
            killed, to_die = status == -signal.SIGKILL, process_id in self._to_die
            self._to_die.discard(process_id)
            self.figures.kills += killed
            if not status and timeout == self._plan.timeout:
                self.figures.longest_seconds = max(self.figures.longest_seconds, time.monotonic() - started)
        if to_die and not killed:
            self._faults.kill_again()
        return status

    def _kill(self) -> bool:
        """Kill one of those at work, if there is one."""
        with self._change:
            processes = [process_id for process_id in self._at_work.values() if process_id]
            if not processes:
                return False
            process_id = self._moments.choice(processes)
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                return False
            self._to_die.add(process_id)
            return True

    def _wake(self, place: Place, functions: ForkedFunctions) -> None:
        """The timer. One that cannot read what is parked fails, and the next tries again."""
        while not self._over.wait(self._plan.timer_every):
            status = self._deliver(place, functions, TIMER, self._plan.timeout, WAITED_SECONDS)
            with self._change:
                del self._at_work[functions]
                self._change.notify_all()
            self.figures.timers += 1
            self.figures.timers_that_failed += status != 0
            if status not in (0, GIVEN_BACK, REFUSED, -signal.SIGKILL):
                self._problems.append(f"a timer ended with {status}: see {self._folder / 'log'}")

    def _calm(self, place: Place, lanes: Sequence[ForkedFunctions]) -> None:
        """Timers until they find nothing more; then a person, for what does not mend itself; then what was not seen."""
        for _ in range(MOST_ROUNDS):
            before = self._left(place)
            status = self._deliver(place, lanes[0], TIMER, 60, WAITED_SECONDS)
            self._must(status == 0, f"a timer ended with {status} after the faults were over")
            self.figures.timers += 1
            self._say(f"all is well again: {len(before)} envelopes and notes were left before this timer")
            if self._left(place) == before:
                break
        with closing(place.pipeline()) as pipeline:
            self.figures.by_a_person = _retry_all(pipeline)
        left = [*place.keys("parked"), *place.keys("expected")]
        self._must(not left, f"{len(left)} left, the first {left[:1]}")
        unseen = [job_id for job_id, stored in place.by_job().items() if _unseen(stored)]
        self.figures.looked_up_again = len(unseen)
        self._at_work.clear()
        self._queue = [Delivery(tuple(part)) for part in _parts(unseen, [_QUIET_BATCH])]
        self._work_off(place, lanes[:2], timeout=60)

    def _left(self, place: Place) -> list[str]:
        return [*place.keys("parked"), *place.keys("expected")]

    def _compare(self, place: Place, expected: Mapping[str, Stored]) -> None:
        """Byte for byte, row by row: neither more nor less than in the quiet run."""
        found = place.by_job()
        for job_id in sorted({*found, *expected, *self._job_ids}):
            self._must(job_id in expected, f"{job_id}: not recorded in the quiet run")
            self._must(job_id in found, f"{job_id}: not recorded")
            for where in sorted({*found[job_id], *expected[job_id]}):
                difference = _difference(repr(found[job_id].get(where)), repr(expected[job_id].get(where)))
                self._must(not difference, f"{job_id}: {where} {difference}")

    def _must(self, holds: bool, what: str) -> None:
        assert holds, f"seed {self._plan.seed}, {self._plan.jobs} jobs: {what}"


def _message(number: int, job_id: str) -> object:
    event = {"EventType": "AIProduceComplete", "MessageBody": {"JobId": job_id}}
    body = json.dumps(event)
    return event if number % 3 == 0 else {"requestId": "R", "messageId": f"M-{job_id}", "messageBody": body}


def _parts(items: Sequence[str], sizes: Sequence[int]) -> Iterator[Sequence[str]]:
    """Slices of these sizes; the last size for all that is left."""
    begin, number = 0, 0
    while begin < len(items):
        size = sizes[min(number, len(sizes) - 1)]
        yield items[begin : begin + size]
        begin, number = begin + size, number + 1


def _difference(found: str, expected: str) -> str:
    """Where two texts part, and how they go on; nothing when they are the same."""
    if found == expected:
        return ""
    pairs = zip(found, expected, strict=False)
    at = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(found), len(expected)))
    shown = slice(max(0, at - 40), at + 80)
    return f"has …{found[shown]}…, and not …{expected[shown]}…"


def _retry_all(pipeline: Pipeline) -> int:
    """As `parked retry` for all reasons; how many there were."""
    deadline = Deadline.after(3600)
    envelopes = read_each(kept(pipeline.stores.lots, None, deadline), deadline)
    return len(list(retry(pipeline, envelopes, Terms(lambda: Deadline.after(30)))))


def _unseen(stored: Stored) -> bool:
    """Whether a manifest says of a file that it could not be looked up."""
    return any(code in repr(contents) for contents in stored.values() for code in ('"unreachable"', '"forbidden"'))
