"""Commands whose reader goes away, or that are interrupted, while threads still work: what has begun is finished."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from alicloud_local.http_server import Connection, Request
from support.command_line import process_arguments, process_environment
from support.parked_events import Saved, pipeline_of, process
from support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.usefixtures("interruptible")
JOBS = 100
AT_ONCE = 8  # jobs, by default
FINISHING = b"finishing the jobs that have begun; press Ctrl-C again to stop at once\n"
INTERRUPTED = b"\nice-result: interrupted\n"


class GatedReceiver(WebhookReceiver):
    """A receiver that answers the first requests of a command. The others wait until `gate` is set.

    The first are as many as a command sends at once: among them is the one that it waits for first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self._first = iter(range(AT_ONCE))

    @override
    def _respond(self, request: Request, connection: Connection) -> bool:
        if next(self._first, None) is None:
            self.gate.wait(60)
        return super()._respond(request, connection)

    @property
    def jobs(self) -> set[str]:
        """Jobs that it was notified of."""
        return {json.loads(request.body)["subject"] for request in self.requests}


@pytest.fixture(params=range(3))
def receiver() -> Iterator[GatedReceiver]:
    """Every test runs three times: the moment at which threads are told to stop is another one each time."""
    with GatedReceiver() as gated:
        yield gated


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with recorded jobs, of which nobody was notified."""
    saved = Saved(tmp_path / "jobs")
    ids = [f"job-{number}" for number in range(JOBS)]
    saved.done(*ids)
    path = tmp_path / "jobs.db"
    with pipeline_of({"ICE_RESULT_JOBS": saved.url, "ICE_RESULT_SINKS": f"sqlite:{path}"}) as pipeline:
        process(pipeline, {"JobIds": ids})
    return path


def acknowledged(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {job_id for (job_id,) in connection.execute("SELECT job_id FROM ice_jobs WHERE notified IS NOT NULL")}


def started(database: Path, receiver: GatedReceiver, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {"ICE_RESULT_SINKS": f"sqlite:{database}", "ICE_RESULT_NOTIFY": receiver.url}
    return subprocess.Popen(
        process_arguments(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pipesize=4096,  # a command that is not read from has to wait
        env=process_environment({**environment, "ICE_RESULT_VERIFY_OUTPUTS": "off"}),
    )


def ends_quietly(running: subprocess.Popen[bytes], receiver: GatedReceiver) -> None:
    """Read one line, and go away while others are under way."""
    with running:
        assert running.stdout
        assert running.stderr
        running.stdout.readline()
        running.stdout.close()
        receiver.gate.set()
        assert running.stderr.read() == b""
    assert running.returncode == 1


@contextmanager
def interrupted(running: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Read one line, and press Ctrl-C while others are under way."""
    with running:
        assert running.stdout
        assert running.stderr
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        assert running.stderr.readline() == FINISHING
        yield running


def test_every_notification_that_was_sent_is_acknowledged(database: Path, receiver: GatedReceiver) -> None:
    """`ice-result notify … | head -1` ends without a crash, when the notifications under way have ended."""
    ends_quietly(started(database, receiver, "notify", "--since", "2022-01-01", "--json"), receiver)
    assert acknowledged(database) == receiver.jobs
    assert 0 < len(receiver.jobs) < JOBS


def test_every_job_that_is_begun_is_copied(database: Path, receiver: GatedReceiver, tmp_path: Path) -> None:
    """`ice-result redecode … | head -1` ends without a crash, and with a database that is closed."""
    copy = tmp_path / "copy.db"
    ends_quietly(started(database, receiver, "redecode", "--sink", f"sqlite:{copy}", "--json"), receiver)
    assert [path.name for path in tmp_path.glob(f"{copy.name}*")] == [copy.name]


def test_an_interrupt_waits_for_the_notifications_under_way(database: Path, receiver: GatedReceiver) -> None:
    """Ctrl-C finishes what has begun, and says so."""
    with interrupted(started(database, receiver, "notify", "--since", "2022-01-01", "--json")) as running:
        assert running.stderr
        receiver.gate.set()
        assert running.stderr.read() == INTERRUPTED
    assert running.returncode == 130
    assert acknowledged(database) == receiver.jobs
    assert 0 < len(receiver.jobs) < JOBS


def test_a_second_interrupt_ends_at_once_without_a_crash(database: Path, receiver: GatedReceiver) -> None:
    """Threads that use the database then are left to the end of the process."""
    with interrupted(started(database, receiver, "notify", "--since", "2022-01-01", "--json")) as running:
        assert running.stderr
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == INTERRUPTED
    assert running.returncode == 130
    receiver.gate.set()
