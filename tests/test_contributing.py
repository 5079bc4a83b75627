"""CONTRIBUTING.md, held against the code that it describes."""

from __future__ import annotations

import ast
import re

import pytest

from support.paths import ROOT, SOURCE, TESTS

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DIFFS = dict(re.findall(r"^\+\+\+ b/(\S+)\n(.*?)(?=^\+\+\+|^```$)", TEXT, re.DOTALL | re.MULTILINE))


def lines(path: str, sign: str) -> list[str]:
    """The lines of a diff that begin with this sign, without it."""
    return [line[1:] for line in DIFFS[path].splitlines() if line.startswith(sign)]


def test_the_new_result_is_the_one_that_a_test_adds() -> None:
    """tests/results/test_new_family.py adds it to a copy of the program, and runs it there."""
    added = "\n".join(lines("src/ice_result/results/chapters.py", "+"))
    assert added == (TESTS / "results" / "chapters.py").read_text(encoding="utf-8").rstrip("\n")
    (line,) = lines("src/ice_result/results/registry.py", "+")
    assert line in (TESTS / "results" / "test_new_family.py").read_text(encoding="utf-8")


def test_the_new_rule_is_the_one_that_a_test_adds() -> None:
    """tests/rules/test_new_rule.py adds it to its family, and applies it."""
    added = "\n".join(lines("src/ice_result/rules/audio.py", "+"))
    test = (TESTS / "rules" / "test_new_rule.py").read_text(encoding="utf-8")
    parts = (test.partition(f'{name} = """\n')[2].partition('\n"""')[0] for name in ("FUNCTION", "ENTRY"))
    assert added == "\n".join(parts)


def test_the_new_envelope_is_the_one_that_a_test_adds() -> None:
    """tests/triggers/test_new_envelope.py adds it to a copy of the program, and runs it there."""
    *function, line = lines("src/ice_result/triggers/envelopes.py", "+")
    test = (TESTS / "triggers" / "test_new_envelope.py").read_text(encoding="utf-8")
    assert test.partition("FUNCTION = '''")[2].partition("'''")[0].strip("\n") == "\n".join(function)
    assert f"LINE = '{line}'\n" in test


def test_the_new_store_is_the_one_that_a_test_adds() -> None:
    """tests/sinks/test_new_store.py adds it to the registry, and runs jobs into it."""
    test = (TESTS / "sinks" / "test_new_store.py").read_text(encoding="utf-8")
    module = test.partition("MODULE = '''")[2].partition("'''")[0]
    head, *opener = lines("src/ice_result/sinks/object/dbm.py", "+")
    head, _, methods = head.partition("  # ")
    (store,) = (node for node in ast.parse(module).body if isinstance(node, ast.ClassDef))
    public = [node.name for node in store.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert methods.split(", ") == public
    assert {head, *opener} <= {*module.splitlines()}
    (line,) = lines("src/ice_result/sinks/registry.py", "+")
    assert line.partition(": ")[2].rstrip(",") in test


def test_the_new_setting_is_the_one_that_a_test_adds() -> None:
    """tests/test_settings.py adds it to the settings."""
    (line,) = lines("src/ice_result/settings.py", "+")
    assert line in (TESTS / "test_settings.py").read_text(encoding="utf-8")


def test_the_lines_around_an_addition_are_in_the_files() -> None:
    """A diff says where a line goes."""
    for path in DIFFS:
        for line in lines(path, " "):
            assert line in (ROOT / path).read_text(encoding="utf-8").splitlines(), f"{path}: {line}"


def test_the_files_of_the_tree_are_there() -> None:
    """Every folder and module that the tree names."""
    tree = TEXT.partition("## The tree")[2].partition("```text\n")[2].partition("```")[0]
    modules = re.findall(r"^  (\w+\.py.*)$", tree, re.MULTILINE)
    for name in (*re.findall(r"^  (\w+)/ ", tree, re.MULTILINE), *modules[0].split()):
        assert (SOURCE / "ice_result" / name).exists(), name


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", TEXT))
def test_the_files_that_it_links_to_are_there(target: str) -> None:
    """No dead link within the project."""
    assert (ROOT / target).exists()
