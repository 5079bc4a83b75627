"""For those who submit jobs: a note beside each, so that a job is asked for even if no event ever tells of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from ice_result.app import open_parking_stores
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.maintenance.expected import new_notes
from ice_result.processing.parking import leave_notes
from ice_result.settings import PARKING, Settings

_SECONDS_A_NOTE = 30.0
_AN_HOUR = timedelta(hours=1)


def expect(
    job_ids: str | Iterable[str],
    *,
    within: timedelta = _AN_HOUR,
    function_name: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Note that these jobs were submitted, right after SubmitIProductionJob; the addresses of the notes, in order.

    What is not recorded when `within` is over, the function asks ICE for when its timer next wakes it. `function_name`,
    as Cover, lets it find a recorded job with fewer calls.

    A note is one small write into the first store that keeps parked events, and ICE is not called. In `environment`
    (os.environ, unless given) it takes ICE_RESULT_SINKS or ICE_RESULT_PARK_URL as the function has it, for `oss:`
    ICE_RESULT_REGION, and keys that may write to `expected/` there. The same job may be expected more than once.

    Raises SettingsError for what is wrong there, ValueError for what cannot be a job id or a time, and another
    IceResultError when no store takes a note. Then some may be written; leaving them again does no harm.
    """
    settings = Settings.from_environment(os.environ if environment is None else environment, PARKING)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    names = [job_ids] if isinstance(job_ids, str) else job_ids
    notes = new_notes(names, within=within, function_name=function_name, now=now)
    parking_stores = open_parking_stores(settings, Credentials())
    return [*leave_notes(parking_stores, notes, lambda: Deadline.after(_SECONDS_A_NOTE))]
