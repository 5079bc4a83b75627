"""The parts of the pages that are made from the code. `make docs` writes them anew."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import get_args

import click
import pytest

from ice_result.cli.main import group
from ice_result.records.model import DefectCode
from ice_result.results.registry import FUNCTIONS
from ice_result.rules.registry import RULES
from support.commands_page import command_names, commands_page
from support.function_examples import with_examples
from support.paths import ROOT
from support.rules_table import IN_CHINESE as RULES_IN_CHINESE
from support.rules_table import RulesTable
from support.settings_table import IN_CHINESE, Table, rows
from support.verification_example import with_example

MADE: dict[str, Callable[[str], str]] = {
    "docs/configuration.md": Table.in_english().written,
    "docs/configuration.zh-CN.md": Table.in_chinese().written,
    "docs/functions.md": with_examples,
    "docs/functions.zh-CN.md": with_examples,
    "docs/verification.md": lambda text: with_example(RulesTable.in_english().written(text)),
    "docs/verification.zh-CN.md": lambda text: with_example(RulesTable.in_chinese().written(text)),
    "docs/commands.md": lambda _text: commands_page(),
}


@pytest.mark.parametrize("page", MADE)
def test_the_page_is_current(page: str) -> None:
    """UPDATE_DOCS=1 writes it."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(MADE[page](text), encoding="utf-8")
        return
    assert text == MADE[page](text), "run `make docs`"


def test_each_variable_has_a_meaning_in_chinese() -> None:
    """GIVEN a new variable THEN this fails until somebody translates its meaning."""
    assert [*IN_CHINESE] == [row.name for row in rows()]
    assert [name for name, meaning in IN_CHINESE.items() if not re.search(r"[\u4e00-\u9fff]", meaning)] == []


def test_the_code_in_a_meaning_is_the_same_in_both_languages() -> None:
    """GIVEN a default that changes in English THEN the Chinese meaning has to follow."""
    for row in rows():
        english, chinese = (sorted(re.findall(r"`[^`]+`", text)) for text in (row.meaning, IN_CHINESE[row.name]))
        assert english == chinese, row.name


def test_each_rule_has_its_texts_in_chinese() -> None:
    """GIVEN a new rule THEN this fails until somebody translates it."""
    assert [*RULES_IN_CHINESE] == [rule.name for rule in RULES]
    texts = [text for each in RULES_IN_CHINESE.values() for text in each]
    assert [text for text in texts if not re.search(r"[\u4e00-\u9fff]", text)] == []


@pytest.mark.parametrize("page", ["docs/verification.md", "docs/verification.zh-CN.md"])
def test_the_page_says_what_to_do_about_each_rule(page: str) -> None:
    """GIVEN each rule, and each fault that a file shows THEN one row of the table of remedies names it."""
    text = (ROOT / page).read_text(encoding="utf-8").partition("<!-- rules: end -->")[2]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)))
    assert sorted(named) == sorted([*(rule.name for rule in RULES), *get_args(DefectCode)])


def test_every_command_and_option_is_on_the_page() -> None:
    """GIVEN each command, also those of a group THEN the page has a section with each of its options."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    assert [*sections] == command_names()
    for name, section in sections.items():
        command: click.Command = group
        for word in name.split()[1:]:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert all(re.search(rf"(?<!\S){option}\b", section) for option in parameter.opts), parameter.opts


def test_each_kind_of_result_has_an_example() -> None:
    """GIVEN docs/functions.md THEN the kinds that its table names, but `unknown`, each have a shown result."""
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    kinds = {kind for kind in re.findall(r"^\| [^|]+ \| `(\w+)` \|", page, re.MULTILINE) if kind != "unknown"}
    assert kinds == set(re.findall(r'^\{"kind": "(\w+)"', page, re.MULTILINE))


@pytest.mark.parametrize("page", ["docs/functions.md", "docs/functions.zh-CN.md"])
def test_the_overview_has_each_function_with_its_kind_and_roles(page: str) -> None:
    """GIVEN the registry of functions THEN a row names each of them, with the kind of its results and all its roles."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = {
        name: (kind, {*re.findall(r"`(\w+)`", roles)})
        for names, kind, roles in re.findall(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE)
        for name in re.findall(r"[A-Z]\w+", names)
    }
    for name, function in FUNCTIONS.items():
        roles = {*function.roles_by_name.values()} or {*filter(None, [function.role])}
        assert shown[name] == (function.family.partition(".")[0], roles), name
    assert len(shown) == len(FUNCTIONS)
