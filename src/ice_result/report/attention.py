"""Reasons why a job needs attention, how urgent each job is, and jobs that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from ice_result.records.model import Manifest, Note, Outcome, Problem, Record
from ice_result.report.texts import Texts
from ice_result.sinks.base import StoredJob
from ice_result.sinks.job_counts import FAILED

_MOST_KINDS = 6


class Urgency(IntEnum):
    """Order in which jobs need attention."""

    FAILED = 1
    FALSE_SUCCESS = 2
    INCOMPLETE = 3
    SUSPICIOUS = 4
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


def urgency_of(outcome: Outcome, manifest: Manifest | None) -> Urgency:
    """Return how urgent a job is, by its outcome and by its manifest. Notes of rules come after all else."""
    if outcome in FAILED:
        return Urgency.FALSE_SUCCESS if outcome == "false_success" else Urgency.FAILED
    if manifest is None or not manifest.complete:
        return Urgency.INCOMPLETE
    return Urgency.SUSPICIOUS if manifest.suspicious else Urgency.NONE


def reasons_of(job: StoredJob) -> tuple[Reason, ...]:
    """Return the reasons why a job needs attention, the gravest first.

    A complete job has only those of its suspicious files.
    """
    record, manifest = job.record, job.manifest
    if record.outcome == "ok" and manifest is not None and manifest.complete:
        suspicious = [note for note in manifest.notes if note.code == "suspicious"]
        return tuple(_by_kind(suspicious, lambda _: "job.notes.suspicious", len(manifest.files)))
    return tuple(_reasons(record, manifest)) or (Reason("reason.incomplete"),)


def _reasons(record: Record, manifest: Manifest | None) -> Iterator[Reason]:
    if record.state == "unknown":
        yield Reason("reason.unknown_state", record.status)
    elif record.outcome != "ok":
        yield Reason(f"reason.{record.outcome}")
    if manifest is None:
        yield Reason("reason.no_manifest")
        return
    yield from _by_kind(manifest.problems, lambda code: f"problem.{code}", len(manifest.files))


def _by_kind(findings: Iterable[Problem | Note], key_of: Callable[[str], str], total: int) -> Iterator[Reason]:
    """Yield one reason for all findings of the same code and rule."""
    by_kind: dict[tuple[str, str | None], list[Problem | Note]] = {}
    for finding in findings:
        by_kind.setdefault((finding.code, finding.rule), []).append(finding)
    for (code, _), alike in [*by_kind.items()][:_MOST_KINDS]:
        files = {finding.uri for finding in alike if finding.uri is not None}
        yield Reason(key_of(code), alike[0].message, len(files), total)
