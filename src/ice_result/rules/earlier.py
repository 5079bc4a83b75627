"""Findings of an earlier check that this check could not repeat: they stay while their files are unchanged.

rule now: applied, with all it needs ──► its new findings, or none
          a need was not available   ──► those, and its earlier findings about files that are unchanged
          turned off                 ──► none
no rule is applied now (PROBE=off)   ──► all earlier findings about files that are unchanged
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from ice_result.records.model import CONTENT_OF_ROLES, Note, Problem
from ice_result.rules.inputs import input_address, known_sources
from ice_result.rules.judge import applied_rules, input_addresses
from ice_result.rules.model import Case, CheckedFile, EarlierCheck, Judgement, Rule, RuleChoice
from ice_result.rules.registry import RULES

_Finding: TypeAlias = Problem | Note
_BY_NAME = {rule.name: (position, rule) for position, rule in enumerate(RULES)}


def lacks_needs(case: Case, choice: RuleChoice) -> bool:
    """Return whether a rule that makes problems could not be checked, since something that it needs was not available.

    Rules that make notes do not count: without permission to read inputs, each job would read its stored manifest.
    """
    deciding = (rule for rule in applied_rules(case.record, choice) if choice.effect_of(rule) == "problem")
    return any(not _has_needs(rule, case, choice, case.files) for rule in deciding)


def with_earlier(found: Judgement, case: Case, choice: RuleChoice | None, checks: Iterable[EarlierCheck]) -> Judgement:
    """Add the findings of earlier checks that this one could not repeat. With `choice` None, no rule was applied.

    A finding has the effect that its rule has now.
    """
    new: list[_Finding] = [*found.problems, *found.notes]
    is_new = {(each.rule, each.uri) for each in new}
    kept: dict[tuple[str | None, str | None, str], _Finding] = {}
    for check in checks:
        is_new |= {(each.rule, each.uri) for each in kept.values()}  # other stores may have it in other words
        valid = still_valid(check, case)
        earlier: list[_Finding] = [*valid.problems, *valid.notes]
        for finding in earlier:
            if (finding.rule, finding.uri) not in is_new and (choice is None or _is_open(finding, case, choice)):
                kept.setdefault((finding.rule, finding.uri, finding.message), finding)
    if not kept:
        return found
    ordered = sorted([*new, *kept.values()], key=lambda each: _position(each.rule))
    return _as_found(ordered if choice is None else [_with_effect(each, choice) for each in ordered])


def still_valid(check: EarlierCheck, case: Case) -> Judgement:
    """Return the findings of an earlier check about files that are unchanged.

    If the rule compares files with one another, all files of the job are unchanged, and no file was added or removed.
    """
    same = {file.uri for file in case.files if file.uri and file.facts.has_bytes_of(check.facts.get(file.uri))}
    are_all_same = same == {file.uri for file in case.files if file.uri} == check.facts.keys()

    def is_valid(finding: _Finding) -> bool:
        if compares_files(finding):
            return are_all_same
        return finding.uri is None or finding.uri in same

    return Judgement(tuple(filter(is_valid, check.findings.problems)), tuple(filter(is_valid, check.findings.notes)))


def compares_files(finding: Problem | Note) -> bool:
    """Return whether the finding is about several files of a job. A rule that is not known may compare files."""
    _, rule = _BY_NAME.get(finding.rule or "", (0, None))
    return finding.code in {"implausible", "suspicious"} and (rule is None or "other_files" in rule.needs)


def _is_open(finding: _Finding, case: Case, choice: RuleChoice) -> bool:
    """Return whether the rule of an earlier finding is applied, and could not be checked for its file."""
    rule = next((each for each in applied_rules(case.record, choice) if each.name == finding.rule), None)
    if rule is None:
        return False
    is_about_all = "other_files" in rule.needs
    files = [file for file in case.files if is_about_all or (finding.uri and file.uri == finding.uri)]
    return not _has_needs(rule, case, choice, files)


def _has_needs(rule: Rule, case: Case, choice: RuleChoice, files: Sequence[CheckedFile]) -> bool:
    """Return whether a rule can be checked for these files. A file that does not exist needs no check."""
    return all(_lacking(rule, case, choice, files))


def _lacking(rule: Rule, case: Case, choice: RuleChoice, files: Sequence[CheckedFile]) -> Iterator[bool]:
    present = [file for file in files if file.facts.exists is not False]
    if "files" in rule.needs:
        yield all(file.facts.is_read for file in present)
    if "contents" in rule.needs:
        read = {content.uri for content in case.contents}
        yield all(file.uri in read for file in present if file.role in CONTENT_OF_ROLES)
    known = {uri for uri, facts in known_sources(case) if facts.is_read}
    if "sources" in rule.needs:
        yield all(address.uri in known for address in input_addresses(case.record, choice))
    elif "input" in rule.needs:
        own = input_address(case.record)
        yield own is None or own.uri in known


def _position(name: str | None) -> int:
    position, _ = _BY_NAME.get(name or "", (len(_BY_NAME), None))
    return position


def _with_effect(finding: _Finding, choice: RuleChoice) -> _Finding:
    """Return a finding as the problem or the note that its rule makes now."""
    _, rule = _BY_NAME[finding.rule or ""]
    content = finding.model_dump(exclude={"code"})
    if choice.effect_of(rule) == "note":
        return Note(code="suspicious", **content)
    return Problem(code="implausible", **content)


def _as_found(findings: Iterable[_Finding]) -> Judgement:
    problems, notes = list[Problem](), list[Note]()
    for finding in findings:
        if isinstance(finding, Problem):
            problems.append(finding)
        else:
            notes.append(finding)
    return Judgement(tuple(problems), tuple(notes))
