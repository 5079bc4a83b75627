"""Runs of the pipeline over a folder, for tests of what is parked there."""

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
from ice_result.maintenance import Envelope, Retried, kept, read_each, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.settings import Settings
from support.fake_clock import without_pauses
from support.paths import SAMPLE_JOBS

SAMPLE = SAMPLE_JOBS / "cover-0001.json"


class Saved:
    """Saved responses in a folder: the jobs that are known, and how far each is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @property
    def url(self) -> str:
        """The value of ICE_RESULT_JOBS."""
        return f"file:{self._folder}"

    def done(self, *job_ids: str) -> None:
        """These are finished."""
        for job_id in job_ids:
            response = json.loads(SAMPLE.read_text()) | {"JobId": job_id}
            (self._folder / f"{job_id}.json").write_text(json.dumps(response))

    def running(self, *job_ids: str) -> None:
        """These are not."""
        for job_id in job_ids:
            running = {"JobId": job_id, "FunctionName": "Cover", "Status": "Analysing"}
            (self._folder / f"{job_id}.json").write_text(json.dumps(running))


@contextmanager
def pipeline_of(environment: Mapping[str, str], clock: Clock | None = None) -> Iterator[Pipeline]:
    """As the function assembles it, but for its pauses; output files are not looked up."""
    offline = {"ICE_RESULT_VERIFY_OUTPUTS": "off", "ICE_RESULT_REGION": "cn-shanghai"}
    pipeline = assemble(Settings.from_environment({**offline, **environment}), Credentials(), clock or without_pauses())
    try:
        yield pipeline
    finally:
        pipeline.close()


def terms(seconds: float = 30.0) -> RunContext:
    """So long for each job."""
    return RunContext(lambda: Deadline.after(seconds))


def deadline() -> Deadline:
    """Long enough."""
    return Deadline.after(60.0)


def process(pipeline: Pipeline, payload: object) -> None:
    """Bring the events of a payload to their end."""
    pipeline.report(pipeline.parse(json.dumps(payload).encode()).events, terms())


def envelopes(pipeline: Pipeline) -> list[Envelope]:
    """All that is parked, that parked longest ago first."""
    return [*read_each(kept(pipeline.stores.parking_stores, None), deadline())]


def retry_all(pipeline: Pipeline) -> list[Retried]:
    """Try all of it again."""
    return [*retry(pipeline, envelopes(pipeline), terms())]


def parked_in(folder: Path) -> dict[str, JsonObject]:
    """The envelopes below a sink's folder, by their place: `not_found/nobody`."""
    parked = folder / "parked"
    return {
        str(path.relative_to(parked).with_suffix("")): json.loads(path.read_text())
        for path in sorted(parked.rglob("*.json"))
    }


def recorded_in(folder: Path) -> list[str]:
    """The jobs that have a manifest below a sink's folder."""
    return sorted(path.stem for path in (folder / "manifests").rglob("*.json"))


def write_at(path: Path, moment: datetime) -> None:
    """Make a file as old as if it had been written then."""
    seconds = moment.astimezone(timezone.utc).timestamp()
    os.utime(path, (seconds, seconds))
