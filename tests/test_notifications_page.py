"""docs/notifications.md: its example is what is sent, and its programs accept what is sent and nothing else."""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.core.calls import ServiceCaller
from ice_result.errors import RejectedError
from ice_result.notify.http import Webhook
from support.fake_clock import function_without_pauses
from support.node_packages import INSTALL_SECONDS, installed
from support.notifications import a_notification
from support.notifications_page import program, sent_example, with_example
from support.paths import ROOT, TESTS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials

OLD, NEW = b"o" * 24, b"n" * 64
READY_SECONDS = 30


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


@pytest.mark.parametrize("page", ["docs/notifications.md", "docs/notifications.zh-CN.md"])
def test_the_example_is_current(page: str) -> None:
    """GIVEN the sample job THEN the example in the page is what the function sends of it."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    written = with_example(text, sent_example())
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(written, encoding="utf-8")
    else:
        assert text == written, "run `make docs`"


class Program:
    """A receiver of the page as a process. `lines` are what it prints."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hooks/ice"
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = process
        self._port = port
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        for _ in range(READY_SECONDS * 10):
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "the program has ended"
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the program does not listen")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.put(line.strip())

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running(command: list[str], folder: Path, key: bytes) -> Iterator[Program]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": whsec(key), "PORT": str(port)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        started = Program(process, port)
        try:
            started.wait_until_ready()
            yield started
        finally:
            started.end()


@contextmanager
def running_in_node(folder: Path, key: bytes) -> Iterator[Program]:
    packages = installed(TESTS / "node")
    (folder / "node_modules").symlink_to(packages / "node_modules")
    (folder / "receiver.mjs").write_text(program("js"), encoding="utf-8")
    node = shutil.which("node")
    assert node is not None
    with running([node, "receiver.mjs"], folder, key) as receiver:
        yield receiver


def check(receiver: Program) -> None:
    """The program accepts notifications that either key signs, prints them, and refuses all others."""

    def send(identifier: str, *keys: bytes) -> None:
        caller = ServiceCaller("webhook", attempts=1)
        Webhook(receiver.url, keys, caller=caller).send(a_notification(identifier, name="片头 <&> \\u2028"))

    accepted = {"n-1": [NEW], "n-2": [OLD, NEW], "n-3": [NEW, OLD]}
    for identifier, keys in accepted.items():
        send(identifier, *keys)
        shown = receiver.lines.get(timeout=READY_SECONDS)
        assert shown.startswith(f"{identifier} ice-result.job.recorded.v1 ")
    for refused in ([OLD], []):
        with pytest.raises(RejectedError, match="401"):
            send("n-4", *refused)
    assert receiver.lines.empty()


def test_the_program_in_python(tmp_path: Path) -> None:
    """GIVEN the program of the page THEN it accepts what is signed with its secret, and nothing else."""
    (tmp_path / "receiver.py").write_text(program("python"), encoding="utf-8")
    with running([sys.executable, "receiver.py"], tmp_path, NEW) as receiver:
        check(receiver)


@pytest.mark.slow  # npm may have to fetch the library first
@pytest.mark.timeout(INSTALL_SECONDS + READY_SECONDS + 10)
def test_the_program_in_node(tmp_path: Path) -> None:
    """GIVEN the program of the page THEN it accepts what is signed with its secret, and nothing else."""
    with running_in_node(tmp_path, NEW) as receiver:
        check(receiver)


def test_every_sample_job_is_accepted(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN the program in Python WHEN the function records every sample job THEN each notification is accepted."""
    (tmp_path / "receiver.py").write_text(program("python"), encoding="utf-8")
    cloud.seed_outputs()
    with running([sys.executable, "receiver.py"], tmp_path, NEW) as receiver:
        record_all(cloud, receiver)


@pytest.mark.slow  # npm may have to fetch the library first
@pytest.mark.timeout(INSTALL_SECONDS + 2 * READY_SECONDS + 10)
def test_every_sample_job_is_accepted_in_node(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN the program for Node.js THEN the same."""
    cloud.seed_outputs()
    with running_in_node(tmp_path, NEW) as receiver:
        record_all(cloud, receiver)


def record_all(cloud: LocalCloud, receiver: Program) -> None:
    """Record every sample job; each must be told once, and none parked."""
    secrets = f"127.0.0.1={whsec(NEW)},127.0.0.1={whsec(OLD)}"
    told = {"ICE_RESULT_NOTIFY": receiver.url, "ICE_RESULT_NOTIFY_SECRETS": secrets}
    function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", **told})
    jobs = sorted(cloud.ice.jobs())
    keys = (cloud.environment[f"ALIBABA_CLOUD_ACCESS_KEY_{part}"] for part in ("ID", "SECRET"))
    context = PlatformContextWithCredentials(credentials=PlatformCredentials(*keys))
    function.initialize(context)
    summary = function.handle(json.dumps({"JobIds": jobs}).encode(), context)
    assert (summary["recorded"], summary["parked"]) == (len(jobs), 0)
    shown = [receiver.lines.get(timeout=READY_SECONDS).split() for _ in jobs]
    assert sorted(subject for _, _, subject in shown) == jobs
    assert len({identifier for identifier, _, _ in shown}) == len(jobs)
    assert receiver.lines.empty()


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_programs_are_short(language: str) -> None:
    """GIVEN a newcomer THEN each program is read in a minute: no more than fourteen lines with something in them."""
    assert len([line for line in program(language).splitlines() if line]) <= 14
