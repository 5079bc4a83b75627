"""Parked events and notes in a SQLite file: the contract of an object store, on one table."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from pathlib import Path

import pytest

from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.sinks import Parked, SinkContext, open_parking_store, open_sink
from ice_result.sinks.base import JobFilter
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Expected, Position
from ice_result.sinks.table import sqlite_parked
from ice_result.sinks.table.sqlite_parked import SqliteObjects
from support.fake_clock import FakeTime, limited
from support.old_tables import OLD_JOBS, write_old_file
from support.record_versions import manifest, record

ParkedOf = Callable[..., Parked]
DUE = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)
PARKS = """
import sys
from ice_result.sinks import Parked, ParkedError, SinkContext, open_parking_store
parking = open_parking_store(f"sqlite:{sys.argv[1]}", SinkContext())
error = ParkedError(type="UnavailableError", message="ICE was out of reach")
known = {"reason": "unavailable", "transient": True, "event_type": None, "event_id": None, "error": error}
sys.stdin.read()
for number in range(int(sys.argv[3])):
    name = f"{sys.argv[2]}-{number}"
    parking.park(Parked(job_id=name, event={"JobId": name}, **known))
    print(name, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in a folder, neither of which is there yet."""
    return tmp_path / "new" / "jobs.db"


@pytest.fixture
def parking(path: Path) -> ParkedEvents:
    return open_parking_store(f"sqlite:{path}", SinkContext())


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_an_event_is_a_row_that_people_can_query(parking: ParkedEvents, path: Path, parked_of: ParkedOf) -> None:
    """GIVEN an event parked three times THEN there is one row, with the count of three, and the whole envelope."""
    event = {"JobId": "job-1", "note": "无"}
    addresses = {parking.park(parked_of(event, "job-1")).address for _ in range(3)}

    assert addresses == {f"sqlite:{path}#ice_parked/parked/not_finished/job-1.json"}
    columns = "object_key, kind, reason, job_id, attempts, dead, error, due_at"
    assert rows(path, f"SELECT {columns} FROM ice_parked") == [  # noqa: S608  the names above
        ("parked/not_finished/job-1.json", "parked", "not_finished", "job-1", 3, 0, "still running", None)
    ]
    assert rows(path, "SELECT json_extract(document, '$.event.note') FROM ice_parked") == [("无",)]
    stored = parking.read("parked/not_finished/job-1.json")
    assert stored is not None
    assert Parked.model_validate_json(stored).attempts == 3


def test_a_dead_event_tells_its_reason(parking: ParkedEvents, path: Path, parked_of: ParkedOf) -> None:
    """Its key is in the folder of dead events; its reason is a column."""
    parking.park(parked_of({}, "job-1").model_copy(update={"dead": True}))

    assert [*parking.reasons()] == ["dead"]
    assert rows(path, "SELECT object_key, reason, dead FROM ice_parked") == [
        ("parked/dead/job-1.json", "not_finished", 1)
    ]


def test_notes_come_in_the_order_in_which_they_are_due(parking: ParkedEvents, path: Path) -> None:
    """The row of a note has its time; only keys are read for the list."""
    for hours in (3, 1, 2):
        due = DUE + timedelta(hours=hours)
        parking.expect(Expected(job_id=JobId(f"job-{hours}"), expected_at=DUE, due_at=due))

    assert [due for _, due in parking.expected()] == [DUE + timedelta(hours=hours) for hours in (1, 2, 3)]
    assert rows(path, "SELECT kind, job_id, due_at FROM ice_parked ORDER BY due_at LIMIT 1") == [
        ("expected", "job-1", "2026-03-10T13:00:00.000000Z")
    ]


def test_reading_makes_no_file(parking: ParkedEvents, path: Path) -> None:
    """Nor does removing what is not there."""
    assert [*parking.reasons()] == []
    assert [*parking.parked("unavailable")] == []
    assert [*parking.expected()] == []
    assert parking.position() is None
    assert parking.read("parked/x/y.json") is None
    assert parking.discard("parked/x/y.json", b"{}")
    parking.set_position(None)
    assert not path.parent.exists()


def test_keys_are_listed_page_by_page_in_their_order(parking: ParkedEvents) -> None:
    """GIVEN more keys than a page has, and folders whose names begin alike, THEN each is there once."""
    assert isinstance(parking.store, SqliteObjects)
    store = replace(parking.store, keys_a_page=2)
    names = ["a", "a+b", "b", "c", "d", "~"]
    for key in [*(f"parked/x/{name}.json" for name in names), "parked/x-y/e.json", "parked/x0/f.json", "parked/g.json"]:
        store.put(key, b"{}")

    pages = [[listed.key for listed in page] for page in store.list("parked/x/")]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [*chain.from_iterable(pages)] == sorted(f"parked/x/{name}.json" for name in names)
    after = [listed.key for page in store.list("parked/x/", after="parked/x/b.json") for listed in page]
    assert after == ["parked/x/c.json", "parked/x/d.json", "parked/x/~.json"]
    assert sorted(store.children("parked/")) == ["x", "x-y", "x0"]
    assert [*store.children("expected/")] == []


def test_bytes_come_back_as_they_went(parking: ParkedEvents) -> None:
    """Of any document, text or not."""
    store = parking.store
    for content in (
        b"",
        b"{}\n",
        b"\xff\xfe\x00",
        "无\n".encode(),
        b'{"schema":"ice_result.parked/1","attempts":1e40}',
    ):
        store.put("parked/x/y.json", content)
        assert store.get("parked/x/y.json") == content
        assert not store.delete_unchanged("parked/x/y.json", content + b" ")
        assert store.delete_unchanged("parked/x/y.json", content)
        assert store.get("parked/x/y.json") is None


def test_the_position_of_the_listing_is_a_row(parking: ParkedEvents) -> None:
    """Set, read and removed."""
    position = Position(reason="unavailable", key="parked/unavailable/a.json")
    parking.set_position(position)
    assert parking.position() == position
    parking.set_position(None)
    assert parking.position() is None


def test_an_event_that_is_parked_anew_between_is_not_discarded(
    parking: ParkedEvents, path: Path, parked_of: ParkedOf
) -> None:
    """GIVEN an event that was parked anew before the comparison THEN it stays."""
    parking.park(parked_of({"number": 1}, "job-1"))
    read = parking.read("parked/not_finished/job-1.json")
    assert read is not None
    other = open_parking_store(f"sqlite:{path}", SinkContext())
    other.park(parked_of({"number": 2}, "job-1"))

    assert not parking.discard("parked/not_finished/job-1.json", read)
    assert json.loads(parking.read("parked/not_finished/job-1.json") or b"")["event"] == {"number": 2}


def test_nobody_parks_between_the_comparison_and_the_removal(
    parking: ParkedEvents, path: Path, parked_of: ParkedOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another process that parks the event after the comparison THEN it waits, and its event is there."""
    key = "parked/not_finished/job-1.json"
    parking.park(parked_of({"number": 1}, "job-1"))
    read = parking.read(key)
    assert read is not None
    other = open_parking_store(f"sqlite:{path}", SinkContext())
    compared = sqlite_parked._bytes
    parked: list[threading.Thread] = []

    def park_meanwhile(document: object) -> bytes:
        if not parked:
            parked.append(threading.Thread(target=other.park, args=[parked_of({"number": 2}, "job-1")]))
            parked[0].start()
            parked[0].join(0.3)
            assert parked[0].is_alive()  # it waits for the transaction
        return compared(document)

    monkeypatch.setattr(sqlite_parked, "_bytes", park_meanwhile)
    assert parking.discard(key, read)
    parked[0].join(30)
    assert json.loads(parking.read(key) or b"")["event"] == {"number": 2}


def test_processes_park_at_once(path: Path) -> None:
    """GIVEN four processes and a file that nobody has made yet THEN every event of each is there."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PARKS, str(path), name, "25"],
                    env=environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            )
            for name in "abcd"
        ]
        for process in started:
            assert process.stdin
            process.stdin.close()
        ended = [(process.stderr.read() if process.stderr else b"", process.wait(60)) for process in started]

    assert ended == [(b"", 0)] * 4
    assert rows(path, "SELECT count(*), count(DISTINCT job_id) FROM ice_parked WHERE kind = 'parked'") == [(100, 100)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_what_was_acknowledged_outlives_a_kill(path: Path) -> None:
    """GIVEN a process that is killed while it parks THEN every event whose address it knew is there, whole."""
    command = [sys.executable, "-c", PARKS, str(path), "job", "100000"]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        known = [writer.stdout.readline().strip() for _ in range(20)]
        writer.kill()
        known += writer.stdout.read().split()

    query = "SELECT job_id, json_extract(document, '$.event.JobId') FROM ice_parked"
    stored = {name: event for name, event in rows(path, query)}  # noqa: C416  mypy knows the pairs only here
    assert {name: name for name in known}.items() <= stored.items()
    assert len(stored) - len(known) in {0, 1}
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_of_an_earlier_version_gets_the_table(tmp_path: Path, parked_of: ParkedOf) -> None:
    """It is read as it is until the first writing, which keeps all jobs."""
    path = tmp_path / "jobs.db"
    write_old_file(path)
    parking = open_parking_store(f"sqlite:{path}", SinkContext())
    assert [*parking.reasons()] == []

    parking.park(parked_of({}, "job-1"))

    assert [*parking.reasons()] == ["not_finished"]
    jobs = open_sink(f"sqlite:{path}", SinkContext()).jobs(JobFilter())
    assert {job.job_id for job in jobs} == {*OLD_JOBS}


def test_a_table_of_others_is_refused(parking: ParkedEvents, path: Path, parked_of: ParkedOf) -> None:
    """The missing columns are named, and nothing is changed."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ice_parked (object_key TEXT PRIMARY KEY, document TEXT)")

    with pytest.raises(
        StorageError, match=r"table ice_parked is not ours or of another version: .* no column attempts"
    ):
        parking.park(parked_of({}, "job-1"))
    assert rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'") == [("ice_parked",)]


