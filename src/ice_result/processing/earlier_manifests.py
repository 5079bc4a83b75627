"""Stored manifests of a job, beside the one that is made now."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ice_result.records import Manifest, ManifestFile, Problem
from ice_result.records.model import NO_ANSWER, OF_CONTENT, LookUpProblem, ProblemCode
from ice_result.records.stored_facts import facts_in

if TYPE_CHECKING:
    from ice_result.rules.model import EarlierCheck

_NOT_ABOUT_BYTES: frozenset[ProblemCode] = frozenset({*get_args(LookUpProblem), "stale", "modified_later"})
"""Problems that a file can get without another content: it is lost, may not be read, or is written again as it was."""


def earlier_check(manifest: Manifest) -> EarlierCheck:
    """Return what a stored manifest knows: the facts of its files, and the findings of rules."""
    from ice_result.rules.model import EarlierCheck, Judgement  # noqa: PLC0415  only where something was not checked

    problems = tuple(problem for problem in manifest.problems if problem.code == "implausible")
    notes = tuple(note for note in manifest.notes if note.code == "suspicious")
    return EarlierCheck(facts_in(manifest.model_dump(mode="json")), Judgement(problems, notes))


def may_stay(stored: Manifest, new: Manifest) -> bool:
    """Return whether a stored manifest stays in place of a new one: a complete one of the same files.

    One with findings about their content stays when the new one could not look the files up.

    It does not stay when the new one finds a fault in bytes that the stored one has as complete: an earlier version, or
    ICE_RESULT_PROBE=off, did not look for it. A fault of other bytes came later, and is not the job's.
    """
    before = {file.uri: file for file in stored.files}
    now = {file.uri: file for file in new.files}
    if new.complete or before.keys() != now.keys():
        return False
    if not stored.complete:  # what it found is not taken back by a look-up without an answer
        has_findings = any(problem.code in OF_CONTENT for problem in stored.problems)
        return has_findings and all(problem.code in NO_ANSWER for problem in new.problems)
    changed = {uri for uri, file in now.items() if _bytes_of(file) != _bytes_of(before[uri])}
    return all(_is_later(problem, changed) for problem in new.problems)


def _is_later(problem: Problem, changed: set[str | None]) -> bool:
    """Return whether a problem may have come after the stored manifest."""
    if problem.code in _NOT_ABOUT_BYTES or problem.uri in changed:
        return True
    from ice_result.rules.earlier import compares_files  # noqa: PLC0415  only for a finding

    return bool(changed) and compares_files(problem)


def _bytes_of(file: ManifestFile) -> tuple[bool | None, int | None, str | None]:
    return file.exists, file.size_bytes, file.etag
