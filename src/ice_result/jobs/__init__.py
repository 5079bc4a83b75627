"""Second stage: a job id → the job as ICE describes it, once it is finished.

`IceJobs` asks ICE, `RecordedJobs` reads saved responses. The SDK is imported at the first call.
"""

from __future__ import annotations

from ice_result.jobs.client import IceClient
from ice_result.jobs.model import Job, JobSource, JobState, MediaReference
from ice_result.jobs.sources import IceJobs, RecordedJobs

__all__ = [
    "IceClient",
    "IceJobs",
    "Job",
    "JobSource",
    "JobState",
    "MediaReference",
    "RecordedJobs",
]
