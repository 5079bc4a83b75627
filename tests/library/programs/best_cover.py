"""A service of somebody else: it records each job that it is told of, and hands out the best cover."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from ice_result import Covers, open_store, process


def best_cover(job_id: str) -> str:
    """Return the address of the best cover, or why there is none."""
    done = process(job_id, seconds=20)
    if done.outcome != "recorded":
        return f"{done.outcome}: {str(done.reason).partition(':')[0]}"
    job = open_store(sys.argv[1]).get(job_id)
    if job is None or job.manifest is None or not job.manifest.complete:
        return f"not complete: {done.reason}"
    result = job.record.result
    return str(result.covers[0].uri) if isinstance(result, Covers) and result.covers else f"no covers: {result.kind}"


with ThreadPoolExecutor(4) as pool:
    for name, answer in zip(sys.argv[2:], pool.map(best_cover, sys.argv[2:]), strict=True):
        print(name, answer)
