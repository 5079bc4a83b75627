"""Numbers of recorded jobs: in total, by function, by outcome, and by day."""

from __future__ import annotations

from datetime import timezone
from typing import Literal, NamedTuple, TypeAlias, get_args

from ice_result.records.model import Outcome
from ice_result.sinks.base import JobLine

Grouping: TypeAlias = Literal["function", "outcome", "day"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
FAILED: frozenset[Outcome] = frozenset({"job_failed", "false_success"})
"""Outcomes of jobs that failed: ICE says so, or ICE reports success and its Result contradicts it."""
NO_DAY = "unknown"
"""Name of the day of jobs that have neither a FinishTime nor a CreateTime."""
_OUTCOMES: tuple[str, ...] = get_args(Outcome)


class Counted(NamedTuple):
    """Numbers of jobs of one group: `failed` counts those of FAILED, `incomplete` all without a complete manifest.

    No failed job has a complete manifest, so each of them is counted as incomplete too.
    """

    jobs: int = 0
    complete: int = 0
    incomplete: int = 0
    failed: int = 0

    def with_job(self, job: JobLine) -> Counted:
        """Return these numbers with one more job."""
        return Counted(
            self.jobs + 1,
            self.complete + (job.complete is True),
            self.incomplete + (job.complete is not True),
            self.failed + (job.outcome in FAILED),
        )


class JobCounts:
    """Counter of jobs. Its memory grows with the numbers of functions and days, not with the number of jobs."""

    def __init__(self) -> None:
        self.total = Counted()
        self._groups: dict[Grouping, dict[str, Counted]] = {grouping: {} for grouping in GROUPINGS}

    def add(self, job: JobLine) -> None:
        """Count one job in the total and in each of its groups."""
        self.total = self.total.with_job(job)
        names: dict[Grouping, str] = {"function": job.function_name, "outcome": job.outcome, "day": day_of(job)}
        for grouping, name in names.items():
            group = self._groups[grouping]
            group[name] = group.get(name, Counted()).with_job(job)

    def by(self, grouping: Grouping) -> list[tuple[str, Counted]]:
        """Return the groups that have jobs: functions and days by name, outcomes in the order of `Outcome`."""
        groups = self._groups[grouping]
        names = (name for name in _OUTCOMES if name in groups) if grouping == "outcome" else sorted(groups)
        return [(name, groups[name]) for name in names]


def day_of(job: JobLine) -> str:
    """Return the UTC day on which a job finished, or was created where that is unknown: `2026-03-02`, or NO_DAY."""
    time = job.finish_time or job.create_time
    return time.astimezone(timezone.utc).date().isoformat() if time else NO_DAY
