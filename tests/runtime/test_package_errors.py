"""What `python tools/package` prints when it cannot begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.packaged_function import run_package_tool


@pytest.mark.parametrize("option", ["--work", "--out"])
def test_a_folder_that_cannot_be_made_is_named_in_one_line(option: str, tmp_path: Path) -> None:
    """GIVEN a file where a folder should be WHEN a package is asked for THEN one line names it; nothing is built."""
    blocked = tmp_path / "file"
    blocked.touch()
    folders = {"--work": tmp_path / "work", "--out": tmp_path / "out", option: blocked / "folder"}
    done = run_package_tool(*(word for pair in folders.items() for word in pair))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"package: {blocked}/folder")
    assert done.stderr.endswith(": Not a directory\n")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "work").exists()
