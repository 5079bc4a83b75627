"""The process is killed at each call it makes, then the event comes again: in the end all is as in a quiet run.

Each call can kill at two moments: when it has arrived, and when it is answered but the reply is not sent, so that the
work is done and nobody knows. Each row of tests/kill_moments.csv is one such moment, and one test.
"""

from __future__ import annotations

import json
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypedDict

import pytest

from alicloud_local import LocalCloud
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.endpoints import parse_endpoint
from ice_result.sinks import SinkContext
from ice_result.sinks.table.tablestore import TablestoreSink
from ice_result.sinks.table.tablestore_client import Tablestore
from support.forked_functions import ForkedFunctions
from support.kill_moments import Killer, KillMoment, params, read_moments, sample
from support.paths import SAMPLE_JOBS

BATCH = {"JobIds": ["cover-0001", "audioqualityassessment-0001", "cover-false-success", "videoclip-failed"]}
CAPTIONS = {"JobId": "captionextraction-0001"}
UNREADABLE = [{"requestId": "R", "messageId": "M-1", "messageBody": "\x00?"}]
INSTANCE = "ice-tests"
Rows: TypeAlias = Sequence[object]
IN_BATCH = read_moments("batch")
WITH_CAPTIONS = read_moments("captions")
WHILE_PARKING = read_moments("unreadable message")


class Contents(TypedDict):
    """All that an event has led to, by sink."""

    oss: dict[str, bytes]
    file: dict[str, bytes]
    ots: dict[str, Rows]
    sqlite: list[str]


class Run:
    """An event in a cloud and a folder of its own, as often as it is delivered."""

    def __init__(self, cloud: LocalCloud, folder: Path, functions: ForkedFunctions, event: object) -> None:
        self._cloud = cloud
        self._folder = folder
        self._functions = functions
        self._event = event
        cloud.seed_outputs()
        cloud.seed_inputs()
        cloud.oss.create_bucket("records")
        _make_tables(cloud)

    def deliver(self, killer: Killer | None = None) -> int:
        """The exit status of a new process that is given the event."""
        sinks = ("oss://records/ice", f"ots://{INSTANCE}", f"file:{self._folder}", f"sqlite:{self._folder}/jobs.db")
        environment = {**self._cloud.environment, "ICE_RESULT_SINKS": ",".join(sinks)}
        process_id = self._functions.start(environment, self._event, timeout=60)
        if killer is not None:
            killer.process_id.put(process_id)
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


