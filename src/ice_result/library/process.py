"""Processing of one job from a program: it is recorded into the configured sinks, as the function would do it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from ice_result.app import assemble, require_keys
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.library.arguments import event_of, read_settings, require, time_in_seconds
from ice_result.processing.batch import JobOutcome, RunContext
from ice_result.settings import BY_HAND, EVERYTHING


def process(
    job_id: str, *, park: bool = False, seconds: float = 300.0, environment: Mapping[str, str] | None = None
) -> JobOutcome:
    """Ask ICE for a job, wait for its end for at most `seconds`, and write its record and manifest into every sink.

    Returns what happened. `outcome` is `recorded`; or `failed`, and `reason` begins with the reason of the error, such
    as `not_finished`. A job that is recorded, while a target of ICE_RESULT_NOTIFY was not notified, is `failed` too,
    with the addresses of what was written. With `park`, a job that cannot be finished is `parked`, so that the timer of
    the function tries again. Processing a job again is safe: it writes the same bytes, and never replaces a record with
    a worse one.

    `environment` (default: os.environ) has the variables of the function: ICE_RESULT_SINKS, and ICE_RESULT_REGION or
    ICE_RESULT_JOBS. Access keys are those of the process.

    Raises SettingsError for wrong settings and missing keys, and InvalidArgumentError for an impossible job id. Nothing
    that happens to the job itself raises.
    """
    require("park", park, bool, "True or False")
    settings = read_settings(environment, EVERYTHING if park else BY_HAND)
    event = event_of(job_id)
    event = replace(event, payload={"JobId": event.job_id})
    deadline = Deadline.after(time_in_seconds(seconds))
    credentials = Credentials()
    urls = (*settings.sinks, *(settings.parking_urls if park else ()))
    require_keys(settings, credentials, urls, calls_alibaba_cloud=settings.jobs == "ice")
    with closing(assemble(settings, credentials, parks=park)) as pipeline:
        (outcome,) = pipeline.report([event], RunContext(lambda: deadline)).jobs
    return outcome
