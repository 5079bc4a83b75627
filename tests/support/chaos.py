"""A run of many jobs while calls fail and processes are killed. Its result must equal that of a run without faults.

    quiet run ──► faults, storms, kills ──► every event delivered, some twice ──► end ──► timers, a person ──► compared

The same jobs are first recorded without faults. Then one call in five fails, and every call in storms of throttling.
Processes are killed. Unfinished deliveries come again: a batch until it is finished, an HTTP request twice more, as ICE
does, and then through the queue.

The seed decides which call fails outside storms (the nth of its operation on its target), which events are delivered
together, in which order, and over HTTP, and which jobs still run at first. It also decides after how many calls a
process is killed. Which process is at work at that call is a matter of time, and so is how often a call is made. So a
plan may ask for a least number of kills and of storms, and for some kinds of faults: until they have happened,
everything is delivered again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from alicloud_local import LocalCloud
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import read_envelopes, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.processing.parking import leave_notes
from ice_result.records.model import CONTENT_OF_ROLES, Record
from ice_result.rules.judge import input_addresses
from ice_result.rules.model import RuleChoice
from ice_result.sinks.parked_model import Expected
from support.chaos_deliveries import Deliveries, Delivery, Lane, after_failure, batches, shuffled
from support.chaos_faults import CallFaults
from support.chaos_place import Place, Stored, difference, is_unseen
from support.chaos_plan import Figures, Plan
from support.chaos_receivers import Receivers
from support.forked_functions import GIVEN_BACK, REFUSED, SENT_AGAIN, ForkedFunctions
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(SAMPLE_JOBS.glob("*.json"))
TIMER = {"triggerTime": "2026-03-02T08:00:00Z", "triggerName": "upkeep", "payload": ""}
WAITED_SECONDS = 3700
"""Longer than any pause between two tries of what is parked."""
MOST_ROUNDS = 200
_QUIET_BATCH = 100
_QUIET_TIMEOUT = 60
_SOON, _LATE = ("Analysing",), ("Queuing",) * 3 + ("Analysing",) * 9
_DELIVERED_AGAIN = {GIVEN_BACK, SENT_AGAIN, -signal.SIGKILL}


class Chaos:
    """A run of one plan, in its own cloud and folder."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` is called with the progress."""
        self._say = say
        self.figures = Figures()
        self._plan = plan
        self._folder = folder
        self._chance = random.Random(plan.seed)  # noqa: S311  repeatable
        self._victims = random.Random(plan.seed)  # noqa: S311  for what several threads draw from
        self._faults = CallFaults(plan, self._kill)
        self._job_ids = [f"job-{number:05}" for number in range(plan.jobs)]
        self._lanes: list[Lane] = []
        self._to_die: set[int] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def run(self) -> Figures:
        """Run the plan. Raises AssertionError with the seed and the first job that is not as expected."""
        with ExitStack() as stack:
            cloud = stack.enter_context(LocalCloud(tablestore=True, watch=self._faults.watch))
            receivers = stack.enter_context(Receivers(cloud, self._faults.watch))
            self._faults.servers = {
                "ICE": cloud.ice,
                "OSS": cloud.oss,
                "Tablestore": cloud.ots,
                "MNS": cloud.mns,
                "webhook": receivers.webhook,
            }
            self._fill(cloud)
            log = stack.enter_context((self._folder / "log").open("wb"))
            for number in range(self._plan.lanes + 1):  # the last one is for the timer
                functions = stack.enter_context(closing(ForkedFunctions(log)))
                self._lanes.append(
                    Lane(functions, over_http=0 <= self._plan.lanes - 1 - number < self._plan.http_lanes)
                )
            quiet, place = (Place(cloud, self._folder, name, receivers.environment) for name in ("quiet", "records"))
            self._run_quietly(quiet)
            self._check_told(receivers, quiet)
            self._must(not receivers.twice(), "a target was told twice in the quiet run")
            receivers.begin()
            self._say(f"recorded without faults, in {self.figures.quiet_seconds:.0f} s")
            expected = quiet.by_job()
            self._let_some_run(cloud)
            self._run_with_faults(place)
            self._recover(place)
            self._compare(place, expected)
            self._check_told(receivers, place)
            self.figures.told, self.figures.told_twice = receivers.count(), receivers.twice()
        return self.figures

    def _check_told(self, receivers: Receivers, place: Place) -> None:
        """Check that each target was told of each job, and last of all of what is stored."""
        problems = receivers.problems(place.notification_ids(), place.acknowledged())
        self._must(not problems, f"{len(problems)} notifications are not as promised, the first: {problems[:1]}")

    def _fill(self, cloud: LocalCloud) -> None:
        """Add every sample in turn under new ids, with the output files and the inputs of the sample."""
        responses = [json.loads(path.read_text(encoding="utf-8")) for path in SAMPLES]
        for response, path in zip(responses, SAMPLES, strict=True):
            cloud.ice.put(path.stem, response)
        cloud.seed_outputs()
        cloud.seed_inputs()
        for number, job_id in enumerate(self._job_ids):
            cloud.ice.put(job_id, {**responses[number % len(responses)], "JobId": job_id})

    def _let_some_run(self, cloud: LocalCloud) -> None:
        """Let one job in fifty still run at its first query, and a few of them for long."""
        for number, job_id in enumerate(self._job_ids):
            if self._chance.random() < 0.02:
                ended = json.loads(SAMPLES[number % len(SAMPLES)].read_text(encoding="utf-8"))
                states = _LATE if self._chance.random() < 0.2 else _SOON
                running = [{"JobId": job_id, "FunctionName": "Cover", "Status": state} for state in states]
                cloud.ice.put(job_id, *running, {**ended, "JobId": job_id})

    def _run_quietly(self, quiet: Place) -> None:
        started, before = time.monotonic(), self._faults.calls.copy()
        self._work_off(quiet, batches(self._job_ids, _QUIET_BATCH), self._queue_lanes[:2], _QUIET_TIMEOUT)
        self.figures.quiet_seconds = time.monotonic() - started
        self.figures.quiet_log_bytes = (self._folder / "log").stat().st_size
        calls = self._faults.calls - before
        self.figures.quiet_calls = calls.total()
        self._check_calls(calls, quiet)
        self._must(not quiet.keys("parked"), "something was parked in the quiet run")

    @property
    def _queue_lanes(self) -> list[Lane]:
        return [lane for lane in self._lanes[:-1] if not lane.over_http]

    def _check_calls(self, calls: Counter[tuple[str, str]], quiet: Place) -> None:
        """Check that a job makes only the calls that it needs: one for each file of its manifest, and for its inputs.

        A file whose content is read takes one call more, and its jobs one range of rows. A notification takes two
        reads: of the acknowledgements before it, and of the manifest after it.
        """
        jobs, processes = self._plan.jobs, -(-self._plan.jobs // _QUIET_BATCH)
        manifests = [json.loads(quiet.stored(key)) for key in quiet.keys("manifests")]
        files = [file for each in manifests for file in each["files"]]
        records = [Record.model_validate_json(quiet.stored(key)) for key in quiet.keys("records")]
        looked_up = [file["uri"] for file in files if file["exists"] is not None]
        looked_up += [each.uri for record in records for each in input_addresses(record, RuleChoice())]
        read = sum(map(quiet.requests_for, looked_up)) + sum(file["role"] in CONTENT_OF_ROLES for file in files)
        contents = quiet.keys("contents")
        # Two processes may find the store empty at the same time: then both set its mark.
        marks = 1 + int(calls["OSS", "PUT"] == 4 * jobs + len(contents) + 2)
        needed = {
            ("ICE", "QueryIProductionJob"): jobs,
            ("OSS", "PUT"): 4 * jobs + marks + len(contents),
            ("OSS", "GET"): 2 * jobs + processes + marks + read,
            ("Tablestore", "BatchWriteRow"): jobs,
            ("Tablestore", "UpdateRow"): jobs,
            ("Tablestore", "GetRange"): 2 * jobs + sum(key.endswith("/1.json") for key in contents),
            ("MNS", "SendMessage"): jobs,
            ("webhook", "POST"): jobs,
        }
        self._must(dict(calls) == needed, f"the quiet run made other calls than it needs: {dict(calls)}, not {needed}")

    def _run_with_faults(self, place: Place) -> None:
        """Deliver everything while calls fail and processes are killed."""
        lost, noted = self._lost_and_noted()
        with closing(place.pipeline()) as pipeline:
            now = datetime.now(timezone.utc)
            due = now + timedelta(minutes=30)
            notes = [Expected(job_id=JobId(job_id), expected_at=now, due_at=due) for job_id in sorted(lost | noted)]
            left = leave_notes(pipeline.stores.parking_stores, notes, lambda: Deadline.after(30))
            self.figures.noted = len(list(left))
        expected = [job_id for job_id in self._job_ids if job_id not in lost]
        started, before, parked = time.monotonic(), self._faults.calls.copy(), self._faults.parked
        self._faults.begin()
        with ThreadPoolExecutor(1) as timer:
            try:
                ended = timer.submit(self._run_timers, place)
                while True:
                    deliveries = shuffled(expected, self._plan, self._chance)
                    self._work_off(place, deliveries, self._lanes[:-1], self._plan.timeout)
                    if self._disturbed_enough():
                        break
            finally:
                self._over.set()
            ended.result()
        self._faults.end()
        self.figures.seconds = time.monotonic() - started
        self.figures.calls = (self._faults.calls - before).total()
        self.figures.parked = self._faults.parked - parked
        self.figures.faults = self._faults.faults
        self.figures.storms = len(self._faults.calls_by_storm)
        self.figures.calls_in_storms = self._faults.calls_by_storm.total()

    def _disturbed_enough(self) -> bool:
        """Return True when as much has happened as the plan asks for."""
        plan, faults = self._plan, self._faults
        return (
            self.figures.kills >= plan.least_kills
            and len(faults.calls_by_storm) >= plan.least_storms
            and faults.faults.keys() >= plan.kinds
        )

    def _lost_and_noted(self) -> tuple[set[str], set[str]]:
        """Return the jobs whose events never come, and other expected jobs."""
        some = self._chance.sample(self._job_ids, max(2, self._plan.jobs // 20))
        half = len(some) // 2
        return set(some[:half]), set(some[half:])

    def _work_off(self, place: Place, deliveries: Sequence[Delivery], lanes: Sequence[Lane], timeout: int) -> None:
        left = Deliveries(self._plan.seed)
        left.add(deliveries)
        with ThreadPoolExecutor(len(lanes)) as pool:
            for ended in [pool.submit(self._deliver_all, place, left, lane, timeout) for lane in lanes]:
                ended.result()
        self._must(not left.problems, "; ".join(left.problems))

    def _deliver_all(self, place: Place, left: Deliveries, lane: Lane, timeout: int) -> None:
        """Deliver everything as the platform does: an unsuccessful delivery comes again as a whole, later."""
        while (delivery := left.next(lane)) is not None:
            status = self._deliver(place, lane, delivery.event, timeout)
            if not delivery.over_http:
                self._report(place, left)
            if status not in (0, *_DELIVERED_AGAIN):
                left.problems.append(f"a function ended with {status}: see {self._folder / 'log'}")
            again = after_failure(delivery) if status else None
            self._count(delivery, status, again)
            left.ended(lane, again)

    def _count(self, delivery: Delivery, status: int, again: Delivery | None) -> None:
        with self._lock:
            self.figures.batches += not delivery.over_http
            self.figures.events += 0 if delivery.over_http else len(delivery.job_ids)
            self.figures.requests += delivery.over_http
            self.figures.sent_again += status == SENT_AGAIN
            self.figures.lost_over_http += again is not None and delivery.over_http and not again.over_http
            self.figures.given_back += status == GIVEN_BACK

    def _report(self, place: Place, left: Deliveries) -> None:
        parked = len(place.keys("parked"))
        with self._lock:
            self.figures.parked_at_most = max(self.figures.parked_at_most, parked)
        self._say(f"{left.shown()} left, {self.figures.kills} processes killed, {parked} envelopes")

    def _deliver(self, place: Place, lane: Lane, event: object, timeout: int, ahead_seconds: int = 0) -> int:
        started = time.monotonic()
        process_id = lane.functions.start(place.environment, event, timeout=timeout, ahead_seconds=ahead_seconds)
        with self._lock:
            lane.process_id = process_id
        status = lane.functions.status()
        with self._lock:
            lane.process_id = None
            killed, to_die = status == -signal.SIGKILL, process_id in self._to_die
            self._to_die.discard(process_id)
            self.figures.kills += killed
            if timeout == self._plan.timeout:
                self._note_the_time(lane, status, time.monotonic() - started)
        if to_die and not killed:
            self._faults.kill_again()
        return status

    def _note_the_time(self, lane: Lane, status: int, seconds: float) -> None:
        if lane.over_http and status in (0, SENT_AGAIN):
            self.figures.longest_request_seconds = max(self.figures.longest_request_seconds, seconds)
        if not lane.over_http and status == 0:
            self.figures.longest_seconds = max(self.figures.longest_seconds, seconds)

    def _kill(self) -> bool:
        """Kill one process that is at work, if there is one."""
        with self._lock:
            processes = [lane.process_id for lane in self._lanes if lane.process_id]
            if not processes:
                return False
            process_id = self._victims.choice(processes)
            try:
                os.kill(process_id, signal.SIGKILL)
            except ProcessLookupError:
                return False
            self._to_die.add(process_id)
            return True

    def _run_timers(self, place: Place) -> None:
        """Run a timer every few seconds. It fails when it cannot read parked events, and the next one tries again."""
        while not self._over.wait(self._plan.timer_every):
            status = self._deliver(place, self._lanes[-1], TIMER, self._plan.timeout, WAITED_SECONDS)
            self.figures.timers += 1
            self.figures.timers_that_failed += status != 0
            known = status in (0, GIVEN_BACK, REFUSED, -signal.SIGKILL)
            self._must(known, f"a timer ended with {status}: see {self._folder / 'log'}")

    def _recover(self, place: Place) -> None:
        """Run timers until they find no more; then retry as an operator, and look up the files that were not looked up.

        A job that the operator retries may still run: then the timer goes on with it.
        """
        self._run_timers_out(place)
        with closing(place.pipeline()) as pipeline:
            self.figures.by_a_person = _retry_all(pipeline)
        self._run_timers_out(place)
        left = self._left(place)
        self._must(not left, f"{len(left)} left, the first {left[:1]}")
        unseen = [job_id for job_id, stored in place.by_job().items() if is_unseen(stored)]
        self.figures.looked_up_again = len(unseen)
        self._work_off(place, batches(unseen, _QUIET_BATCH), self._queue_lanes[:2], _QUIET_TIMEOUT)

    def _run_timers_out(self, place: Place) -> None:
        for _ in range(MOST_ROUNDS):
            before = self._left(place)
            status = self._deliver(place, self._lanes[0], TIMER, _QUIET_TIMEOUT, WAITED_SECONDS)
            self._must(status == 0, f"a timer ended with {status} after the faults were over")
            self.figures.timers += 1
            self._say(f"the faults are over: {len(before)} envelopes and notes were left before this timer")
            left = self._left(place)
            if left == before and not any("/not_finished/" in key for key in left):  # ICE finishes each job in the end
                break

    def _left(self, place: Place) -> list[str]:
        return [*place.keys("parked"), *place.keys("expected")]

    def _compare(self, place: Place, expected: Mapping[str, Stored]) -> None:
        """Compare every byte and row with the quiet run."""
        found = place.by_job()
        for job_id in sorted({*found, *expected, *self._job_ids}):
            self._must(job_id in expected, f"{job_id}: not recorded in the quiet run")
            self._must(job_id in found, f"{job_id}: not recorded")
            other = difference(found[job_id], expected[job_id])
            self._must(not other, f"{job_id}: {other}")

    def _must(self, holds: bool, what: str) -> None:
        assert holds, f"seed {self._plan.seed}, {self._plan.jobs} jobs: {what}"


def _retry_all(pipeline: Pipeline) -> int:
    """Retry all parked events, as `parked retry` does. Returns their number."""
    deadline = Deadline.after(3600)
    envelopes = read_envelopes(list_parked(pipeline.stores.parking_stores, None), deadline)
    return len(list(retry(pipeline, envelopes, RunContext(lambda: Deadline.after(30)))))
