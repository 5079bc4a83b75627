"""A case and the rules of its function → problems and notes."""

from __future__ import annotations

from collections.abc import Iterator

from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import Note, Problem, Record
from ice_result.rules.inputs import input_address, source_addresses
from ice_result.rules.model import Case, Judgement, Rule, RuleChoice
from ice_result.rules.registry import RULES

MOST_INPUTS = 8
"""The most input files that the outputs of one job are compared with."""


def judge(case: Case, choice: RuleChoice) -> Judgement:
    """Apply the rules of the job's function that are not turned off. Only a successful job is checked."""
    problems, notes = list[Problem](), list[Note]()
    for rule in applied_rules(case.record, choice):
        for finding in rule.check(case):
            message = f"{rule.name}: {finding.message}"
            if choice.effect_of(rule) == "note":
                notes.append(Note(code="suspicious", message=message, uri=finding.uri, rule=rule.name))
            else:
                problems.append(Problem(code="implausible", message=message, uri=finding.uri, rule=rule.name))
    return Judgement(tuple(problems), tuple(notes))


def input_addresses(record: Record, choice: RuleChoice) -> tuple[ObjectAddress, ...]:
    """Return the files in OSS that the applied rules of a job compare its outputs with, each once."""
    needs = {need for rule in applied_rules(record, choice) for need in rule.needs}
    own = input_address(record) if needs & {"input", "sources"} else None
    named = source_addresses(record) if "sources" in needs else ()
    return tuple(dict.fromkeys((*((own,) if own else ()), *named)))[:MOST_INPUTS]


def applied_rules(record: Record, choice: RuleChoice) -> Iterator[Rule]:
    """Yield the rules of the job's function that are not turned off; none for a job that is not successful."""
    if record.outcome != "ok":
        return
    for rule in RULES:
        if record.function_name in rule.functions and choice.effect_of(rule) != "off":
            yield rule
