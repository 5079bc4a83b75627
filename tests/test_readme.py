"""The README, held against the code it describes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ice_result import decode, parse
from ice_result.results.registry import FUNCTIONS
from ice_result.settings import DEFAULTS, VARIABLES
from support.paths import ROOT

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def settings_table() -> str:
    """The variables as the README shows them."""
    rows = [f"| `{name}` | {meaning} | {DEFAULTS.get(name, '')} |" for name, meaning in VARIABLES.items()]
    return "\n".join(["| variable | meaning | default |", "| --- | --- | --- |", *rows]) + "\n"


def test_every_variable_is_in_the_readme() -> None:
    """The table is made of the code's own descriptions; UPDATE_DOCS=1 writes it anew."""
    text = READMES[0].read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_DOCS"):
        READMES[0].write_text(before + BEGIN + settings_table() + END + after, encoding="utf-8")
        return
    assert shown == settings_table()


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_names_every_function_and_variable(readme: Path) -> None:
    """In both languages."""
    text = readme.read_text(encoding="utf-8")
    for name in [*FUNCTIONS, *VARIABLES]:
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
