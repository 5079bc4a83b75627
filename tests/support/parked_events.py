"""Runs of the pipeline over a folder, for tests of parked events."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from ice_result.app import assemble
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Clock, Deadline
from ice_result.core.types import JsonObject
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import ParkedEnvelope, RetryResult, read_envelopes, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import Settings
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


def parked_in(folder: Path) -> dict[str, JsonObject]:
    """Read the envelopes below a sink's folder, by reason and name: `not_found/nobody`."""
    parked = folder / "parked"
    return {
        str(path.relative_to(parked).with_suffix("")): json.loads(path.read_text())
        for path in sorted(parked.rglob("*.json"))
    }


def recorded_in(folder: Path) -> list[str]:
    """List the jobs with a manifest below a sink's folder."""
    return sorted(path.stem for path in (folder / "manifests").rglob("*.json"))


def write_at(path: Path, moment: datetime) -> None:
    """Set the time at which a file was written."""
    seconds = moment.astimezone(timezone.utc).timestamp()
    os.utime(path, (seconds, seconds))
