"""Many jobs for the tests and benchmarks that need them: copies of the samples under new ids."""

from __future__ import annotations

import json
from pathlib import Path

from support.paths import SAMPLE_JOBS

SAMPLES = sorted(SAMPLE_JOBS.glob("*.json"))
LONG_EVERY = 50
ITEMS_OF_A_LONG_JOB = 200


def write_jobs(folder: Path, count: int) -> list[str]:
    """Write saved responses of every sample in turn, every fiftieth a Cover with 200 covers. Returns the job ids."""
    folder.mkdir(parents=True, exist_ok=True)
    responses = [json.loads(path.read_text(encoding="utf-8")) for path in SAMPLES]
    long = next(response for response in responses if response["FunctionName"] == "Cover")
    job_ids = [f"job-{number:05}" for number in range(count)]
    for number, job_id in enumerate(job_ids):
        response = _with_many_covers(long) if number % LONG_EVERY == 0 else responses[number % len(responses)]
        response = {**response, "JobId": job_id}
        (folder / f"{job_id}.json").write_text(json.dumps(response, ensure_ascii=False), encoding="utf-8")
    return job_ids


def _with_many_covers(response: dict[str, object]) -> dict[str, object]:
    paths = [f"cover/test-{number:05}.jpg" for number in range(ITEMS_OF_A_LONG_JOB)]
    covers = [{"Score": 9 - rank / 100, "Time": f"{rank * 40.0}", "Url": path} for rank, path in enumerate(paths)]
    return {**response, "OutputFiles": paths, "OutputMediaIds": [], "OutputUrls": [], "Result": json.dumps(covers)}
