"""Shell completion: what a shell gets for a line that is not finished, from click's own scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ice_result.results.registry import FUNCTIONS
from support.command_line import ice_result_process, process_environment


def completions(*words: str) -> list[str]:
    """The completions of the last word, as the script of bash asks for them."""
    line = {"COMP_WORDS": " ".join(("ice-result", *words)), "COMP_CWORD": str(len(words))}
    done = ice_result_process(_ICE_RESULT_COMPLETE="bash_complete", **line)
    assert done.returncode == 0, done.stderr
    return [each.partition(",")[2] for each in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("pr",), ["process"]),
        (("list", "--outcome", "f"), ["false_success"]),
        (("list", "--function", "Video"), sorted(name for name in FUNCTIONS if name.startswith("Video"))),
        (("decode", "cov"), ["Cover"]),
        (("expect", "--function", "Music"), ["MusicDemix", "MusicSegmentDetect"]),
        (("schema", "re"), ["record", "result"]),
        (("rules", "audiom"), ["AudioMixing"]),
        (("rules", "same_a"), ["same_aspect_ratio"]),
        (("process", "--no"), ["--no-verify"]),
        (("parked", "re"), ["retry"]),
    ],
    ids=" ".join,
)
def test_commands_options_and_functions_complete(words: tuple[str, ...], expected: list[str]) -> None:
    """Names of functions complete in any case."""
    assert completions(*words) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_of_the_documentation_works_in_a_shell(shell: str, tmp_path: Path) -> None:
    """GIVEN the line for the start-up file of a shell WHEN the shell reads it THEN it knows how to complete."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not on this machine")
    command = tmp_path / "ice-result"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ice_result "$@"\n')
    command.chmod(0o755)
    source = {
        "bash": 'eval "$(_ICE_RESULT_COMPLETE=bash_source ice-result)"; complete -p ice-result',
        "zsh": 'autoload -U compinit; compinit -D; eval "$(_ICE_RESULT_COMPLETE=zsh_source ice-result)"; '
        "print $_comps[ice-result]",
        "fish": "_ICE_RESULT_COMPLETE=fish_source ice-result | source; complete -c ice-result",
    }[shell]
    environment = process_environment({})
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    done = subprocess.run([found, "-c", source], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "_ice_result_completion" in done.stdout
