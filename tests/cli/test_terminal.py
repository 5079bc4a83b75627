"""What a person at a terminal sees."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_terminal_gets_progress_and_colour(tmp_path: Path) -> None:
    """GIVEN a terminal WHEN jobs are processed THEN there is a bar while it runs, and a coloured line a job."""
    ours, theirs = pty.openpty()
    jobs = ["cover-0001", "videoclip-0001", "nobody"]
    command = [sys.executable, "-m", "ice_result", "process", *jobs, "--jobs", str(ROOT / "samples" / "jobs")]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    with subprocess.Popen(
        [*command, "--sink", f"file:{tmp_path}"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = _read_all(ours)
    assert process.returncode == 1
    assert "\x1b[32m" in shown
    assert "\x1b[33m" in shown
    assert "━" in shown
    assert "2 recorded" in shown


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
