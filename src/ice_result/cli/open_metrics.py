"""Statistics of a store as OpenMetrics text 1.0, which is read as Prometheus' older text format too.

Every family is a gauge: each value is a state, which may fall. Times are Unix times, as Prometheus recommends: an age
would be wrong as soon as the text is older than its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ice_result.core.json_text import valid_text
from ice_result.core.redaction import redact
from ice_result.maintenance.stats import Stats

_PREFIX = "ice_result"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class _Sample(NamedTuple):
    value: float
    labels: Mapping[str, str]


class _Family(NamedTuple):
    """Gauge with its samples. A `unit` is the end of the name."""

    name: str
    help_text: str
    samples: Sequence[_Sample]
    unit: str = ""

    def lines(self) -> Iterator[str]:
        name = f"{_PREFIX}_{self.name}"
        yield f"# TYPE {name} gauge"
        if self.unit:
            yield f"# UNIT {name} {self.unit}"
        yield f"# HELP {name} {self.help_text}"
        for value, labels in self.samples:
            shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            yield f"{name}{{{shown}}} {value:.16g}"


def open_metrics(stats: Stats) -> str:
    """Return the statistics as OpenMetrics text, which ends with `# EOF`."""
    families = (*_of_jobs(stats), *_of_lag(stats), *_of_parked(stats), *_of_notes(stats))
    return "".join(f"{line}\n" for family in families for line in family.lines()) + "# EOF\n"


def _of_jobs(stats: Stats) -> Iterator[_Family]:
    groups = [
        (group, {"sink": stats.sink, "function": group.function, "outcome": group.outcome}) for group in stats.groups
    ]
    window = [] if stats.since is None else [_Sample(_unix_time(stats.since), {"sink": stats.sink})]
    yield _Family(
        "since_timestamp_seconds",
        "Time since which the counted jobs have finished; no sample if all jobs are counted.",
        window,
        "seconds",
    )
    yield _Family("jobs", "Recorded jobs.", [_Sample(group.jobs, labels) for group, labels in groups])
    yield _Family(
        "incomplete_jobs",
        "Recorded jobs without a complete manifest.",
        [_Sample(group.incomplete, labels) for group, labels in groups],
    )
    yield _Family(
        "output_seconds",
        "Total duration of output files whose duration is known.",
        [_Sample(group.output_seconds, labels) for group, labels in groups if group.output_seconds is not None],
        "seconds",
    )
    yield _Family(
        "unreadable_records",
        "Damaged records, which are in no other figure.",
        [_Sample(stats.unreadable, {"sink": stats.sink})],
    )


def _of_lag(stats: Stats) -> Iterator[_Family]:
    lag, labels = stats.lag, {"sink": stats.sink}
    yield _Family("lag_jobs", "Jobs of which the lag is known.", [_Sample(lag.jobs, labels)] if lag else [])
    figures = {
        "median": ("Median of the seconds", lag.median_seconds if lag else None),
        "p95": ("95th percentile of the seconds", lag.p95_seconds if lag else None),
        "max": ("Maximum of the seconds", lag.max_seconds if lag else None),
    }
    for name, (what, value) in figures.items():
        yield _Family(
            f"lag_{name}_seconds",
            f"{what} from the end of a job in ICE to the last writing of its manifest.",
            [] if value is None else [_Sample(value, labels)],
            "seconds",
        )


def _of_parked(stats: Stats) -> Iterator[_Family]:
    for name, what, dead in (("parked", "Parked events that are not dead", False), ("dead", "Dead events", True)):
        groups = [(group, {"sink": group.sink, "reason": group.reason}) for group in stats.parked if group.dead is dead]
        yield _Family(f"{name}_events", f"{what}.", [_Sample(group.events, labels) for group, labels in groups])
        yield _Family(
            f"{name}_oldest_timestamp_seconds",
            f"{what}: time at which the oldest was parked first.",
            [_Sample(_unix_time(group.oldest), labels) for group, labels in groups],
            "seconds",
        )


def _of_notes(stats: Stats) -> Iterator[_Family]:
    yield _Family(
        "overdue_notes",
        "Notes of expected jobs whose time is over.",
        [_Sample(each.notes, {"sink": each.sink}) for each in stats.overdue],
    )
    yield _Family(
        "overdue_notes_oldest_timestamp_seconds",
        "Time at which the earliest of the overdue notes was due.",
        list(_oldest_notes(stats)),
        "seconds",
    )


def _oldest_notes(stats: Stats) -> Iterable[_Sample]:
    return (_Sample(_unix_time(each.oldest), {"sink": each.sink}) for each in stats.overdue if each.oldest)


def _unix_time(time: datetime) -> float:
    return round(time.timestamp(), 3)


def _escaped(text: str) -> str:
    return redact(valid_text(text)).translate(_ESCAPES)
