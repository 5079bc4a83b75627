"""The demo, run as `make demo` runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

DEMO = ROOT / "samples" / "demo.py"


def _run(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=180,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_second_run_says_the_same_and_changes_no_byte(tmp_path: Path) -> None:
    """All fourteen functions, a false success and a failed job; repeated, the same."""
    first = _run(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert "14 of 14 functions recorded, 16 jobs" in first
    assert "false success" in first
    assert _run(tmp_path) == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == files
