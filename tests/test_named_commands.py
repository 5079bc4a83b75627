"""The commands that the pages name: each exists, and has the options that are named with it."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from ice_result.cli.main import group
from support.paths import ROOT

PAGES = sorted(path.relative_to(ROOT).as_posix() for folder in ("", "docs") for path in (ROOT / folder).glob("*.md"))
_SPAN = re.compile(r"`(ice-result [^`\n]+)`")
_BLOCK = re.compile(r"^```(?:sh|text|ini)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def unknown_commands(text: str) -> list[str]:
    """Return the commands of ice-result, in code spans and blocks, that do not exist as they are written."""
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    in_blocks = [found for line in lines for found in re.findall(r"^(?:.*[/|] ?)?(ice-result [a-z].*)$", line)]
    return [written for written in [*_SPAN.findall(text), *in_blocks] if not _exists(written)]


def _exists(written: str) -> bool:
    words = shlex.split(re.split(r" [|#] ", written)[0].replace("'", " "))[1:]
    command: click.Command = group
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return name.isupper()  # COMMAND stands for any
        command = command.commands[name]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    return all(word.partition("=")[0] in options for word in words if re.match(r"--?[a-z]", word))


@pytest.mark.parametrize("page", PAGES)
def test_each_command_that_a_page_names_exists(page: str) -> None:
    """GIVEN a command or an option that is renamed THEN the pages that name it fail."""
    assert unknown_commands((ROOT / page).read_text(encoding="utf-8")) == []


def test_a_command_and_an_option_that_do_not_exist_are_found() -> None:
    """GIVEN good commands, one without a command of that name, and one with a wrong option THEN the two are named."""
    text = "`ice-result list --since 7d`, `ice-result lst`, `ice-result parked retry --reason x`\n\n"
    text += "```sh\nice-result process --evnt FILE\nice-result show JOB_ID   # all of it\n```\n"
    assert unknown_commands(text) == ["ice-result lst", "ice-result process --evnt FILE"]
