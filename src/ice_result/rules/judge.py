"""A case and the rules of its function → problems and notes."""

from __future__ import annotations

from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import Note, Problem, Record
from ice_result.rules.model import Case, Judgement, RuleChoice
from ice_result.rules.registry import RULES


def judge(case: Case, choice: RuleChoice) -> Judgement:
    """Apply the rules of the job's function that are not turned off. Only a successful job is judged."""
    problems, notes = list[Problem](), list[Note]()
    if case.record.outcome != "ok":
        return Judgement()
    for rule in RULES:
        if case.record.function_name in rule.functions and rule.name not in choice.off:
            for finding in rule.check(case):
                message = f"{rule.name}: {finding.message}"
                if rule.evidence == "inferred" and rule.name not in choice.on:
                    notes.append(Note(code="suspicious", message=message, uri=finding.uri))
                else:
                    problems.append(Problem(code="implausible", message=message, uri=finding.uri))
    return Judgement(tuple(problems), tuple(notes))


def input_addresses(record: Record, choice: RuleChoice) -> tuple[ObjectAddress, ...]:
    """Return the files in OSS that the applied rules of a job compare its outputs with, each once."""
    del record, choice
    return ()
