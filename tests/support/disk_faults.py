"""One delivery of one event to a disk that fails, and its outcome in the words of docs/reliability.md."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
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
LOCKED_SECONDS = 1.0


@dataclass(frozen=True)
class DiskCell:
    """One trouble with one store. Events are parked in a folder; without `parks_elsewhere`, in the store itself."""

    title: str
    fault: str
    sink: str
    trouble: Trouble
    always: bool = True
    parks_elsewhere: bool = True

    @property
    def key(self) -> CellKey:
        """The row of the table that belongs to it."""
        return CellKey(self.title, self.fault, "always" if self.always else "once")

    @property
    def timeout(self) -> int:
        """The function's timeout in seconds. It is short where the function waits for a lock until its deadline.

        The function needs milliseconds to come to the lock, and no deadline stops it from parking in a folder.
        """
        return 4 if self.trouble == "locked" and self.always else 60

    def run(self, folder: Path, functions: ForkedFunctions) -> Result:
        """What becomes of the job, in a folder of its own."""
        with self._trouble(folder / "out"):
            file_bytes = (ENVELOPE_BYTES if self.parks_elsewhere else 0) if self.trouble == "full" else None
            outcome = self._deliver(folder, functions, EVENT, self.timeout, file_bytes)
        if outcome == "recorded":
            return Result(outcome, "")
        envelopes = list((folder / "parked").rglob("*.json"))
        event = json.loads(envelopes[0].read_bytes()) if envelopes else EVENT
        return Result(outcome, self._deliver(folder, functions, event, timeout=60, file_bytes=None))

    def _deliver(
        self, folder: Path, functions: ForkedFunctions, event: object, timeout: int, file_bytes: int | None
    ) -> str:
        """What becomes of an event, in the words of the table."""
        environment = {
            "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
            "ICE_RESULT_SINKS": self.sink.format(folder / "out"),
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
            "ICE_RESULT_REGION": "cn-shanghai",
        }
        if self.parks_elsewhere:
            environment["ICE_RESULT_PARK_URL"] = f"file:{folder}"
        functions.start(environment, event, timeout=timeout, file_bytes=file_bytes)
        status = functions.status()
        if status:
            return "given back" if status == GIVEN_BACK else f"failed with {status}"
        if self._is_recorded(folder / "out"):
            return "recorded"
        for envelope in (folder / "parked").rglob("*.json"):
            return f"parked: {json.loads(envelope.read_bytes())['reason']}"
        return "nothing"

    @contextmanager
    def _trouble(self, out: Path) -> Iterator[None]:
        if self.trouble == "in the way":
            out.write_text("in the way")
            yield
            out.unlink()
            return
        if self.trouble == "full":  # ForkedFunctions limits what the process can write
            yield
            return
        with closing(sqlite3.connect(out, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            passing = threading.Timer(LOCKED_SECONDS, lambda: other.execute("ROLLBACK"))
            if not self.always:
                passing.start()
            yield
            passing.cancel()

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


DISK_CELLS = (
    DiskCell("file: a job", "a file where a folder should be", "file:{}", "in the way"),
    DiskCell("file: a job", "the disk is full", "file:{}", "full"),
    DiskCell("file: a job, with no other place", "the disk is full", "file:{}", "full", parks_elsewhere=False),
    DiskCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked", always=False),
    DiskCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked"),
    DiskCell("sqlite: a job", "the disk is full", "sqlite:{}", "full"),
)
