"""What a person at a terminal sees."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import IO

from support.command_line import ice_result, process_arguments, process_environment
from support.paths import SAMPLE_JOBS


def test_a_terminal_gets_progress_and_colour(tmp_path: Path) -> None:
    """GIVEN a terminal WHEN jobs are processed THEN there is a bar while it runs, and a coloured line a job."""
    status, shown = on_a_terminal(
        *("process", "cover-0001", "videoclip-0001", "nobody"),
        *("--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}"),
        COLUMNS="100",
        ICE_RESULT_VERIFY_OUTPUTS="off",
    )
    assert status == 1
    assert "\x1b[32m" in shown
    assert "\x1b[33m" in shown
    assert "━" in shown
    assert "2 recorded" in shown


def test_a_page_has_colours_and_loses_nothing(tmp_path: Path) -> None:
    """GIVEN a narrow terminal THEN long values go on in the next line instead of being cut."""
    sink = f"file:{tmp_path}"
    offline = {"ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    assert ice_result("process", "cover-0001", "--sink", sink, **offline).returncode == 0
    status, shown = on_a_terminal("show", "cover-0001", "--sink", sink, COLUMNS="60")
    assert status == 0
    assert "\x1b[32mok\x1b[0m" in shown
    assert "…" not in shown


def test_results_go_to_their_file_while_the_terminal_shows_progress(tmp_path: Path) -> None:
    """GIVEN a terminal behind standard error alone WHEN jobs are processed THEN the file has a whole line a job."""
    results = tmp_path / "results.jsonl"
    arguments = ["process", "cover-0001", "--json", "--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}"]
    with results.open("wb") as file:
        status, shown = on_a_terminal(*arguments, output=file, ICE_RESULT_VERIFY_OUTPUTS="off")
    assert status == 0
    (line,) = results.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["outcome"] == "recorded"
    assert "━" in shown
    assert "cover-0001" not in shown


def on_a_terminal(*arguments: str, output: IO[bytes] | None = None, **environment: str) -> tuple[int, str]:
    """Run `ice-result ARGUMENTS` in a terminal, with results there or in a file; its exit status, and all it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        process_arguments(*arguments),
        stdin=theirs,
        stdout=output or theirs,
        stderr=theirs,
        env=process_environment({"TERM": "xterm-256color", **environment}),
    ) as process:
        os.close(theirs)
        shown = _read_all(ours)
    return process.returncode, shown


def _read_all(terminal: int) -> str:
    chunks: list[bytes] = []
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side of the terminal is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(terminal)
    return b"".join(chunks).decode("utf-8", "replace")
