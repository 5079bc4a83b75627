"""Notes for programs that submit jobs: the timer asks ICE for every noted job that no event reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from types import NoneType

from ice_result.app import open_parking_stores, require_keys
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.errors import InvalidArgumentError
from ice_result.library.arguments import event_of, read_settings, require
from ice_result.processing.parking import leave_notes
from ice_result.settings import PARKING
from ice_result.sinks.parked_model import Expected

_SECONDS_A_NOTE = 30.0
_AN_HOUR = timedelta(hours=1)
_EXPECTED = "expected a time in which a job should be done"


def expect(
    job_ids: str | Iterable[str],
    *,
    within: timedelta = _AN_HOUR,
    function_name: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Note that jobs were submitted, right after SubmitIProductionJob. Returns the addresses of the notes, in order.

    The timer of the function asks ICE for every job that is not recorded after `within`. With a `function_name`, such
    as Cover, it finds a recorded job with fewer calls.

    A note is one small write to the first store that keeps parked events; ICE is not called. `environment` (default:
    os.environ) must have the function's ICE_RESULT_SINKS or ICE_RESULT_PARK_URL, for `oss:` also ICE_RESULT_REGION.
    Access keys are those of the process; they must be allowed to write to `expected/` in that store. A job may be noted
    more than once.

    Raises SettingsError for wrong settings, InvalidArgumentError for an impossible job id or time, and another
    IceResultError when no store accepts a note. Some notes may be written by then; writing them again does no harm.
    """
    settings = read_settings(environment, PARKING)
    require("job_ids", job_ids, (str, Iterable), "a job id, or several")
    require("within", within, timedelta, "a timedelta")
    require("function_name", function_name, (str, NoneType), "the name of a function, or None")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    try:
        due = now + within
    except OverflowError as error:
        raise InvalidArgumentError("within", f"{within}: too long; {_EXPECTED}") from error
    if due < now:
        raise InvalidArgumentError("within", f"{within}: in the past; {_EXPECTED}")
    events = map(event_of, [job_ids] if isinstance(job_ids, str) else job_ids)
    notes = [
        Expected(job_id=job_id, function_name=function_name, expected_at=now, due_at=due)
        for job_id in dict.fromkeys(event.job_id for event in events)
    ]
    credentials = Credentials()
    require_keys(settings, credentials, settings.parking_urls)
    parking_stores = open_parking_stores(settings, credentials)
    return [*leave_notes(parking_stores, notes, lambda: Deadline.after(_SECONDS_A_NOTE))]