def test_a_file_that_was_moved_away_keeps_its_events(parking: ParkedEvents, path: Path, parked_of: ParkedOf) -> None:
    """The next event is in a new file."""
    parking.park(parked_of({}, "before"))
    path.rename(path.with_name("archive.db"))
    parking.park(parked_of({}, "after"))

    assert rows(path.with_name("archive.db"), "SELECT job_id FROM ice_parked") == [("before",)]
    assert rows(path, "SELECT job_id FROM ice_parked") == [("after",)]


def test_a_disk_that_takes_no_more_loses_no_event_of_before(
    parking: ParkedEvents, path: Path, parked_of: ParkedOf
) -> None:
    """The event that does not fit is an error, which names the file."""
    parking.park(parked_of({}, "job-1"))
    script = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n{PARKS}"
    arguments = [sys.executable, "-c", script, str(path), "many", "10000"]
    ended = subprocess.run(
        arguments, env=environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )

    complaint = ended.stderr.splitlines()[-1]
    assert complaint.startswith(f"ice_result.errors.StorageError: cannot write {path}: ")
    assert "disk" in complaint
    acknowledged = ended.stdout.split()
    assert acknowledged
    assert {("job-1",), *((name,) for name in acknowledged)} <= {*rows(path, "SELECT job_id FROM ice_parked")}
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_lock_held_too_long_is_told(
    parking: ParkedEvents, path: Path, parked_of: ParkedOf, fake_time: FakeTime
) -> None:
    """Parking waits as long as there is time, and says what was in the way."""
    parking.park(parked_of({}, "job-1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="another process kept it locked until the time limit"):
            limited(Deadline.after(0.05, fake_time.clock), lambda: parking.park(parked_of({}, "job-2")))
        other.execute("ROLLBACK")
    parking.park(parked_of({}, "job-2"))
    assert rows(path, "SELECT job_id FROM ice_parked ORDER BY job_id") == [("job-1",), ("job-2",)]


def test_jobs_and_events_share_the_file(path: Path, parked_of: ParkedOf) -> None:
    """GIVEN one sink THEN what it parks and what it records are in one file, through one connection."""
    sink = open_sink(f"sqlite:{path}", SinkContext())
    assert sink.parking is not None
    sink.parking.park(parked_of({}, "job-2"))
    sink.commit(record(1, None), manifest(1))

    assert rows(path, "SELECT job_id FROM ice_jobs UNION ALL SELECT job_id FROM ice_parked") == [
        ("job-1",),
        ("job-2",),
    ]
