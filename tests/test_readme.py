"""The README, held against the code it describes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ice_result import decode, parse
from ice_result.results.registry import FUNCTIONS
from ice_result.settings import Settings
from support.paths import ROOT
from support.settings_table import BEGIN, END, rows, written

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_table_of_variables_is_current(readme: Path) -> None:
    """The fields of the settings make it; UPDATE_DOCS=1 writes it anew, and leaves the meaning to a translator."""
    text = readme.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_DOCS"):
        readme.write_text(written(readme.name, text), encoding="utf-8")
        return
    assert text == written(readme.name, text)


def test_the_meaning_of_each_variable_is_translated() -> None:
    """Chinese readers find no meaning in English in their table."""
    table = READMES[1].read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    meanings = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
    assert [*meanings] == [row.name for row in rows()]
    assert [name for name, meaning in meanings.items() if not re.search(r"[\u4e00-\u9fff]", meaning)] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_names_every_function_and_variable(readme: Path) -> None:
    """In both languages."""
    text = readme.read_text(encoding="utf-8")
    for name in [*FUNCTIONS, *Settings.variables()]:
        assert name in text, name


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_files_the_readme_links_to_are_there(readme: Path) -> None:
    """No dead link within the project."""
    for target in re.findall(r"\]\(([^)#:]+)\)", readme.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_both_readmes_have_the_same_commands() -> None:
    """What a Chinese reader copies is what an English reader copies."""
    blocks = [re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL) for path in READMES]
    commands = [[re.sub(r"\s*#.*", "", line) for block in each for line in block.splitlines()] for each in blocks]
    assert commands[0] == commands[1]


def test_the_library_example_works() -> None:
    """As it stands in the README."""
    (event,) = parse(b'{"JobId": "cover-0001"}').events
    assert event.kind == "job"
    assert decode("VideoClip", '{"VideoSummaryList": []}').result.kind == "summary"
