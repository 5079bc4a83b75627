"""Delivery of one event to a disk that fails, and its outcome in the words of docs/reliability.md."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from support.fault_table import CellKey, Result
from support.forked_functions import GIVEN_BACK, ForkedFunctions
from support.paths import SAMPLE_JOBS

Trouble: TypeAlias = Literal["in the way", "full", "locked"]
JOB_ID = "cover-0001"
EVENT = {"JobId": JOB_ID}
ENVELOPE_BYTES = 2000
"""What a full disk still takes: an envelope fits, a record and a database do not."""
ALONE = "sqlite: a job, with no other place"
FOUND_LOCKED = "found-locked"
LONGEST_SECONDS = 60
"""The function's timeout where nothing makes it wait that long."""


@dataclass(frozen=True)
class DiskCell:
    """A trouble with one store. Events are parked in a folder; without `parks_elsewhere`, in the store itself."""

    title: str
    fault: str
    sink: str
    trouble: Trouble
    always: bool = True
    parks_elsewhere: bool = True

    @property
    def key(self) -> CellKey:
        """Key of its row in the table."""
        return CellKey(self.title, self.fault, "always" if self.always else "once")

    @property
    def timeout(self) -> int:
        """Timeout of the function in seconds. It is short where the function waits for a lock until its deadline.

        The function needs milliseconds to come to the lock, and no deadline stops it from parking in a folder.
        """
        return 4 if self.trouble == "locked" and self.always else LONGEST_SECONDS

    def run(self, folder: Path, functions: ForkedFunctions) -> Result:
        """Deliver the event in a folder of its own, and return the outcome of the job."""
        with self._trouble(folder) as meanwhile:
            file_bytes = (ENVELOPE_BYTES if self.parks_elsewhere else 0) if self.trouble == "full" else None
            status = self._deliver(
                folder, functions, EVENT, timeout=self.timeout, file_bytes=file_bytes, meanwhile=meanwhile
            )
        envelopes = list((folder / "parked").rglob("*.json"))
        recorded = self._is_recorded(folder / "out")
        if status or not recorded:
            return Result(self._outcome(status, envelopes), self._deliver_again(folder, functions, envelopes))
        return Result("recorded and parked" if envelopes else "recorded", "")

    def _deliver_again(self, folder: Path, functions: ForkedFunctions, envelopes: list[Path]) -> str:
        """Deliver the envelope, or the event, without the trouble. An old envelope may be left."""
        event = json.loads(envelopes[0].read_bytes()) if envelopes else EVENT
        status = self._deliver(folder, functions, event, timeout=LONGEST_SECONDS)
        if not status and self._is_recorded(folder / "out"):
            return "recorded"
        return self._outcome(status, list((folder / "parked").rglob("*.json")))

    def _outcome(self, status: int, envelopes: list[Path]) -> str:
        """Describe the outcome of an event that is not recorded, in the words of the table."""
        if status:
            return "given back" if status == GIVEN_BACK else f"failed with {status}"
        for envelope in envelopes:
            return f"parked: {json.loads(envelope.read_bytes())['reason']}"
        return "nothing"

    def _deliver(
        self,
        folder: Path,
        functions: ForkedFunctions,
        event: object,
        *,
        timeout: int,
        file_bytes: int | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """Return the exit status of a process that gets the event. `meanwhile` is called while it is at work."""
        environment = {
            "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
            "ICE_RESULT_SINKS": self.sink.format(folder / "out"),
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
            "ICE_RESULT_REGION": "cn-shanghai",
        }
        if self.parks_elsewhere:
            environment["ICE_RESULT_PARK_URL"] = f"file:{folder}"
        found_locked = folder / FOUND_LOCKED if self.trouble == "locked" else None
        functions.start(environment, event, timeout=timeout, file_bytes=file_bytes, found_locked=found_locked)
        meanwhile()
        return functions.status()

    @contextmanager
    def _trouble(self, folder: Path) -> Iterator[Callable[[], None]]:
        """Make the trouble. The yielded function ends a passing trouble as soon as the process has met it."""
        out = folder / "out"
        if self.trouble == "in the way":
            out.write_text("in the way")
            yield lambda: None
            out.unlink()
            return
        if self.trouble == "full":  # ForkedFunctions limits what the process can write
            yield lambda: None
            return
        with closing(sqlite3.connect(out, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            def unlock() -> None:
                _wait_for(folder / FOUND_LOCKED)
                other.execute("ROLLBACK")

            yield (lambda: None) if self.always else unlock

    def _is_recorded(self, out: Path) -> bool:
        if self.sink.startswith("sqlite:"):
            if not out.is_file():
                return False
            with closing(sqlite3.connect(out)) as database:
                tables = database.execute("SELECT name FROM sqlite_master").fetchall()
                return ("ice_jobs",) in tables and database.execute("SELECT job_id FROM ice_jobs").fetchall() == [
                    (JOB_ID,)
                ]
        return len(list(out.glob("*/*/*/*.json"))) == 2


def _wait_for(path: Path) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while not path.exists():
        assert time.monotonic() < end, "the process did not come to the lock"
        time.sleep(0.01)


DISK_CELLS = (
    DiskCell("file: a job", "a file where a folder should be", "file:{}", "in the way"),
    DiskCell("file: a job", "the disk is full", "file:{}", "full"),
    DiskCell("file: a job, with no other place", "the disk is full", "file:{}", "full", parks_elsewhere=False),
    DiskCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked", always=False),
    DiskCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked"),
    DiskCell("sqlite: a job", "the disk is full", "sqlite:{}", "full"),
    DiskCell(ALONE, "another process holds the lock", "sqlite:{}", "locked", always=False, parks_elsewhere=False),
    DiskCell(ALONE, "another process holds the lock", "sqlite:{}", "locked", parks_elsewhere=False),
    DiskCell(ALONE, "the disk is full", "sqlite:{}", "full", parks_elsewhere=False),
)
