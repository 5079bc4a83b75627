"""The process is killed at each call it makes, then the batch comes again: in the end all is as in a quiet run.

Each call is struck twice: when it arrives, and when it is carried out, so that the work is done and nobody knows.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple, TypeAlias, TypedDict

import pytest

from ice_result.calls import Deadline
from ice_result.credentials import Credentials, Keys
from ice_result.localcloud import LocalCloud, Passing
from ice_result.sinks import SinkContext
from ice_result.sinks.tablestore_calls import Tablestore
from ice_result.sinks.tablestore_sink import TablestoreSink
from support.forked_functions import ForkedFunctions

BATCH = {"JobIds": ["cover-0001", "audioqualityassessment-0001", "cover-false-success", "videoclip-failed"]}
JOBS = Path(__file__).parent.parent / "samples" / "jobs"
UNREADABLE = [{"requestId": "R", "messageId": "M-1", "messageBody": "\x00?"}]
SETUP = {"ListTable", "CreateTable"}
INSTANCE = "ice-tests"
Rows: TypeAlias = Sequence[object]
AT_ONCE = 2


class Strike(NamedTuple):
    """The nth time that this happens."""

    passing: Passing
    nth: int


class Reaper:
    """Watches the calls of one process after another; kills the first at its strike, if it has one."""

    def __init__(self, strike: Strike | None = None) -> None:
        self.seen: list[Strike] = []
        self.process_id: SimpleQueue[int] = SimpleQueue()
        self._strike = strike
        self._counts: Counter[Passing] = Counter()
        self._lock = threading.Lock()

    def watch(self, passing: Passing) -> None:
        """Count the call; or let it end here, with the process that made it."""
        with self._lock:
            self._counts[passing] += 1
            strike = Strike(passing, self._counts[passing])
            self.seen.append(strike)
        if strike == self._strike:
            os.kill(self.process_id.get(timeout=10), signal.SIGKILL)
            raise ConnectionAbortedError


class Contents(TypedDict):
    """All that a batch has led to, by sink."""

    oss: dict[str, bytes]
    file: dict[str, bytes]
    ots: dict[str, Rows]
    sqlite: list[str]


class Run:
    """A batch in a cloud and a folder of its own, as often as it is delivered."""

    def __init__(self, cloud: LocalCloud, folder: Path, functions: ForkedFunctions, event: object) -> None:
        self._cloud = cloud
        self._folder = folder
        self._functions = functions
        self._event = event
        cloud.seed_outputs()
        cloud.oss.create_bucket("records")
        _make_tables(cloud)

    def deliver(self, reaper: Reaper | None = None) -> int:
        """The exit status of a new process that is given the batch."""
        sinks = ("oss://records/ice", f"ots://{INSTANCE}", f"file:{self._folder}", f"sqlite:{self._folder}/jobs.db")
        environment = {**self._cloud.environment, "ICE_RESULT_SINKS": ",".join(sinks)}
        process_id = self._functions.start(environment, self._event)
        if reaper is not None:
            reaper.process_id.put(process_id)
        return self._functions.status()

    def contents(self) -> Contents:
        """All that was written, comparable."""
        oss, ots, folder = self._cloud.oss, self._cloud.ots, self._folder
        with closing(sqlite3.connect(folder / "jobs.db")) as database:
            dump = list(database.iterdump())
        return {
            "oss": {key: oss.get("records", key) for key in oss.keys("records")},
            "ots": {table: ots.rows(INSTANCE, table) for table in ots.tables(INSTANCE)},
            "file": {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")},
            "sqlite": sorted(dump),
        }


class Undisturbed(NamedTuple):
    """What one process leaves that nothing happens to, and all it could have been killed at."""

    contents: Contents
    strikes: list[Strike]


class Place:
    """Where batches are delivered, each in a cloud and a folder of its own."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._functions: SimpleQueue[ForkedFunctions] = SimpleQueue()
        self._open = ExitStack()
        for _ in range(AT_ONCE):
            self._functions.put(self._open.enter_context(closing(ForkedFunctions())))

    def close(self) -> None:
        """Leave no process behind."""
        self._open.close()

    @contextmanager
    def run(self, event: object, reaper: Reaper) -> Iterator[Run]:
        """A batch that no process has seen yet."""
        functions = self._functions.get()
        try:
            with LocalCloud(jobs=JOBS, tablestore=True, watch=reaper.watch) as cloud:
                yield Run(cloud, self._factory.mktemp("run"), functions, event)
        finally:
            self._functions.put(functions)

    def undisturbed(self, event: object) -> Undisturbed:
        """The event delivered once."""
        reaper = Reaper()
        with self.run(event, reaper) as run:
            assert run.deliver() == 0
            strikes = [strike for strike in reaper.seen if strike.passing.operation not in SETUP]
            return Undisturbed(run.contents(), strikes)

    def killed(self, event: object, strike: Strike) -> Contents:
        """What is there in the end when the process dies at its strike and another gets the event."""
        reaper = Reaper(strike)
        with self.run(event, reaper) as run:
            assert run.deliver(reaper) == -signal.SIGKILL, strike
            assert run.deliver() == 0, strike
            return run.contents()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """As many processes at once as there are cores to gain from."""
    with closing(Place(tmp_path_factory)) as place:
        yield place


