"""What a person at a terminal sees."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path
from typing import IO

import pyte
import pytest

from support.command_line import ice_result, process_arguments, process_environment
from support.many_jobs import write_jobs
from support.paths import SAMPLE_JOBS

_ROWS = 50


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


@pytest.mark.parametrize("width", [80, 120])
def test_lines_and_the_bar_do_not_overwrite_each_other(width: int, tmp_path: Path) -> None:
    """GIVEN a terminal WHEN jobs are worked on THEN each has its whole line, and nothing of the bar is left."""
    write_jobs(tmp_path / "jobs", 15)
    ids = [path.stem for path in sorted((tmp_path / "jobs").iterdir())]
    arguments = ("process", *ids, "--jobs", str(tmp_path / "jobs"), "--sink", f"file:{tmp_path}/out", "--no-verify")
    status, shown = on_a_terminal(*arguments, width=width)
    lines = screen_of(shown, width)
    assert status == 0
    assert "━" in shown
    assert "━" not in "".join(lines)
    whole = "".join(line.ljust(width) for line in lines)  # a long line goes on in the next row of the terminal
    for job_id in ids:
        assert f"recorded  {job_id}  " in whole
    assert sum(line.startswith("recorded ") for line in lines) == len(ids)
    assert "15 recorded: 1 complete, 14 not complete, in " in whole


def test_more_than_twenty_jobs_have_no_lines_but_the_failed_ones(tmp_path: Path) -> None:
    """With -v each has one, with -q none has."""
    write_jobs(tmp_path / "jobs", 21)
    ids = [path.stem for path in sorted((tmp_path / "jobs").iterdir())]
    arguments = ("process", *ids, "nobody", "--jobs", str(tmp_path / "jobs"), "--sink", f"file:{tmp_path}/out")
    counts = {}
    for more in ((), ("-v",), ("-q",), ("--json",)):
        status, shown = on_a_terminal(*arguments, "--no-verify", *more, width=200)
        assert status == 1
        whole = "".join(line.ljust(200) for line in screen_of(shown, 200))
        counts[more] = sum(f"recorded  {each}  " in whole or f'"job_id":"{each}"' in whole for each in ids)
        assert "nobody" in whole
        assert ("21 recorded: " in whole) == (more in {(), ("-v",)})
    assert counts == {(): 0, ("-v",): 21, ("-q",): 0, ("--json",): 21}


def test_errors_stand_above_the_bar(tmp_path: Path) -> None:
    """Those of lines that are no job ids, whichever stream they go to."""
    write_jobs(tmp_path / "jobs", 3)
    ids = [path.stem for path in sorted((tmp_path / "jobs").iterdir())]
    (tmp_path / "ids.txt").write_text("\n".join([ids[0], "not an id", ids[1], "nor this", ids[2]]))
    status, shown = on_a_terminal(
        *("backfill", str(tmp_path / "ids.txt"), "--jobs", str(tmp_path / "jobs")),
        *("--sink", f"file:{tmp_path}/out", "--no-verify"),
        width=160,
    )
    lines = screen_of(shown, 160)
    assert status == 1
    assert [line.split(": ")[1] for line in lines if line.startswith("ice-result: ")] == ["line 2", "line 4"]
    assert sum(line.startswith("recorded ") for line in lines) == 3
    assert "━" not in "".join(lines)


def test_standard_input_that_is_a_terminal_is_announced(tmp_path: Path) -> None:
    """Else nobody knows what the command waits for."""
    status, shown = on_a_terminal(
        "parse", keys=b'{"JobId": "cover-0001"}\n\x04', ICE_RESULT_SINKS=f"file:{tmp_path}", width=80
    )
    assert status == 0
    assert "reading standard input; end it with Ctrl-D" in shown
    assert '"job_id":"cover-0001"' in shown


def screen_of(shown: str, width: int) -> list[str]:
    """Return the rows that a terminal shows in the end, those that it has scrolled away too."""
    screen = pyte.HistoryScreen(width, _ROWS, history=10_000, ratio=1)
    pyte.Stream(screen).feed(shown)
    gone = ["".join(row[column].data for column in range(width)) for row in screen.history.top]
    return [row.rstrip() for row in (*gone, *screen.display)]


def on_a_terminal(
    *arguments: str, output: IO[bytes] | None = None, width: int | None = None, keys: bytes = b"", **environment: str
) -> tuple[int, str]:
    """Run `ice-result ARGUMENTS` in a terminal, with results there or in a file; its exit status, and all it showed."""
    ours, theirs = pty.openpty()
    if width:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, width, 0, 0))
    with subprocess.Popen(
        process_arguments(*arguments),
        stdin=theirs,
        stdout=output or theirs,
        stderr=theirs,
        env=process_environment({"TERM": "xterm-256color", **environment}),
    ) as process:
        os.close(theirs)
        os.write(ours, keys)
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