@contextmanager
def _new_run(folder: Path, functions: ForkedFunctions, event: object, killer: Killer) -> Iterator[Run]:
    """An event that no process has seen yet."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True, watch=killer.watch) as cloud:
        yield Run(cloud, folder, functions, event)


class Quiet(NamedTuple):
    """What one process leaves that nothing happens to, and all moments at which it could have been killed."""

    contents: Contents
    moments: list[KillMoment]


def _run_quietly(folder: Path, functions: ForkedFunctions, event: object) -> Quiet:
    """The event delivered once."""
    killer = Killer()
    with _new_run(folder, functions, event, killer) as run:
        assert run.deliver() == 0
        return Quiet(run.contents(), killer.seen)


def _kill_and_deliver_again(folder: Path, functions: ForkedFunctions, event: object, moment: KillMoment) -> Contents:
    """What is there in the end when the process dies at this moment and another gets the event."""
    killer = Killer(moment)
    with _new_run(folder, functions, event, killer) as run:
        assert run.deliver(killer) == -signal.SIGKILL
        assert run.deliver() == 0
        return run.contents()


@pytest.fixture(scope="session")
def quiet_batch(tmp_path_factory: pytest.TempPathFactory, forked_functions: ForkedFunctions) -> Quiet:
    """The batch delivered once; in each worker of xdist."""
    return _run_quietly(tmp_path_factory.mktemp("batch"), forked_functions, BATCH)


@pytest.fixture(scope="session")
def quiet_captions(tmp_path_factory: pytest.TempPathFactory, forked_functions: ForkedFunctions) -> Quiet:
    """The job with captions delivered once; in each worker of xdist."""
    return _run_quietly(tmp_path_factory.mktemp("captions"), forked_functions, CAPTIONS)


@pytest.fixture(scope="session")
def quiet_parking(tmp_path_factory: pytest.TempPathFactory, forked_functions: ForkedFunctions) -> Quiet:
    """The unreadable message delivered once; in each worker of xdist."""
    return _run_quietly(tmp_path_factory.mktemp("unreadable"), forked_functions, UNREADABLE)


def _make_tables(cloud: LocalCloud) -> None:
    credentials = Credentials()
    ((key_id, secret),) = cloud.credentials.items()
    credentials.use(Keys(key_id, secret))
    context = SinkContext(region=cloud.region, ots_endpoint=parse_endpoint(cloud.ots.endpoint), credentials=credentials)
    TablestoreSink(f"ots://{INSTANCE}", Tablestore(INSTANCE, context)).prepare(dry_run=False)


def test_a_batch_is_whole_when_nothing_happens(quiet_batch: Quiet) -> None:
    """GIVEN four jobs and four sinks WHEN nothing disturbs the process THEN each sink has each job."""
    contents, count = quiet_batch.contents, len(BATCH["JobIds"])
    assert len(contents["oss"]) == len(contents["file"]) == 3 * count + 1
    assert len(contents["ots"]["ice_jobs"]) == count
    assert sum('INTO "ice_jobs"' in line for line in contents["sqlite"]) == count


def test_contents_are_whole_when_nothing_happens(quiet_captions: Quiet) -> None:
    """GIVEN a job with two caption files WHEN nothing disturbs the process THEN each sink has both contents."""
    contents = quiet_captions.contents
    assert sum("/contents/" in key for key in contents["oss"]) == 6
    assert sum(key.startswith("contents/") for key in contents["file"]) == 2
    assert (len(contents["ots"]["ice_contents"]), len(contents["ots"]["ice_items"])) == (2, 12)
    assert sum('INTO "ice_items"' in line for line in contents["sqlite"]) == 12
    assert sum('INTO "ice_indexed"' in line for line in contents["sqlite"]) == 2


def test_the_data_holds_every_moment_at_which_the_process_can_be_killed(
    quiet_batch: Quiet, quiet_captions: Quiet, quiet_parking: Quiet
) -> None:
    """A quiet run makes exactly these calls, each once: no moment is left out, and none is made up."""
    assert Counter(quiet_batch.moments) == Counter(IN_BATCH)
    assert Counter(quiet_captions.moments) == Counter(WITH_CAPTIONS)
    assert Counter(quiet_parking.moments) == Counter(WHILE_PARKING)


def test_the_sample_touches_every_operation_at_both_moments() -> None:
    """`make test` kills at few moments, but at each operation of each service."""
    operations = {
        ("ICE", "QueryIProductionJob"),
        ("OSS", "GET"),
        ("OSS", "PUT"),
        ("Tablestore", "BatchWriteRow"),
        ("Tablestore", "UpdateRow"),
        ("Tablestore", "GetRange"),
    }
    for moment in ("arrived", "answered"):
        assert {(each.service, each.operation) for each in sample(IN_BATCH) if each.moment == moment} == operations
    assert sample(WHILE_PARKING) == set(WHILE_PARKING)


@pytest.mark.parametrize("moment", params(IN_BATCH))
def test_killed_at_any_call_and_delivered_again_everything_is_as_in_a_quiet_run(
    moment: KillMoment, tmp_path: Path, forked_functions: ForkedFunctions, quiet_batch: Quiet
) -> None:
    """GIVEN SIGKILL at a call WHEN a new process gets the batch THEN all objects and rows are those of a quiet run."""
    assert _kill_and_deliver_again(tmp_path, forked_functions, BATCH, moment) == quiet_batch.contents


@pytest.mark.parametrize("moment", params(WITH_CAPTIONS))
def test_killed_while_contents_are_read_and_written_everything_is_as_in_a_quiet_run(
    moment: KillMoment, tmp_path: Path, forked_functions: ForkedFunctions, quiet_captions: Quiet
) -> None:
    """GIVEN SIGKILL at a call WHEN a new process gets the job THEN all contents and cues are those of a quiet run."""
    assert _kill_and_deliver_again(tmp_path, forked_functions, CAPTIONS, moment) == quiet_captions.contents


@pytest.mark.parametrize("moment", params(WHILE_PARKING))
def test_killed_while_it_parks_and_delivered_again_the_event_is_parked_once(
    moment: KillMoment, tmp_path: Path, forked_functions: ForkedFunctions, quiet_parking: Quiet
) -> None:
    """GIVEN an unreadable message WHEN the process dies at a call THEN it is there once, however often counted."""
    (envelope,) = _kill_and_deliver_again(tmp_path, forked_functions, UNREADABLE, moment)["oss"].values()
    (expected,) = quiet_parking.contents["oss"].values()
    assert _without_count(envelope) == _without_count(expected)


def _without_count(envelope: bytes) -> dict[str, object]:
    """What an envelope says of its event, without how often and when it was parked."""
    fields = json.loads(envelope)
    return {name: fields[name] for name in ("reason", "transient", "job_id", "error", "event")}
