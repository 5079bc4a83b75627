"""One call to ICE, without the waiting for a job's end."""

from __future__ import annotations

from ice_result.core.types import JobId, JsonObject
from ice_result.jobs import IceClient


def query(client: IceClient, job_id: JobId) -> JsonObject:
    """Return the body of one response of QueryIProductionJob, of a job in any state."""
    return client.call("QueryIProductionJob", {"JobId": job_id}, about=job_id, read=lambda body: body)
