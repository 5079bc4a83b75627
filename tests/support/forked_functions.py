"""A process that runs the function in forks, one after the other, with everything imported.

A line of JSON comes in, the arguments of `start` and the number of the order; out go the id of the process, and then
its exit status, each after the number: 0 when the handler returned, GIVEN_BACK when it raised ParkingError, REFUSED
when it raised another error of ours, SENT_AGAIN when it answered an HTTP request with 5xx, TURNED_DOWN when it did so
with 4xx, negative when a signal ended it.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, NoReturn

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError, ParkingError
from ice_result.function import Function
from ice_result.jobs.client import IceClient
from ice_result.notify.registry import NotifyContext, open_target
from ice_result.notify.urls import notify_url
from ice_result.sinks import SinkContext, open_sink
from support.paths import SOURCE, TESTS
from support.platform_context import PlatformContext, PlatformFunction

GIVEN_BACK = 75
"""The exit status of a process that could not even park its event."""
REFUSED = 74
"""The exit status of a process that was woken by a timer, and could not read what is parked."""
SENT_AGAIN = 73
"""The exit status of a process that answered an HTTP request with 5xx, so that ICE sends it again."""
TURNED_DOWN = 72
"""The exit status of a process that answered an HTTP request with 4xx."""
_WITH_EVENT_LOG = "--event-log"
_TIME = "%Y-%m-%dT%H:%M:%S"
_NOWHERE = "127.0.0.1:1"
_NOT_INHERITED = ("COVERAGE_", "ALIBABA_CLOUD_", "ICE_RESULT_")


class ForkedFunctions:
    """The forking process, seen from a test. It handles one event at a time."""

    def __init__(self, log: IO[bytes] | None = None) -> None:
        """The log of the functions goes to `log`, with their event log; else to the standard error of this process."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        environment["PYTHONPATH"] = f"{SOURCE}:{TESTS}"
        environment["SSL_CERT_FILE"] = os.devnull  # reading the system's would take longer than all the rest
        self._parent = subprocess.Popen(
            [sys.executable, __file__, *([_WITH_EVENT_LOG] if log else [])],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self._order = 0
        self._process_id: int | None = None

    def start(
        self,
        environment: dict[str, str],
        event: object,
        *,
        timeout: int = 30,
        file_bytes: int | None = None,
        ahead_seconds: int = 0,
        found_locked: Path | None = None,
    ) -> int:
        """Start a process that handles the event within the function's timeout. Returns its id.

        It can write no larger file than `file_bytes`: for what is larger, it is as if the disk were full. By its clock
        it is `ahead_seconds` later than it is, so that what was parked has waited for so long. It makes the file
        `found_locked` when it has found the database of its `sqlite:` sink locked, and tries again.

        The process started before is killed if nobody waited for it, as when a test was stopped.
        """
        assert self._parent.stdin is not None
        if self._process_id is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
            self._process_id = None
        self._order += 1
        limits = {"timeout": timeout, "file_bytes": file_bytes, "ahead_seconds": ahead_seconds}
        told = {"found_locked": str(found_locked) if found_locked else None}
        order = {"number": self._order, "environment": environment, "event": event, **limits, **told}
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        self._process_id = self._answer()
        return self._process_id

    def status(self) -> int:
        """Wait for the last process, and return its exit status."""
        status = self._answer()
        self._process_id = None
        return status

    def close(self) -> None:
        """End the forking process."""
        self._parent.communicate()

    def _answer(self) -> int:
        """Return the next answer to the last order, without unread answers to earlier orders."""
        assert self._parent.stdout is not None
        while True:
            number, answer = map(int, self._parent.stdout.readline().split())
            if number == self._order:
                return answer


def main() -> None:
    """Fork until standard input ends."""
    if _WITH_EVENT_LOG in sys.argv:
        _start_logging()
    _load()
    for line in sys.stdin:
        order = json.loads(line)
        number = order.pop("number")
        process_id = os.fork()
        if process_id == 0:
            _run(**order)
        _say(number, process_id)
        _, status = os.waitpid(process_id, 0)
        _say(number, os.waitstatus_to_exitcode(status))


def _start_logging() -> None:
    """Configure the root logger as the platform does, whose lines begin with the time and the id of the invocation."""
    formatter = logging.Formatter(f"%(asctime)sZ {PlatformContext().request_id} [%(levelname)s] %(message)s", _TIME)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.INFO)


def _load() -> None:
    """Import the SDKs as the function does, so that no fork has to."""
    IceClient(region="cn-shanghai", endpoint=parse_endpoint(_NOWHERE), credentials=Credentials()).load()
    context = SinkContext(
        region="cn-shanghai", oss_endpoint=parse_endpoint(_NOWHERE), ots_endpoint=parse_endpoint(_NOWHERE)
    )
    for url in ("oss://bucket", "ots://instance", "sqlite:x"):
        open_sink(url, context).load()
    for url in ("mns://queue", f"http://{_NOWHERE}/"):
        open_target(notify_url(url), NotifyContext(mns_endpoint=parse_endpoint(_NOWHERE))).load()


def _run(
    environment: dict[str, str],
    event: object,
    *,
    timeout: int,
    file_bytes: int | None,
    ahead_seconds: int,
    found_locked: str | None,
) -> NoReturn:
    """Run one instance of the function from start to end."""
    os.environ.update(environment)
    if found_locked is not None:
        _tell_of_a_lock(Path(found_locked))
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    function, context = Function(), PlatformContext(function=PlatformFunction(timeout=timeout))
    if ahead_seconds:
        function.prepare(context).now = lambda: datetime.now(timezone.utc) + timedelta(seconds=ahead_seconds)
    try:
        reply = function.handle(json.dumps(event).encode(), context)
    except ParkingError:
        os._exit(GIVEN_BACK)
    except IceResultError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(REFUSED)
    os._exit(_exit_status(reply))


def _exit_status(reply: JsonObject) -> int:
    """Return the exit status: for an HTTP request, the one of its answer."""
    status = reply.get("statusCode", 200)
    assert isinstance(status, int)
    if status == 200:
        return 0
    sys.stderr.write(f"answered over HTTP with {status}: {reply['body']}\n")
    return SENT_AGAIN if status >= 500 else TURNED_DOWN


def _tell_of_a_lock(found_locked: Path) -> None:
    """Make the file when the database is opened a second time: the sink does that when the first time failed."""
    opened: list[object] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "sqlite3.connect":
            if arguments[0] in opened:
                found_locked.touch()
            opened.append(arguments[0])

    sys.addaudithook(hook)


def _say(number: int, answer: int) -> None:
    sys.stdout.write(f"{number} {answer}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
