"""`rules`: the rules for output files, their evidence and their effect. It makes no call."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from ice_result.cli.options import close_match
from ice_result.cli.output import counted, print_note, standard_output, write_line
from ice_result.cli.tables import print_table, print_values
from ice_result.core.json_text import dump, valid_text
from ice_result.core.types import JsonObject
from ice_result.results.registry import FUNCTIONS
from ice_result.rules.model import Effect, Rule
from ice_result.rules.registry import RULES
from ice_result.settings import RULES as VARIABLES
from ice_result.settings import Settings
from ice_result.triggers import without_blanks

_MOST_NAMED = 2
"""Functions of one rule that the table names; of more, it has the number."""
_BY_NAME = {rule.name: rule for rule in RULES}


class _RuleOrFunction(click.ParamType[str]):
    """Name of a rule, or of a function of ICE."""

    name = "name"

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name, known = valid_text(without_blanks(value)), (*_BY_NAME, *FUNCTIONS)
        if name not in known:
            near = close_match(name, known)
            hint = f"did you mean {near}?" if near else "`ice-result rules` prints them"
            self.fail(f"{name!r} is not a rule or a function of ICE; {hint}", param, ctx)
        return name

    @override
    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a rule or of a function, in any case."""
        begun = incomplete.casefold()
        return [CompletionItem(name) for name in sorted((*_BY_NAME, *FUNCTIONS)) if name.casefold().startswith(begun)]


@click.command(short_help="List the rules for output files.", epilog="Example: ice-result rules VideoH2V")
@click.argument("name", type=_RuleOrFunction(), required=False, metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per rule.")
def rules(*, name: str | None, as_json: bool) -> None:
    """List the rules for output files: the requirement, the evidence, and the effect if the requirement is not met.

    A documented or measured rule reports a problem, and the manifest is not complete. An inferred rule reports a note,
    unless it is in ICE_RESULT_RULES_ON. ICE_RESULT_RULES_OFF turns a rule off.

    With the NAME of a function, list only its rules. With that of a rule, print all its values, with the source of its
    evidence. docs/verification.md explains each rule.
    """
    settings = Settings.from_environment(os.environ, VARIABLES)
    choice = settings.rule_choice
    shown = [
        (rule, choice.effect_of(rule) if settings.probe else "off")
        for rule in RULES
        if name is None or name == rule.name or name in rule.functions
    ]
    if as_json:
        for rule, effect in shown:
            write_line(dump(_document(rule, effect)))
    elif name in _BY_NAME:
        _print_whole(*shown[0])
    else:
        _print(shown, with_functions=name is None)
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


def _print_whole(rule: Rule, effect: Effect) -> None:
    values = {
        "rule": rule.name,
        "effect": effect,
        "requirement": rule.requirement,
        "tolerance": str(rule.tolerance or ""),
        "evidence": f"{rule.evidence}: {rule.source}",
        "functions": ", ".join(rule.functions),
        "needs": ", ".join(rule.needs),
    }
    print_values(standard_output(), values)


def _print(shown: Sequence[tuple[Rule, Effect]], *, with_functions: bool) -> None:
    rows = [
        {
            "rule": rule.name,
            "effect": effect,
            "requirement": rule.requirement,
            "evidence": rule.evidence,
            "tolerance": str(rule.tolerance or ""),
            "functions": _functions(rule) if with_functions else None,
        }
        for rule, effect in shown
    ]
    print_table(standard_output(), rows)


def _functions(rule: Rule) -> str:
    number = len(rule.functions)
    return ", ".join(rule.functions) if number <= _MOST_NAMED else counted(number, "function")
