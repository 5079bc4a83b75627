"""Runs of the pipeline over a folder or a database, for tests of parked events."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from ice_result.app import assemble
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Clock, Deadline
from ice_result.core.types import JsonObject, JsonValue
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import ParkedEnvelope, RetryResult, read_envelopes, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import Settings
from ice_result.sinks import Parked, ParkedError, SinkContext, open_parking_store
from ice_result.sinks.table.rows import time_text
from support.fake_clock import without_pauses
from support.paths import SAMPLE_JOBS

SAMPLE = SAMPLE_JOBS / "cover-0001.json"


class Saved:
    """Saved responses in a folder, each of a finished or a running job."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @property
    def url(self) -> str:
        """Value of ICE_RESULT_JOBS."""
        return f"file:{self._folder}"

    def done(self, *job_ids: str) -> None:
        """Save finished jobs."""
        for job_id in job_ids:
            response = json.loads(SAMPLE.read_text()) | {"JobId": job_id}
            (self._folder / f"{job_id}.json").write_text(json.dumps(response))

    def running(self, *job_ids: str) -> None:
        """Save running jobs."""
        for job_id in job_ids:
            running = {"JobId": job_id, "FunctionName": "Cover", "Status": "Analysing"}
            (self._folder / f"{job_id}.json").write_text(json.dumps(running))


@contextmanager
def pipeline_of(environment: Mapping[str, str], clock: Clock | None = None) -> Iterator[Pipeline]:
    """Make the pipeline of the function, without pauses and without lookups of output files."""
    offline = {"ICE_RESULT_VERIFY_OUTPUTS": "off", "ICE_RESULT_REGION": "cn-shanghai"}
    pipeline = assemble(Settings.from_environment({**offline, **environment}), Credentials(), clock or without_pauses())
    try:
        yield pipeline
    finally:
        pipeline.close()


def terms(seconds: float = 30.0) -> RunContext:
    """Make a run with this time limit for each job."""
    return RunContext(lambda: Deadline.after(seconds))


def deadline() -> Deadline:
    """Make a deadline that no test reaches."""
    return Deadline.after(60.0)


def process(pipeline: Pipeline, payload: object) -> None:
    """Process the events of a payload."""
    pipeline.report(pipeline.parse(json.dumps(payload).encode()).events, terms())


def envelopes(pipeline: Pipeline) -> list[ParkedEnvelope]:
    """Read all parked events, the oldest first."""
    return [*read_envelopes(list_parked(pipeline.stores.parking_stores, None), deadline())]


def retry_all(pipeline: Pipeline) -> list[RetryResult]:
    """Retry all parked events."""
    return [*retry(pipeline, envelopes(pipeline), terms())]


def url_of(out: Path) -> str:
    """Return the URL of a sink at a path: of a database for a name that ends in .db, else of a folder."""
    return f"sqlite:{out}" if out.suffix == ".db" else f"file:{out}"


def parked_in(out: Path) -> dict[str, JsonObject]:
    """Read the envelopes of a sink, by reason and name: `not_found/nobody`."""
    if out.suffix == ".db":
        rows = _rows(out, "SELECT object_key, document FROM ice_parked WHERE kind = 'parked' ORDER BY object_key")
        return {key.removeprefix("parked/").removesuffix(".json"): json.loads(document) for key, document in rows}
    parked = out / "parked"
    return {
        str(path.relative_to(parked).with_suffix("")): json.loads(path.read_text())
        for path in sorted(parked.rglob("*.json"))
    }


def recorded_in(out: Path) -> list[str]:
    """List the jobs with a manifest in a sink."""
    if out.suffix == ".db":
        return [job_id for (job_id,) in _rows(out, "SELECT job_id FROM ice_jobs ORDER BY job_id")]
    return sorted(path.stem for path in (out / "manifests").rglob("*.json"))


def _rows(database: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def lay(out: Path, key: str, content: bytes, *, at: datetime | None = None) -> None:
    """Put a document into a sink, as if it were written at this time."""
    store = open_parking_store(url_of(out), SinkContext()).store
    if store.get(key) is not None:  # a file with the same content would not be written
        store.delete(key)
    store.put(key, content)
    if at is not None and out.suffix == ".db":
        with closing(sqlite3.connect(out)) as connection, connection:
            connection.execute("UPDATE ice_parked SET written = ? WHERE object_key = ?", (time_text(at), key))
    elif at is not None:
        write_at(out / key, at)


def write_at(path: Path, moment: datetime) -> None:
    """Set the time at which a file was written."""
    seconds = moment.astimezone(timezone.utc).timestamp()
    os.utime(path, (seconds, seconds))


def envelope(event: JsonValue, reason: str, job_id: str | None, moment: datetime) -> Parked:
    """Make the envelope of an event that was parked once, at this moment, for a reason that passes."""
    return Parked(
        reason=reason,
        transient=True,
        job_id=job_id,
        event_type=None,
        event_id=None,
        error=ParkedError(type="UnavailableError", message="ICE was out of reach"),
        first_parked=moment,
        last_parked=moment,
        event=event,
    )
