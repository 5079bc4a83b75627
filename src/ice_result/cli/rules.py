"""`rules`: the rules for output files, their evidence and their effect. It makes no call."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from ice_result.cli.options import FunctionName
from ice_result.cli.output import print_note, standard_output, write_line
from ice_result.cli.tables import print_table
from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject
from ice_result.rules.model import Effect, Rule, RuleChoice
from ice_result.rules.registry import RULES
from ice_result.settings import RULES as VARIABLES
from ice_result.settings import Settings


@click.command(short_help="List the rules for output files.", epilog="Example: ice-result rules VideoH2V")
@click.argument("function_name", type=FunctionName(only_known=True), required=False, metavar="[FUNCTION_NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per rule.")
def rules(*, function_name: str | None, as_json: bool) -> None:
    """List the rules for output files: the requirement, the evidence, and the effect if the requirement is not met.

    A documented or measured rule reports a problem, and the manifest is not complete. An inferred rule reports a note,
    unless it is in ICE_RESULT_RULES_ON. ICE_RESULT_RULES_OFF turns a rule off.

    With FUNCTION_NAME, list only the rules of this function. docs/verification.md explains each rule.
    """
    settings = Settings.from_environment(os.environ, VARIABLES)
    choice = RuleChoice(frozenset(settings.rules_on), frozenset(settings.rules_off))
    shown = [
        (rule, choice.effect_of(rule) if settings.probe else "off")
        for rule in RULES
        if function_name is None or function_name in rule.functions
    ]
    if as_json:
        for rule, effect in shown:
            write_line(dump(_document(rule, effect)))
    else:
        _print(shown)
    if not settings.probe:
        print_note("ICE_RESULT_PROBE is off: no rule is applied")
    elif not settings.verify_outputs:
        print_note("ICE_RESULT_VERIFY_OUTPUTS is off: only `ice-result verify` applies rules")


def _document(rule: Rule, effect: Effect) -> JsonObject:
    return {
        "name": rule.name,
        "functions": [*rule.functions],
        "requirement": rule.requirement,
        "needs": [*rule.needs],
        "tolerance": rule.tolerance and {"seconds": rule.tolerance.seconds, "percent": rule.tolerance.percent},
        "evidence": rule.evidence,
        "source": rule.source,
        "effect": effect,
    }


def _print(shown: Sequence[tuple[Rule, Effect]]) -> None:
    rows = [
        {
            "rule": rule.name,
            "effect": effect,
            "requirement": rule.requirement,
            "evidence": rule.evidence,
            "tolerance": str(rule.tolerance or ""),
            "functions": ", ".join(rule.functions),
        }
        for rule, effect in shown
    ]
    print_table(standard_output(), rows)