@pytest.fixture(scope="module")
def undisturbed(place: Place) -> Undisturbed:
    """The batch delivered once."""
    return place.undisturbed(BATCH)


def _make_tables(cloud: LocalCloud) -> None:
    credentials = Credentials()
    ((key_id, secret),) = cloud.credentials.items()
    credentials.use(Keys(key_id, secret))
    context = SinkContext(region=cloud.region, ots_endpoint=cloud.ots.endpoint, credentials=credentials)
    TablestoreSink(f"ots://{INSTANCE}", Tablestore(INSTANCE, context)).prepare(Deadline.after(30), dry_run=False)


def test_a_batch_is_whole_when_nothing_happens(undisturbed: Undisturbed) -> None:
    """GIVEN four jobs and four sinks WHEN nothing disturbs the process THEN each sink has each job."""
    contents, count = undisturbed.contents, len(BATCH["JobIds"])
    assert len(contents["oss"]) == len(contents["file"]) == 2 * count
    assert len(contents["ots"]["ice_jobs"]) == count
    assert sum('INTO "ice_jobs"' in line for line in contents["sqlite"]) == count
    assert {(strike.passing.service, strike.passing.operation) for strike in undisturbed.strikes} >= {
        ("ICE", "QueryIProductionJob"),
        ("OSS", "HEAD"),
        ("OSS", "PUT"),
        ("Tablestore", "BatchWriteRow"),
        ("Tablestore", "PutRow"),
        ("Tablestore", "GetRange"),
    }


def test_killed_at_any_call_and_delivered_again_everything_is_as_if_nothing_had_been(
    place: Place, undisturbed: Undisturbed
) -> None:
    """GIVEN SIGKILL at a call WHEN a new process gets the batch THEN all objects and rows are those of a quiet run."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = pool.map(lambda strike: place.killed(BATCH, strike), undisturbed.strikes)
        for strike, contents in zip(undisturbed.strikes, ends, strict=True):
            assert contents == undisturbed.contents, strike


def test_killed_while_it_parks_and_delivered_again_the_event_is_parked_once(place: Place) -> None:
    """GIVEN an unreadable message WHEN the process dies at a call THEN it is there once, however often counted."""
    undisturbed = place.undisturbed(UNREADABLE)
    assert "PUT" in {strike.passing.operation for strike in undisturbed.strikes}
    for strike in undisturbed.strikes:
        (envelope,) = place.killed(UNREADABLE, strike)["oss"].values()
        (expected,) = undisturbed.contents["oss"].values()
        assert _told(envelope) == _told(expected), strike


def _told(envelope: bytes) -> dict[str, object]:
    """What an envelope says of its event; not how often it was parked."""
    fields = json.loads(envelope)
    return {name: fields[name] for name in ("reason", "transient", "job_id", "error", "event")}
