"""One delivery of one event to a disk that fails, told as docs/reliability.md tells it."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from support.forked_functions import GIVEN_BACK, ForkedFunctions
from support.paths import SAMPLE_JOBS

Trouble: TypeAlias = Literal["in the way", "full", "locked"]
JOB_ID = "cover-0001"
ENVELOPE_BYTES = 2000
"""What a full disk still takes: an envelope fits, a record and a database do not."""
LOCKED_SECONDS = 1.0


@dataclass(frozen=True)
class LocalCell:
    """One trouble with one store. Without a `lot` that is well, the store itself would have to park."""

    title: str
    fault: str
    sink: str
    trouble: Trouble
    always: bool = True
    lot: bool = True

    def outcome(self, folder: Path, functions: ForkedFunctions) -> str:
        """What becomes of the job."""
        sink, lot = self.sink.format(folder / "out"), folder / "lot"
        environment = {
            "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
            "ICE_RESULT_SINKS": sink,
            "ICE_RESULT_VERIFY_OUTPUTS": "off",
        }
        environment["ICE_RESULT_REGION"] = "cn-shanghai"
        if self.lot:
            environment["ICE_RESULT_PARK_URL"] = f"file:{lot}"
        with self._trouble(folder / "out"):
            file_bytes = (ENVELOPE_BYTES if self.lot else 0) if self.trouble == "full" else None
            functions.start(environment, {"JobId": JOB_ID}, timeout=2 if self.always else 30, file_bytes=file_bytes)
            status = functions.status()
        if status:
            return "given back" if status == GIVEN_BACK else f"failed with {status}"
        for envelope in lot.rglob("*.json"):
            return f"parked: {json.loads(envelope.read_bytes())['reason']}"
        return "recorded" if self._is_recorded(folder / "out") else "nothing"

    @contextmanager
    def _trouble(self, out: Path) -> Iterator[None]:
        if self.trouble == "in the way":
            out.write_text("in the way")
        if self.trouble != "locked":
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
            with closing(sqlite3.connect(out)) as database:
                return database.execute("SELECT job_id FROM ice_jobs").fetchall() == [(JOB_ID,)]
        return len(list(out.glob("*/*/*/*.json"))) == 2


LOCAL_CELLS = (
    LocalCell("file: a job", "a file where a folder should be", "file:{}", "in the way"),
    LocalCell("file: a job", "the disk is full", "file:{}", "full"),
    LocalCell("file: a job, with no other place", "the disk is full", "file:{}", "full", lot=False),
    LocalCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked", always=False),
    LocalCell("sqlite: a job", "another process holds the lock", "sqlite:{}", "locked"),
    LocalCell("sqlite: a job", "the disk is full", "sqlite:{}", "full"),
)
