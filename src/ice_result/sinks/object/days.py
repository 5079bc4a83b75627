"""Days and times by which partitions are chosen, also at both ends of the calendar."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta, timezone

_LONGEST_JOB = timedelta(days=7)
"""Longest time before `since` at which a job that finished after it can have been created; earlier days are not read.

ICE documents no longest time for a job; this is far more than any we know of [inferred].
"""
BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)
"""A time before all others."""


def days_around(time: datetime) -> list[date]:
    """Return the day of that time, the day before and the day after, as far as there are such days."""
    day = time.date() if time.year in {MINYEAR, MAXYEAR} else time.astimezone(timezone.utc).date()
    numbers = [day.toordinal() + days for days in (0, -1, 1)]
    return [date.fromordinal(number) for number in numbers if date.min.toordinal() <= number <= date.max.toordinal()]


def first_day(since: datetime | None) -> date:
    """Return the first day on which a job can have been created that finished after `since`."""
    return time_before(since, _LONGEST_JOB).date()


def time_before(since: datetime | None, duration: timedelta) -> datetime:
    """Return the time that long before `since`; without `since`, or within days of the year 1, the first of all."""
    try:
        return BEFORE_ALL if since is None else since.astimezone(timezone.utc) - duration
    except OverflowError:
        return BEFORE_ALL
