"""Reasons why a job needs attention, how urgent each job is, and jobs that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from ice_result.records.model import Manifest, Outcome, Problem, Record
from ice_result.report.texts import Texts
from ice_result.sinks.base import StoredJob
from ice_result.sinks.job_counts import FAILED

_MOST_KINDS = 6


class Urgency(IntEnum):
    """Order in which jobs need attention."""

    FAILED = 1
    FALSE_SUCCESS = 2
    INCOMPLETE = 3
    NONE = 9


class UnreadableJob(NamedTuple):
    """Job whose record is stored under this key, and cannot be read by this version."""

    key: str


class Reason(NamedTuple):
    """Reason in the words of `key`: `message` is the sentence of the manifest, `affected` the number of its files."""

    key: str
    message: str = ""
    affected: int = 0
    total: int = 0

    def text(self, texts: Texts) -> str:
        """Return the reason as a sentence."""
        if not self.affected:
            return texts(self.key)
        files = texts.count("files", self.total)
        return texts("reason.of_files", reason=texts(self.key), count=self.affected, files=files)


def urgency_of(outcome: Outcome, *, complete: bool | None) -> Urgency:
    """Return how urgent a job is, by its outcome and by whether its manifest is complete."""
    if outcome in FAILED:
        return Urgency.FALSE_SUCCESS if outcome == "false_success" else Urgency.FAILED
    return Urgency.NONE if complete else Urgency.INCOMPLETE


def reasons_of(job: StoredJob) -> tuple[Reason, ...]:
    """Return the reasons why a job needs attention, the gravest first; nothing for a complete job."""
    record, manifest = job.record, job.manifest
    if record.outcome == "ok" and manifest is not None and manifest.complete:
        return ()
    return tuple(_reasons(record, manifest)) or (Reason("reason.incomplete"),)


def _reasons(record: Record, manifest: Manifest | None) -> Iterator[Reason]:
    if record.state == "unknown":
        yield Reason("reason.unknown_state", record.status)
    elif record.outcome != "ok":
        yield Reason(f"reason.{record.outcome}")
    if manifest is None:
        yield Reason("reason.no_manifest")
        return
    by_kind: dict[tuple[str, str | None], list[Problem]] = {}
    for problem in manifest.problems:
        by_kind.setdefault((problem.code, problem.rule), []).append(problem)
    for (code, _), alike in [*by_kind.items()][:_MOST_KINDS]:
        files = {problem.uri for problem in alike if problem.uri is not None}
        yield Reason(f"problem.{code}", alike[0].message, len(files), len(manifest.files))
